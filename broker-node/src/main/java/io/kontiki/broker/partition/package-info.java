/**
 * Partitions on one loop: a log with its leader or follower core and everybody who waits for it;
 * the streams that ship logs between brokers, as sequences of messages.
 *
 * <p><b>Pure.</b> Knows logs, replication cores and ports; knows no metadata commands, no gRPC, no
 * protobuf, no thread but the loop it lives on. Start at {@link
 * io.kontiki.broker.partition.LoopPartitions}, then {@link io.kontiki.broker.partition.Partition}.
 */
@NullMarked
package io.kontiki.broker.partition;

import org.jspecify.annotations.NullMarked;
