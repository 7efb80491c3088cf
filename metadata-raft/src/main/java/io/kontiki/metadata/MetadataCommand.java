package io.kontiki.metadata;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A change that somebody asks for. Each is a compare-and-set on an epoch (rule M2), validated at
 * apply (M1); the time in it is the proposer's, for display only.
 */
public sealed interface MetadataCommand {
  /** Milliseconds since 1970 by the proposer's clock. */
  long timeMs();

  /**
   * The first command of a cluster (rule M15). Refused once there is a cluster id.
   *
   * @param groupShards Raft groups that consumer groups are spread over, for ever: a group's name
   *     says its shard
   */
  record FormCluster(
      long timeMs, Uid clusterId, int featureLevel, List<VoterImage> voters, int groupShards)
      implements MetadataCommand {
    public FormCluster {
      voters = List.copyOf(voters);
    }
  }

  /**
   * A broker process has started (rules R1, R2, R35). The answer is its broker epoch.
   *
   * @param clusterId {@link Uid#NONE} if its directory has none yet
   * @param cleanEpoch broker epoch in its clean-shutdown marker, or -1 (rule R3)
   */
  record RegisterBroker(
      long timeMs,
      int brokerId,
      Uid clusterId,
      Uid directoryId,
      Uid incarnation,
      BrokerImage.Endpoints endpoints,
      long cleanEpoch,
      String version)
      implements MetadataCommand {}

  /**
   * A broker is alive, recovered and has caught up (rule R4).
   *
   * @param doubtful partitions whose recovery found damage or doubt (rule R3)
   */
  record UnfenceBroker(long timeMs, int brokerId, long brokerEpoch, List<PartitionId> doubtful)
      implements MetadataCommand {
    public UnfenceBroker {
      doubtful = List.copyOf(doubtful);
    }
  }

  /**
   * A broker was judged dead or silent, or ends its controlled stop itself (rules M7, R7).
   *
   * @param reason for people
   */
  record FenceBroker(long timeMs, int brokerId, long brokerEpoch, String reason)
      implements MetadataCommand {}

  /** A broker announces its stop: leadership moves away at once where it can (rule R7). */
  record StopBroker(long timeMs, int brokerId, long brokerEpoch) implements MetadataCommand {}

  /**
   * Makes a topic; placement was computed at propose and is checked here (rule R43).
   *
   * @param assignments replicas of each partition, in order of preference
   */
  record CreateTopic(
      long timeMs,
      TopicId id,
      String name,
      SortedMap<String, String> config,
      List<List<Integer>> assignments)
      implements MetadataCommand {}

  /**
   * Changes a topic's settings: a compare-and-set on all of them (rule M2). The durability stays
   * (R36).
   *
   * @param before what was set when the change was decided
   * @param after what shall be set
   */
  record AlterTopicConfig(
      long timeMs, TopicId id, SortedMap<String, String> before, SortedMap<String, String> after)
      implements MetadataCommand {
    public AlterTopicConfig {
      before = Collections.unmodifiableSortedMap(new TreeMap<>(before));
      after = Collections.unmodifiableSortedMap(new TreeMap<>(after));
    }
  }

  /**
   * Gives a topic more partitions: a compare-and-set on their number (rule M2); placement as with
   * {@link CreateTopic} (rule R43).
   *
   * @param before how many there were when the change was decided
   * @param assignments replicas of each new partition, in order of preference
   */
  record AddPartitions(long timeMs, TopicId id, int before, List<List<Integer>> assignments)
      implements MetadataCommand {
    public AddPartitions {
      assignments = assignments.stream().map(List::copyOf).toList();
    }
  }

  /** Deletes a topic; leaves a tombstone (rule M20). */
  record DeleteTopic(long timeMs, TopicId id) implements MetadataCommand {}

  /** A broker has no data left of deleted topics (rule M20). */
  record ConfirmDeletion(long timeMs, int brokerId, long brokerEpoch, List<TopicId> topics)
      implements MetadataCommand {
    public ConfirmDeletion {
      topics = List.copyOf(topics);
    }
  }

  /**
   * A leader's changes of in-sync sets: each an own compare-and-set with an own outcome (rules R13,
   * R42).
   */
  record AlterPartitions(long timeMs, int brokerId, long brokerEpoch, List<IsrChange> changes)
      implements MetadataCommand {
    public AlterPartitions {
      changes = List.copyOf(changes);
    }
  }

  /**
   * A leader asks for another in its place: each an own compare-and-set with an own outcome (rules
   * R38, R42). Where the one named may not lead, another that may be chosen does.
   */
  record Resign(long timeMs, int brokerId, long brokerEpoch, List<Farewell> changes)
      implements MetadataCommand {
    public Resign {
      changes = List.copyOf(changes);
    }
  }

  /**
   * Leaderships go to other active members of their in-sync sets, which stay as they are (rule
   * R43). Each an own compare-and-set; the answer is the number of those that moved.
   */
  record MoveLeaders(long timeMs, List<LeaderMove> moves) implements MetadataCommand {
    public MoveLeaders {
      moves = List.copyOf(moves);
    }
  }

  /**
   * Replicas shall move: all of these or none (rule R34). A cancellation is the same command, back
   * to the original replicas.
   */
  record ReassignPartitions(long timeMs, List<Reassignment> moves) implements MetadataCommand {
    public ReassignPartitions {
      moves = List.copyOf(moves);
    }
  }

  /**
   * Where the replicas of a partition shall be.
   *
   * @param partitionEpoch of the entry from which this was decided (rule M2)
   * @param replicas in order of preference
   */
  record Reassignment(PartitionId partition, int partitionEpoch, List<Integer> replicas) {
    public Reassignment {
      replicas = List.copyOf(replicas);
    }
  }

  /**
   * What comes is in sync, so what goes can go (rule R34). Each an own compare-and-set; the answer
   * is the number of those that ended.
   */
  record FinishReassignments(long timeMs, List<PartitionAt> partitions) implements MetadataCommand {
    public FinishReassignments {
      partitions = List.copyOf(partitions);
    }
  }

  /**
   * How fast brokers may ship to replicas that come or catch up: a compare-and-set on the limit.
   *
   * @param bytesPerSecond as {@link ClusterImage#catchUpBytesPerSecond}
   */
  record LimitCatchUp(long timeMs, long before, long bytesPerSecond) implements MetadataCommand {}

  /** A partition's entry as it was with this epoch. */
  record PartitionAt(PartitionId partition, int partitionEpoch) {}

  /**
   * An operator wants a leader though nobody who may lead lives: acknowledged records may be lost
   * (rule R19).
   *
   * @param reason for people
   */
  record ElectUnclean(long timeMs, PartitionAt partition, String reason)
      implements MetadataCommand {}

  /**
   * An operator fences or drains a broker until further notice, or ends that.
   *
   * @param number {@link BrokerImage#wishes} as it shall be: one more than it was
   * @param force a fence also if a partition loses its last replica that may lead
   */
  record WishBroker(long timeMs, int brokerId, BrokerImage.Wish wish, int number, boolean force)
      implements MetadataCommand {}

  /**
   * Forgets a broker for good: one that is fenced, has no replicas and does not vote.
   *
   * @param brokerEpoch of the registration that was judged
   */
  record RemoveBroker(long timeMs, int brokerId, long brokerEpoch) implements MetadataCommand {}

  /** Leadership of a partition should go to a broker, from the entry with these epochs. */
  record LeaderMove(PartitionId partition, int to, int leaderEpoch, int partitionEpoch) {}

  /**
   * A leader's wish to be replaced.
   *
   * @param damaged it cannot read all of its log: where no other member of the ISR may lead, a
   *     member of the ELR does, and the present leader keeps no place in either (rule D9)
   */
  record Farewell(LeaderMove move, boolean damaged) {}

  /**
   * Takes a block of producer ids (rule I4). The answer is the first.
   *
   * @param thin from LogService's range (2^52 and up)
   * @param count positive
   */
  record AllocateProducerIds(long timeMs, boolean thin, int count) implements MetadataCommand {}

  /**
   * Allows a listed voter that never voted, or came back with another disk, to vote (M15, M16).
   *
   * @param replaces directory id on record, which must match (rule M2); null: none
   */
  record AdmitVoter(long timeMs, int voterId, @Nullable Uid replaces, Uid directoryId)
      implements MetadataCommand {}

  /**
   * Makes a broker a voter (M23). It has no directory on record yet, and is taken in like a listed
   * voter that comes late (M15).
   *
   * @param before ids of the voters that were judged, ascending (rule M2)
   */
  record AddVoter(long timeMs, int brokerId, long brokerEpoch, List<Integer> before)
      implements MetadataCommand {
    public AddVoter {
      before = List.copyOf(before);
    }
  }

  /**
   * Ends that a node votes (M23).
   *
   * @param before ids of the voters that were judged, ascending (rule M2)
   */
  record RemoveVoter(long timeMs, int voterId, List<Integer> before) implements MetadataCommand {
    public RemoveVoter {
      before = List.copyOf(before);
    }
  }

  /**
   * What a broker proven to hold {@code lastKnownElr} replicas found in its logs, for balanced
   * recovery (rule R19).
   */
  record ReportLogEnds(long timeMs, int brokerId, long brokerEpoch, List<LogEnd> ends)
      implements MetadataCommand {
    public ReportLogEnds {
      ends = List.copyOf(ends);
    }
  }

  /** Last epoch and end of one replica's log. */
  record LogEnd(PartitionId partition, int lastEpoch, long endOffset) {}

  /**
   * One change of an in-sync set.
   *
   * @param isr the new set with the broker epoch of each member as the leader knew it when it
   *     decided (rule R15)
   * @param damaged broker ids of replicas that cannot read all of their logs: those that are not in
   *     the new set are not in the ELR either (rule D9)
   */
  record IsrChange(
      PartitionId partition,
      int leaderEpoch,
      int partitionEpoch,
      List<IsrMember> isr,
      List<Integer> damaged) {
    public IsrChange {
      isr = List.copyOf(isr);
      damaged = List.copyOf(damaged);
    }

    /** Without damage. */
    public IsrChange(
        PartitionId partition, int leaderEpoch, int partitionEpoch, List<IsrMember> isr) {
      this(partition, leaderEpoch, partitionEpoch, isr, List.of());
    }
  }

  /** A member of a proposed in-sync set. */
  record IsrMember(int brokerId, long brokerEpoch) {}
}
