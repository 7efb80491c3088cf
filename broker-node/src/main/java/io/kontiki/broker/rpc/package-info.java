/**
 * The gRPC services of the public contract: protobuf to plain requests and back, streams with their
 * flow control, statuses with their details.
 *
 * <p><b>Shell.</b> Callbacks run on Netty loops and never block; what a call decides is decided in
 * {@code broker.api}. May not know partitions, logs or Raft. Start at {@link
 * io.kontiki.broker.rpc.GrpcDoor}.
 */
@NullMarked
package io.kontiki.broker.rpc;

import org.jspecify.annotations.NullMarked;
