package io.kontiki.broker.api;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.AddVoter;
import io.kontiki.metadata.MetadataCommand.RemoveVoter;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Whether who votes may be changed, one node at a time (rule M23): from what the leaders of all
 * Raft groups say, and the image, to the command. What the image alone tells is decided at apply.
 */
final class VoterChanges {
  /** A voter that its leader has not heard of for longer counts as down. */
  static final long CONTACT_MS = 3_000;

  /** Leaders that do not answer within it are not waited for. */
  static final long LEADER_NANOS = 500_000_000;

  private VoterChanges() {}

  /**
   * Every Raft group as its leader sees it, else as somebody does.
   *
   * @param shards those that somebody told of
   */
  record Groups(RaftStatus metadata, List<RaftStatus> shards) {
    Groups {
      shards = List.copyOf(shards);
    }

    /** Asks all; works without a quorum. */
    static void look(
        Metadata metadata, ShardViews shards, CallContext call, Completion<Groups> completion) {
      metadata.leaderView(
          call.atMost(LEADER_NANOS),
          call.home(
              status ->
                  shards.views(
                      call.atMost(LEADER_NANOS),
                      call.home(others -> completion.complete(new Groups(status, others))))));
    }

    private List<RaftStatus> all() {
      List<RaftStatus> all = new ArrayList<>(shards);
      all.add(0, metadata);
      return all;
    }
  }

  /**
   * The broker shall vote.
   *
   * @return the command, or BROKER_NOT_FOUND, QUORUM_UNAVAILABLE, QUORUM_CHANGE_IN_PROGRESS,
   *     WOULD_LOSE_QUORUM
   */
  static Result<MetadataCommand> add(ClusterImage image, Groups groups, int nodeId, long timeMs) {
    BrokerImage broker = image.brokers().get(nodeId);
    if (broker == null) {
      return Result.error(
          ApiError.definite(
                  ErrorReason.BROKER_NOT_FOUND,
                  "broker "
                      + nodeId
                      + " is not registered: start it first; there are "
                      + image.brokers().keySet())
              .with("nodeId", nodeId));
    }
    SortedSet<Integer> voters = new TreeSet<>(image.voters().keySet());
    ApiError unsettled = unsettled(image, groups, voters, -1);
    if (unsettled != null) {
      return Result.error(unsettled);
    }
    for (RaftStatus group : groups.all()) {
      SortedSet<Integer> down = new TreeSet<>(voters);
      down.removeAll(live(image, group));
      if (!down.isEmpty()) {
        return Result.error(
            ApiError.definite(
                    ErrorReason.WOULD_LOSE_QUORUM,
                    "of the voters "
                        + voters
                        + " the leader of group '"
                        + group.group()
                        + "' does not hear of "
                        + down
                        + ": with one more voter the majority is larger, and the loss of another"
                        + " one could cost it. Start what is down, or remove it first")
                .with("nodeId", nodeId));
      }
    }
    return Result.ok(new AddVoter(timeMs, nodeId, broker.epoch(), List.copyOf(voters)));
  }

  /**
   * The voter shall be none any more; it may be down.
   *
   * @return the command, or VOTER_NOT_FOUND, QUORUM_UNAVAILABLE, QUORUM_CHANGE_IN_PROGRESS,
   *     WOULD_LOSE_QUORUM
   */
  static Result<MetadataCommand> remove(
      ClusterImage image, Groups groups, int nodeId, long timeMs) {
    SortedSet<Integer> voters = new TreeSet<>(image.voters().keySet());
    SortedSet<Integer> rest = new TreeSet<>(voters);
    if (!rest.remove(nodeId)) {
      return Result.error(
          ApiError.definite(
                  ErrorReason.VOTER_NOT_FOUND,
                  "node " + nodeId + " is no voter; the voters are " + voters)
              .with("nodeId", nodeId));
    }
    ApiError unsettled = unsettled(image, groups, rest, nodeId);
    if (unsettled != null) {
      return Result.error(unsettled);
    }
    for (RaftStatus group : groups.all()) {
      SortedSet<Integer> live = new TreeSet<>(rest);
      live.retainAll(live(image, group));
      // The last one is refused at apply.
      if (!rest.isEmpty() && live.size() <= rest.size() / 2) {
        return Result.error(
            ApiError.definite(
                    ErrorReason.WOULD_LOSE_QUORUM,
                    "without node "
                        + nodeId
                        + " the voters are "
                        + rest
                        + ", and of those the leader of group '"
                        + group.group()
                        + "' hears only of "
                        + live
                        + ", which is no majority: start one that is down first")
                .with("nodeId", nodeId));
      }
    }
    return Result.ok(new RemoveVoter(timeMs, nodeId, List.copyOf(voters)));
  }

  /** Whether every group counts the image's voters and nobody else, by its leader's word. */
  static boolean settled(ClusterImage image, Groups groups) {
    return unsettled(image, groups, image.voters().keySet(), -1) == null;
  }

  /** Whether any group counts the node, as far as is known. */
  static boolean counted(Groups groups, int nodeId) {
    return groups.all().stream().anyMatch(group -> members(group).contains(nodeId));
  }

  /**
   * Why a change would not be the only one; null: it would be.
   *
   * @param wanted who must be counted in each group
   * @param either who may be counted or not; -1: nobody
   */
  private static @Nullable ApiError unsettled(
      ClusterImage image, Groups groups, Collection<Integer> wanted, int either) {
    if (groups.shards().size() != image.groupShards()) {
      return ApiError.retriable(
          ErrorReason.QUORUM_UNAVAILABLE,
          "of "
              + image.groupShards()
              + " shards of consumer groups "
              + groups.shards().size()
              + " are known: the others have no leader that answers",
          200);
    }
    for (RaftStatus group : groups.all()) {
      if (!byLeader(group)) {
        return ApiError.retriable(
            ErrorReason.QUORUM_UNAVAILABLE,
            "group '" + group.group() + "' has no leader that answers",
            200);
      }
      SortedSet<Integer> members = members(group);
      SortedSet<Integer> others = new TreeSet<>(members);
      others.remove(either);
      if (!others.equals(new TreeSet<>(wanted))) {
        return ApiError.definite(
            ErrorReason.QUORUM_CHANGE_IN_PROGRESS,
            "the voters are "
                + image.voters().keySet()
                + ", and group '"
                + group.group()
                + "' counts "
                + members
                + ": another change is going on, or a voter waits to be taken in; see 'kontiki"
                + " cluster status'");
      }
    }
    return null;
  }

  /** Whether this is the leader's own word: it has always heard of itself. */
  private static boolean byLeader(RaftStatus group) {
    return group.voters().stream()
        .anyMatch(member -> member.nodeId() == group.leaderId() && member.lastContactMs() == 0);
  }

  private static SortedSet<Integer> members(RaftStatus group) {
    SortedSet<Integer> members = new TreeSet<>();
    group.voters().forEach(member -> members.add(member.nodeId()));
    return members;
  }

  /**
   * Who answers its leader, has begun to hold the group's log, and is not judged dead as a broker,
   * which is known sooner.
   */
  private static SortedSet<Integer> live(ClusterImage image, RaftStatus group) {
    SortedSet<Integer> live = new TreeSet<>();
    for (RaftGroup.Member member : group.voters()) {
      BrokerImage broker = image.brokers().get(member.nodeId());
      boolean dead = broker != null && !broker.unfenced() && !broker.wish().fences();
      if (!dead
          && member.lastContactMs() >= 0
          && member.lastContactMs() <= CONTACT_MS
          && member.matchIndex() > 0) {
        live.add(member.nodeId());
      }
    }
    return live;
  }
}
