package io.kontiki.broker.door;

import io.kontiki.broker.api.ClusterAdmin;
import io.kontiki.broker.api.ConfigAdmin;
import io.kontiki.broker.api.LeadershipAdmin;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.ProducerIds;
import io.kontiki.broker.api.QuorumAdmin;
import io.kontiki.broker.api.ReassignmentAdmin;
import io.kontiki.broker.api.ReplicaSizes;
import io.kontiki.broker.api.TopicAdmin;
import io.kontiki.broker.api.TopicChangeAdmin;
import io.kontiki.broker.group.ClassicGroups;
import io.kontiki.broker.metrics.BrokerMetrics;
import io.kontiki.broker.rpc.Budget;
import io.kontiki.broker.rpc.ServiceState;
import io.kontiki.config.LimitsConfig;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.Worker;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import java.util.List;
import java.util.function.Supplier;

/**
 * All that a door may use of the broker. Everything is thread-safe.
 *
 * @param brokerId this broker's
 * @param partitions its own, and those of others one hop further
 * @param sizes of its own replicas
 * @param groups that this broker coordinates, and who coordinates others
 * @param producerIds of the raw range
 * @param background for what takes long, as decompression; whoever uses it bounds its tasks
 * @param state whether requests are served
 * @param bytes what requests under way hold, of all doors together
 * @param autoCreateTopics whether asking for a topic makes it, where the protocol knows that
 * @param loops the data loops, in the order of {@code netty}
 * @param netty the same, for sockets
 * @param listeners makes listening sockets that go with these loops
 */
public record DoorServices(
    int brokerId,
    Metadata metadata,
    PartitionRequests partitions,
    ReplicaSizes sizes,
    Admin admin,
    ClassicGroups groups,
    ProducerIds producerIds,
    Worker background,
    ServiceState state,
    BrokerMetrics metrics,
    Budget bytes,
    LimitsConfig limits,
    boolean autoCreateTopics,
    RandomSource random,
    List<EventLoop> loops,
    EventLoopGroup netty,
    Supplier<ServerChannel> listeners) {
  public DoorServices {
    loops = List.copyOf(loops);
  }

  /** Administration, as every door offers it. */
  public record Admin(
      TopicAdmin topics,
      TopicChangeAdmin changes,
      ReassignmentAdmin reassignments,
      LeadershipAdmin leadership,
      ClusterAdmin cluster,
      QuorumAdmin quorum,
      ConfigAdmin configs) {}
}
