package io.kontiki.broker.replication;

import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.kontiki.broker.partition.LoopPartitions;
import io.kontiki.internal.v1.ReplicateRequest;
import io.kontiki.internal.v1.ReplicateResponse;
import io.kontiki.internal.v1.ReplicationServiceGrpc;
import io.kontiki.model.PartitionId;
import io.kontiki.proto.WithPayload;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * The leader's side of replication streams. A stream belongs to one loop of the follower; here its
 * partitions may live on several, so messages are split on the way in and joined on the way out.
 * With equal numbers of loops on both sides, as usual, each stream touches one loop alone.
 */
public final class ReplicationGrpcService {
  private final List<Owner> owners;
  private final ToIntFunction<PartitionId> loopOf;

  /** A loop and what lives on it. */
  record Owner(LoopMailbox mailbox, LoopPartitions partitions) {}

  /**
   * @param loops all data loops
   * @param partitions of each loop, in the same order
   * @param loopOf number of the loop that a partition lives on
   */
  public ReplicationGrpcService(
      List<EventLoop> loops, List<LoopPartitions> partitions, ToIntFunction<PartitionId> loopOf) {
    if (loops.isEmpty() || loops.size() != partitions.size()) {
      throw new IllegalArgumentException(
          loops.size() + " loops with the partitions of " + partitions.size());
    }
    List<Owner> all = new ArrayList<>();
    for (int i = 0; i < loops.size(); i++) {
      all.add(new Owner(new LoopMailbox(loops.get(i)), partitions.get(i)));
    }
    this.owners = List.copyOf(all);
    this.loopOf = loopOf;
  }

  /** To be served on the replication port, with {@code directExecutor}, on the data loops. */
  public ServerServiceDefinition definition() {
    ServerCallHandler<ReplicateRequest, WithPayload<ReplicateResponse>> handler =
        (call, headers) -> accept(call);
    return ServerServiceDefinition.builder(
            ServiceDescriptor.newBuilder(ReplicationServiceGrpc.SERVICE_NAME)
                .setSchemaDescriptor(
                    ReplicationServiceGrpc.getServiceDescriptor().getSchemaDescriptor())
                .addMethod(ReplicationMethods.REPLICATE)
                .build())
        .addMethod(ReplicationMethods.REPLICATE, handler)
        .build();
  }

  private ServerCall.Listener<ReplicateRequest> accept(
      ServerCall<ReplicateRequest, WithPayload<ReplicateResponse>> call) {
    LeaderCall accepted = new LeaderCall(call, home(), owners, loopOf);
    accepted.start();
    return accepted;
  }

  /** The loop that serves the connection, if it is one of ours. */
  private LoopMailbox home() {
    for (Owner owner : owners) {
      if (owner.mailbox.loop().inLoop()) {
        return owner.mailbox;
      }
    }
    return owners.get(0).mailbox;
  }
}
