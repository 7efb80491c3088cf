/**
 * This broker's replicas as the metadata assign them: images become assignments of loops, and
 * requests and changes of in-sync sets find their way between partitions and metadata.
 *
 * <p><b>Pure.</b> Joins {@code metadata}, {@code broker.api} and {@code broker.partition}, which do
 * not know each other; knows no sockets and no files. Start at {@link
 * io.kontiki.broker.replicas.ReplicaAssignments}.
 */
@NullMarked
package io.kontiki.broker.replicas;

import org.jspecify.annotations.NullMarked;
