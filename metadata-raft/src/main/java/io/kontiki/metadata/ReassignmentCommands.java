package io.kontiki.metadata;

import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.Number;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.metadata.MetadataCommand.PartitionAt;
import io.kontiki.metadata.MetadataCommand.Reassignment;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Moves of replicas (rules R20, R34): they grow the set at once, the leader takes what comes into
 * the in-sync set by its own rules (R12), and a second command shrinks the set when that is safe.
 * Nothing here adds to an in-sync set.
 */
final class ReassignmentCommands {
  private ReassignmentCommands() {}

  /** All of the partitions or none. */
  static CommandOutcome reassign(ImageDraft draft, MetadataCommand.ReassignPartitions command) {
    Rejected refusal = refusal(draft, command.moves());
    if (refusal != null) {
      return refusal;
    }
    for (Reassignment move : command.moves()) {
      PartitionImage now = partition(draft, move.partition());
      PartitionChange change = new PartitionChange(now, topic(draft, move.partition()).minIsr(now));
      change.reassign(move.replicas());
      draft.change(move.partition(), change, now);
    }
    return new Done();
  }

  private static @Nullable Rejected refusal(ImageDraft draft, List<Reassignment> moves) {
    ClusterImage image = draft.before();
    TreeSet<PartitionId> seen = new TreeSet<>();
    int begun = 0;
    long more = 0;
    for (Reassignment move : moves) {
      PartitionImage now = image.partition(move.partition());
      if (now == null) {
        return MetadataMachine.rejected(
            ErrorReason.PARTITION_NOT_FOUND, "there is no partition " + move.partition());
      }
      if (!seen.add(move.partition())) {
        return MetadataMachine.rejected(
            ErrorReason.INVALID_FIELD, "partition " + move.partition() + " is named twice");
      }
      if (now.partitionEpoch() != move.partitionEpoch()) {
        return TopicCommands.changedMeanwhile("replicas of the partitions");
      }
      ApiError error = error(image, topic(draft, move.partition()), now, move.replicas());
      if (error != null) {
        return new Rejected(error);
      }
      begun += now.reassigning() ? 0 : 1;
      more += move.replicas().stream().filter(replica -> !now.replicas().contains(replica)).count();
    }
    if (begun + reassigning(image) > Limits.REASSIGNING) {
      return MetadataMachine.rejected(
          ErrorReason.BUSY,
          "at most " + Limits.REASSIGNING + " partitions are reassigned at a time (M19)");
    }
    ApiError tooMany = TopicCommands.replicaLimit(image, more);
    return tooMany == null ? null : new Rejected(tooMany);
  }

  private static @Nullable ApiError error(
      ClusterImage image, TopicImage topic, PartitionImage now, List<Integer> replicas) {
    TreeSet<Integer> all = new TreeSet<>(replicas);
    if (replicas.isEmpty() || all.size() != replicas.size()) {
      return ApiError.definite(
          ErrorReason.INVALID_FIELD,
          "replicas " + replicas + " must be distinct, and at least one");
    }
    for (int replica : replicas) {
      if (!image.brokers().containsKey(replica) && !image.voters().containsKey(replica)) {
        return ApiError.definite(
                ErrorReason.BROKER_NOT_FOUND, "there is no broker " + replica + " (R43)")
            .with("brokerId", replica);
      }
    }
    all.addAll(now.replicas());
    if (all.size() > Limits.REPLICAS_PER_PARTITION) {
      return ApiError.definite(
          ErrorReason.INVALID_FIELD,
          all.size() + " replicas in the meantime; at most " + Limits.REPLICAS_PER_PARTITION);
    }
    // An explicit min ISR above the replicas could never be met again (R37).
    return TopicRules.configError(topic.config(), replicas.size());
  }

  private static int reassigning(ClusterImage image) {
    int count = 0;
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        count += partition.reassigning() ? 1 : 0;
      }
    }
    return count;
  }

  /** What goes is gone, where that is safe. */
  static CommandOutcome finish(ImageDraft draft, MetadataCommand.FinishReassignments command) {
    long finished = 0;
    for (PartitionAt at : command.partitions()) {
      PartitionImage now = draft.partition(at.partition());
      if (now == null || now.partitionEpoch() != at.partitionEpoch()) {
        continue;
      }
      TopicImage topic = topic(draft, at.partition());
      boolean stayerLeads =
          now.leader() != PartitionImage.NO_LEADER && !now.removing().contains(now.leader());
      if (stayerLeads && topic.canShrink(now)) {
        PartitionChange change = new PartitionChange(now, topic.minIsr(now));
        change.finish(topic.minIsrThen(now));
        draft.change(at.partition(), change, now);
        draft.noteFormer(topic.id(), now.removing());
        finished++;
      }
    }
    return new Number(finished);
  }

  static CommandOutcome limit(ImageDraft draft, MetadataCommand.LimitCatchUp command) {
    long now = draft.before().catchUpBytesPerSecond();
    if (command.bytesPerSecond() == now) {
      return new Done();
    }
    if (command.before() != now) {
      return TopicCommands.changedMeanwhile("limits of moves");
    }
    if (command.bytesPerSecond() < ClusterImage.OWN_LIMIT) {
      return MetadataMachine.rejected(
          ErrorReason.INVALID_FIELD,
          command.bytesPerSecond() + " bytes per second; must not be negative");
    }
    draft.limitCatchUp(command.bytesPerSecond());
    return new Done();
  }

  private static TopicImage topic(ImageDraft draft, PartitionId id) {
    return Objects.requireNonNull(draft.before().topics().get(id.topicId()));
  }

  private static PartitionImage partition(ImageDraft draft, PartitionId id) {
    return Objects.requireNonNull(draft.partition(id));
  }
}
