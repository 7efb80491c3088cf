/**
 * The Java client: producer, consumer, administration. Talks to partition leaders directly and
 * follows them.
 *
 * <p><b>Shell</b> round pure cores ({@code PartitionSender}, {@code PartitionFetcher}, {@code
 * ClusterView}), all on one thread per client. Knows the public wire contract, nothing of a broker.
 * Start at {@link io.kontiki.client.KontikiClient}.
 */
@NullMarked
package io.kontiki.client;

import org.jspecify.annotations.NullMarked;
