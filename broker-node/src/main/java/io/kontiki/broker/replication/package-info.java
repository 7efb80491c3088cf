/**
 * Replication streams on gRPC: the leader's service and the follower's transport.
 *
 * <p><b>Shell.</b> Moves messages between calls and the loops of {@link
 * io.kontiki.broker.partition}; decides nothing. Start at {@link
 * io.kontiki.broker.replication.ReplicationGrpcService} and {@link
 * io.kontiki.broker.replication.GrpcReplicaTransport}.
 */
@NullMarked
package io.kontiki.broker.replication;

import org.jspecify.annotations.NullMarked;
