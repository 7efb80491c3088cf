package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.ReassignPartitions;
import io.kontiki.metadata.MetadataCommand.Reassignment;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.TopicRules;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** From a request to move replicas, or to take that back, to the command that does it (R34). */
public final class Reassignments {
  private static final long RETRY_MS = 1_000;

  /** As of {@code replication.catchup.bytes.per.second}: less would never end. */
  private static final long LEAST_BYTES_PER_SECOND = 64 * 1024;

  private Reassignments() {}

  /** A partition by the name of its topic. */
  public record Named(String topic, int partition) {}

  /**
   * Where the replicas of a partition shall be.
   *
   * @param replicas in order of preference; empty: chosen, so that brokers are evenly used
   */
  public record Wanted(Named partition, List<Integer> replicas) {
    public Wanted {
      replicas = List.copyOf(replicas);
    }
  }

  /** A partition whose replicas are on their way. */
  public record UnderWay(PartitionId id, TopicImage topic, PartitionImage partition) {}

  /** All that are under way, by topic name and partition. */
  public static List<UnderWay> underWay(ClusterImage image) {
    List<UnderWay> all = new ArrayList<>();
    for (var name : image.topicNames().values()) {
      TopicImage topic = image.topics().get(name);
      for (int i = 0; topic != null && i < topic.partitions().size(); i++) {
        PartitionImage partition = topic.partitions().get(i);
        if (partition.reassigning()) {
          all.add(new UnderWay(new PartitionId(topic.id(), i), topic, partition));
        }
      }
    }
    return all;
  }

  /**
   * Decides on moves: all or none. Partitions that are where they shall be, or on their way there,
   * are not in the command.
   *
   * @param limit partitions under way at a time
   * @param seed for replicas that are to be chosen, random
   * @return the command, or INVALID_FIELD, TOPIC_NOT_FOUND, PARTITION_NOT_FOUND, BROKER_NOT_FOUND,
   *     TOO_FEW_BROKERS, BUSY
   */
  public static Result<ReassignPartitions> decide(
      ClusterImage image, List<Wanted> wanted, int limit, long seed, long timeMs) {
    if (wanted.isEmpty()) {
      return Result.error(field("reassignments", "at least one must be given"));
    }
    SortedMap<PartitionId, List<Integer>> targets = new TreeMap<>();
    for (Wanted one : wanted) {
      ApiError error = notFound(image, one.partition());
      if (error == null) {
        TopicImage topic = topic(image, one.partition());
        PartitionId id = new PartitionId(topic.id(), one.partition().partition());
        error =
            targets.put(id, one.replicas()) != null
                ? field("reassignments", name(one.partition()) + " is named twice")
                : replicasError(image, topic, one);
      }
      if (error != null) {
        return Result.error(error);
      }
    }
    for (var chosen : ReplicaSpread.choose(image, withoutReplicas(targets), seed).entrySet()) {
      targets.put(chosen.getKey(), chosen.getValue());
    }
    return limited(image, moves(image, targets), limit, timeMs);
  }

  private static List<PartitionId> withoutReplicas(SortedMap<PartitionId, List<Integer>> targets) {
    return targets.entrySet().stream()
        .filter(target -> target.getValue().isEmpty())
        .map(target -> target.getKey())
        .toList();
  }

  private static List<Reassignment> moves(
      ClusterImage image, SortedMap<PartitionId, List<Integer>> targets) {
    List<Reassignment> moves = new ArrayList<>();
    targets.forEach(
        (id, replicas) -> {
          PartitionImage now = image.partition(id);
          if (now != null && !now.target().equals(replicas)) {
            moves.add(new Reassignment(id, now.partitionEpoch(), replicas));
          }
        });
    return moves;
  }

  private static Result<ReassignPartitions> limited(
      ClusterImage image, List<Reassignment> moves, int limit, long timeMs) {
    TreeSet<PartitionId> under = new TreeSet<>();
    underWay(image).forEach(one -> under.add(one.id()));
    int already = under.size();
    moves.forEach(move -> under.add(move.partition()));
    // Where nothing begins nothing is refused: whoever is above a lowered limit may still cancel.
    if (under.size() > limit && under.size() > already) {
      ApiError error =
          moves.size() > limit
              ? ApiError.definite(
                  ErrorReason.BUSY,
                  moves.size()
                      + " partitions in one request; reassignment.max.partitions is "
                      + limit)
              : ApiError.retriable(
                  ErrorReason.BUSY,
                  already
                      + " partitions are being reassigned and "
                      + (under.size() - already)
                      + " more are asked for; reassignment.max.partitions is "
                      + limit
                      + ": wait until some are done",
                  RETRY_MS);
      return Result.error(error.with("what", "reassignments").with("underWay", already));
    }
    return Result.ok(new ReassignPartitions(timeMs, moves));
  }

  private static @Nullable ApiError replicasError(
      ClusterImage image, TopicImage topic, Wanted wanted) {
    List<Integer> replicas = wanted.replicas();
    String name = name(wanted.partition());
    if (replicas.isEmpty()) {
      return null;
    }
    if (new TreeSet<>(replicas).size() != replicas.size()) {
      return field("replicas", name + " on brokers " + replicas + ": each may be named once");
    }
    PartitionImage now = topic.partitions().get(wanted.partition().partition());
    for (int replica : replicas) {
      BrokerImage broker = image.brokers().get(replica);
      if (broker == null && !image.voters().containsKey(replica)) {
        return ApiError.definite(
                ErrorReason.BROKER_NOT_FOUND,
                name
                    + " on broker "
                    + replica
                    + ": there is none; there are "
                    + Placement.candidates(image))
            .with("brokerId", replica);
      }
      if (broker != null
          && broker.wish() != BrokerImage.Wish.NONE
          && !now.replicas().contains(replica)) {
        return field(
            "replicas",
            name
                + " on broker "
                + replica
                + ": an operator has "
                + (broker.wish().fences() ? "fenced" : "drained")
                + " it; unfence it first");
      }
    }
    String minIsr = topic.config().get(TopicRules.MIN_INSYNC_REPLICAS);
    if (TopicRules.configError(topic.config(), replicas.size()) != null) {
      return field(
          "replicas",
          name
              + " on brokers "
              + replicas
              + ": min.insync.replicas of topic '"
              + topic.name()
              + "' is "
              + minIsr
              + "; name as many brokers at least, or lower it first");
    }
    return null;
  }

  /**
   * Decides on what to take back: partitions go to the replicas that they had when their
   * reassignment began. Those of which none is under way are left alone.
   *
   * @return the command, or INVALID_FIELD, TOPIC_NOT_FOUND, PARTITION_NOT_FOUND
   */
  public static Result<ReassignPartitions> cancel(
      ClusterImage image, List<Named> partitions, long timeMs) {
    if (partitions.isEmpty()) {
      return Result.error(field("partitions", "at least one must be given"));
    }
    SortedMap<PartitionId, List<Integer>> targets = new TreeMap<>();
    for (Named one : partitions) {
      ApiError error = notFound(image, one);
      if (error != null) {
        return Result.error(error);
      }
      TopicImage topic = topic(image, one);
      PartitionImage now = topic.partitions().get(one.partition());
      if (now.reassigning()) {
        targets.put(new PartitionId(topic.id(), one.partition()), now.original());
      }
    }
    return Result.ok(new ReassignPartitions(timeMs, moves(image, targets)));
  }

  /**
   * Decides on another limit of the bytes that each broker ships to replicas that come.
   *
   * @param bytesPerSecond 0: no limit
   * @return the command; empty: it is the limit already; or INVALID_FIELD
   */
  public static Result<Optional<MetadataCommand>> limit(
      ClusterImage image, long bytesPerSecond, long timeMs) {
    if (bytesPerSecond != 0 && bytesPerSecond < LEAST_BYTES_PER_SECOND) {
      return Result.error(
          field(
              "throttle_bytes_per_second",
              bytesPerSecond
                  + " bytes per second; must be 0 (no limit) or at least "
                  + LEAST_BYTES_PER_SECOND));
    }
    long before = image.catchUpBytesPerSecond();
    return Result.ok(
        before == bytesPerSecond
            ? Optional.empty()
            : Optional.of(new MetadataCommand.LimitCatchUp(timeMs, before, bytesPerSecond)));
  }

  /** Why there is no such partition, or null. */
  static @Nullable ApiError notFound(ClusterImage image, Named partition) {
    TopicImage topic = image.topic(partition.topic());
    if (topic == null) {
      return ApiError.definite(
              ErrorReason.TOPIC_NOT_FOUND, "there is no topic '" + partition.topic() + "'")
          .with("topic", partition.topic());
    }
    int count = topic.partitions().size();
    if (partition.partition() >= 0 && partition.partition() < count) {
      return null;
    }
    return ApiError.definite(
            ErrorReason.PARTITION_NOT_FOUND,
            "topic '"
                + partition.topic()
                + "' has partitions 0 to "
                + (count - 1)
                + ", not "
                + partition.partition())
        .with("topic", partition.topic())
        .with("partition", partition.partition())
        .with("partitionCount", count);
  }

  private static TopicImage topic(ClusterImage image, Named partition) {
    return Objects.requireNonNull(image.topic(partition.topic()));
  }

  private static String name(Named partition) {
    return partition.topic() + "-" + partition.partition();
  }

  private static ApiError field(String field, String problem) {
    return TopicCreation.field(field, problem);
  }
}
