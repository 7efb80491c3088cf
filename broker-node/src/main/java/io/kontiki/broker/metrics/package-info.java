/**
 * What a broker counts and measures, and its Prometheus text.
 *
 * <p><b>Shell.</b> Named by topic, never by partition, so that ten thousand partitions cost
 * nothing. Start at {@link io.kontiki.broker.metrics.BrokerMetrics}.
 */
@NullMarked
package io.kontiki.broker.metrics;

import org.jspecify.annotations.NullMarked;
