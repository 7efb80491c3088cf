/**
 * Clients of Apache Kafka as users have them, behind plain interfaces: the rest of the suite does
 * not know their library.
 *
 * <p><b>Shell.</b> Start at {@link io.kontiki.chaos.run.kafka.KafkaSender}.
 */
@NullMarked
package io.kontiki.chaos.run.kafka;

import org.jspecify.annotations.NullMarked;
