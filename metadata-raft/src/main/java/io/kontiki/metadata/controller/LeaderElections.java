package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.Limits;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.ElectUnclean;
import io.kontiki.metadata.MetadataCommand.LeaderMove;
import io.kontiki.metadata.MetadataCommand.MoveLeaders;
import io.kontiki.metadata.MetadataCommand.PartitionAt;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** From an operator's wish for another leader to the command that brings it (R19, R43). */
public final class LeaderElections {
  private LeaderElections() {}

  /**
   * The preferred replica shall lead, within the in-sync set: a controlled move.
   *
   * @return the command; empty: it leads already; or TOPIC_NOT_FOUND, PARTITION_NOT_FOUND,
   *     NO_ELIGIBLE_LEADER
   */
  public static Result<Optional<MetadataCommand>> preferred(
      ClusterImage image, Reassignments.Named named, long timeMs) {
    ApiError missing = Reassignments.notFound(image, named);
    if (missing != null) {
      return Result.error(missing);
    }
    PartitionId id = id(image, named);
    PartitionImage partition = Objects.requireNonNull(image.partition(id));
    int preferred = partition.replicas().get(0);
    if (partition.leader() == preferred) {
      return Result.ok(Optional.empty());
    }
    BrokerImage broker = image.brokers().get(preferred);
    if (partition.leader() == PartitionImage.NO_LEADER
        || !partition.isr().contains(preferred)
        || broker == null
        || broker.state() != BrokerImage.State.ACTIVE) {
      return Result.error(notEligible(named, partition, preferred));
    }
    LeaderMove move =
        new LeaderMove(id, preferred, partition.leaderEpoch(), partition.partitionEpoch());
    return Result.ok(Optional.of(new MoveLeaders(timeMs, List.of(move))));
  }

  private static ApiError notEligible(
      Reassignments.Named named, PartitionImage partition, int preferred) {
    String name = named.topic() + "-" + named.partition();
    return ApiError.definite(
            ErrorReason.NO_ELIGIBLE_LEADER,
            partition.leader() == PartitionImage.NO_LEADER
                ? name
                    + " has no leader: in sync are "
                    + partition.isr()
                    + ", eligible are "
                    + partition.elr()
                    + "; start one of these, or elect any replica that lives with UNCLEAN, which"
                    + " loses records"
                : name
                    + " prefers broker "
                    + preferred
                    + ", which must be active and in sync; in sync are "
                    + partition.isr())
        .with("topic", named.topic())
        .with("partition", named.partition());
  }

  /**
   * Any replica that lives shall lead, though it may lack acknowledged records: only where nobody
   * leads.
   *
   * @param reason of the operator, for the log of every broker
   * @return the command, or TOPIC_NOT_FOUND, PARTITION_NOT_FOUND, INVALID_FIELD, LEADER_EXISTS;
   *     whether somebody is there to lead is decided at apply
   */
  public static Result<Optional<MetadataCommand>> unclean(
      ClusterImage image, Reassignments.Named named, String reason, long timeMs) {
    ApiError missing = Reassignments.notFound(image, named);
    if (missing != null) {
      return Result.error(missing);
    }
    if (reason.isBlank() || reason.length() > Limits.REASON_CHARS) {
      return Result.error(
          TopicCreation.field(
              "reason",
              reason.length()
                  + " characters: say in 1 to "
                  + Limits.REASON_CHARS
                  + " why records may be lost"));
    }
    PartitionId id = id(image, named);
    PartitionImage partition = Objects.requireNonNull(image.partition(id));
    if (partition.leader() != PartitionImage.NO_LEADER) {
      return Result.error(
          ApiError.definite(
                  ErrorReason.LEADER_EXISTS,
                  named.topic()
                      + "-"
                      + named.partition()
                      + " is led by broker "
                      + partition.leader()
                      + ": an unclean election would only lose records")
              .with("leader", partition.leader()));
    }
    return Result.ok(
        Optional.of(
            new ElectUnclean(timeMs, new PartitionAt(id, partition.partitionEpoch()), reason)));
  }

  private static PartitionId id(ClusterImage image, Reassignments.Named named) {
    TopicImage topic = Objects.requireNonNull(image.topic(named.topic()));
    return new PartitionId(topic.id(), named.partition());
  }
}
