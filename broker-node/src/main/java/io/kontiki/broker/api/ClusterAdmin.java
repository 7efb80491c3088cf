package io.kontiki.broker.api;

import io.kontiki.broker.api.NodeReports.LogDir;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Result;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Tells of brokers and of the quorum. Stateless; any loop. */
public final class ClusterAdmin {
  private static final long REPORT_NANOS = 1_000_000_000;

  private final Metadata metadata;
  private final NodeReports reports;
  private final ShardViews shards;

  /**
   * A broker as an operator sees it.
   *
   * @param voter whether it votes in the metadata quorum
   * @param leads partitions that it leads
   * @param replicas partitions of which it should have a copy
   * @param logDirs empty: not asked for, or it did not answer
   */
  public record BrokerView(
      BrokerImage broker, boolean voter, int leads, int replicas, List<LogDir> logDirs) {}

  /** All registered brokers, by id. */
  public record Brokers(List<BrokerView> brokers, long index) {}

  /**
   * A member of a Raft group.
   *
   * @param matchIndex -1: not known
   * @param lastContactMs -1: never, or not known
   */
  public record QuorumMember(
      int nodeId, Endpoint raft, boolean voter, long matchIndex, long lastContactMs) {}

  /** A Raft group: voters by id, then those that only follow. */
  public record QuorumView(RaftGroup.RaftStatus status, List<QuorumMember> members) {}

  public ClusterAdmin(Metadata metadata, NodeReports reports, ShardViews shards) {
    this.metadata = metadata;
    this.reports = reports;
    this.shards = shards;
  }

  /**
   * The cluster at a glance.
   *
   * @param minIndex null: linearizable
   */
  public void describe(
      CallContext call, @Nullable Long minIndex, Completion<Result<ClusterSummary>> completion) {
    TopicLookup.image(
        metadata,
        call,
        minIndex,
        image -> {
          if (image instanceof Result.Ok<ClusterImage> found) {
            // What a broker that does not vote was told last may be of before voters changed.
            metadata.leaderView(
                call.atMost(VoterChanges.LEADER_NANOS),
                call.home(
                    quorum ->
                        completion.complete(Result.ok(ClusterSummary.of(found.value(), quorum)))));
          } else {
            completion.complete(Result.error(((Result.Err<ClusterImage>) image).error()));
          }
        });
  }

  /**
   * Every registered broker.
   *
   * @param minIndex null: linearizable
   */
  public void brokers(
      CallContext call,
      boolean includeLogDirs,
      @Nullable Long minIndex,
      Completion<Result<Brokers>> completion) {
    TopicLookup.image(
        metadata,
        call,
        minIndex,
        image -> {
          if (image instanceof Result.Ok<ClusterImage> found) {
            views(call, found.value(), includeLogDirs, completion);
          } else {
            completion.complete(Result.error(((Result.Err<ClusterImage>) image).error()));
          }
        });
  }

  /** A broker with its counts, without its directories. */
  static BrokerView view(ClusterImage image, BrokerImage broker) {
    int leads = 0;
    int replicas = 0;
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        leads += partition.leader() == broker.id() ? 1 : 0;
        replicas += partition.replicas().contains(broker.id()) ? 1 : 0;
      }
    }
    boolean voter = image.voters().containsKey(broker.id());
    return new BrokerView(broker, voter, leads, replicas, List.of());
  }

  private void views(
      CallContext call,
      ClusterImage image,
      boolean includeLogDirs,
      Completion<Result<Brokers>> completion) {
    Map<Integer, Integer> leads = new TreeMap<>();
    Map<Integer, Integer> replicas = new TreeMap<>();
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        leads.merge(partition.leader(), 1, Integer::sum);
        partition.replicas().forEach(replica -> replicas.merge(replica, 1, Integer::sum));
      }
    }
    List<BrokerImage> brokers = List.copyOf(image.brokers().values());
    long deadline = call.atMost(REPORT_NANOS);
    Gather.<Result<List<LogDir>>>all(
        call.loop(),
        brokers.size(),
        i -> Result.ok(List.of()),
        (i, answer) -> {
          if (includeLogDirs) {
            reports.logDirs(brokers.get(i), deadline, answer);
          } else {
            answer.complete(Result.ok(List.of()));
          }
        },
        dirs -> {
          List<BrokerView> views = new ArrayList<>();
          for (int i = 0; i < brokers.size(); i++) {
            BrokerImage broker = brokers.get(i);
            views.add(
                new BrokerView(
                    broker,
                    image.voters().containsKey(broker.id()),
                    leads.getOrDefault(broker.id(), 0),
                    replicas.getOrDefault(broker.id(), 0),
                    dirs.get(i).fold(known -> known, unknown -> List.of())));
          }
          completion.complete(Result.ok(new Brokers(views, image.index())));
        });
  }

  /** The Raft groups as their leader sees them, else as this node does: works without a quorum. */
  public void quorum(CallContext call, Completion<List<QuorumView>> completion) {
    VoterChanges.Groups.look(
        metadata,
        shards,
        call,
        groups -> {
          List<QuorumView> views = new ArrayList<>();
          views.add(view(groups.metadata(), true));
          groups.shards().forEach(other -> views.add(view(other, false)));
          completion.complete(views);
        });
  }

  /**
   * @param followed whether all brokers follow the group, its voters or not
   */
  private QuorumView view(RaftGroup.RaftStatus status, boolean followed) {
    List<QuorumMember> members = new ArrayList<>();
    TreeSet<Integer> voters = new TreeSet<>();
    for (RaftGroup.Member voter : status.voters()) {
      voters.add(voter.nodeId());
      members.add(
          new QuorumMember(
              voter.nodeId(), voter.endpoint(), true, voter.matchIndex(), voter.lastContactMs()));
    }
    ClusterImage image = metadata.image();
    SortedMap<Integer, Endpoint> others = new TreeMap<>();
    // Voters that have never voted, or do not vote until they are taken in again (M15, M16).
    image.voters().values().forEach(voter -> others.put(voter.id(), voter.raft()));
    if (followed) {
      image
          .brokers()
          .values()
          .forEach(broker -> others.put(broker.id(), broker.endpoints().raft()));
    }
    others.keySet().removeAll(voters);
    others.forEach((id, raft) -> members.add(new QuorumMember(id, raft, false, -1, -1)));
    return new QuorumView(status, members);
  }
}
