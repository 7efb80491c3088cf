/**
 * The Kafka protocol as a front door of a broker. <b>Shell.</b> Start at {@link
 * io.kontiki.kafka.KafkaDoor}.
 */
@NullMarked
package io.kontiki.kafka;

import org.jspecify.annotations.NullMarked;
