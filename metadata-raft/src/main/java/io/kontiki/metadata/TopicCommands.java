package io.kontiki.metadata;

import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Creation and deletion of topics (rules R43, M19, M20). */
final class TopicCommands {
  private static final long RETRY_MS = 500;

  private TopicCommands() {}

  static CommandOutcome create(ImageDraft draft, MetadataCommand.CreateTopic command) {
    ClusterImage image = draft.before();
    ApiError error = TopicRules.nameError(command.name());
    if (error == null && image.topicNames().containsKey(command.name())) {
      TopicId existing = image.topicNames().get(command.name());
      error =
          ApiError.definite(
                  ErrorReason.TOPIC_EXISTS, "topic '" + command.name() + "' exists already")
              .with("topicId", existing);
    }
    if (error == null
        && (image.topics().containsKey(command.id())
            || image.tombstones().containsKey(command.id()))) {
      error =
          ApiError.definite(
              ErrorReason.TOPIC_EXISTS, "topic id " + command.id() + " has been used");
    }
    if (error == null) {
      error = assignmentError(image, command.assignments());
    }
    if (error == null) {
      error = TopicRules.configError(command.config(), command.assignments().get(0).size());
    }
    if (error == null) {
      error = limitError(image, command.assignments());
    }
    if (error != null) {
      return new Rejected(error);
    }
    return place(draft, command);
  }

  private static CommandOutcome place(ImageDraft draft, MetadataCommand.CreateTopic command) {
    int minIsr = TopicRules.minIsr(command.config(), command.assignments().get(0).size());
    List<PartitionImage> partitions = new ArrayList<>(command.assignments().size());
    for (List<Integer> replicas : command.assignments()) {
      List<Integer> isr = new ArrayList<>();
      for (int replica : replicas) {
        if (draft.state(replica) == State.ACTIVE) {
          isr.add(replica);
        }
      }
      if (isr.size() < minIsr) {
        return new Rejected(
            ApiError.retriable(
                    ErrorReason.NOT_ENOUGH_REPLICAS,
                    "partition "
                        + partitions.size()
                        + " on brokers "
                        + replicas
                        + " would begin with the in-sync set "
                        + isr
                        + "; min.insync.replicas is "
                        + minIsr,
                    RETRY_MS)
                .with("isr", isr.size())
                .with("minIsr", minIsr));
      }
      int leader = isr.get(0);
      isr.sort(null);
      partitions.add(
          new PartitionImage(
              replicas, leader, 0, 0, isr, List.of(), List.of(), List.of(), List.of()));
    }
    draft.put(new TopicImage(command.id(), command.name(), command.config(), partitions));
    return new Done();
  }

  private static @Nullable ApiError assignmentError(
      ClusterImage image, List<List<Integer>> assignments) {
    if (assignments.isEmpty() || assignments.size() > Limits.PARTITIONS_PER_TOPIC) {
      return ApiError.definite(
          ErrorReason.INVALID_FIELD,
          assignments.size() + " partitions; 1 to " + Limits.PARTITIONS_PER_TOPIC);
    }
    int replicationFactor = assignments.get(0).size();
    for (List<Integer> replicas : assignments) {
      if (replicas.isEmpty()
          || replicas.size() != replicationFactor
          || new TreeSet<>(replicas).size() != replicationFactor) {
        return ApiError.definite(
            ErrorReason.INVALID_FIELD,
            "replicas " + replicas + " must be " + replicationFactor + " distinct brokers");
      }
      for (int replica : replicas) {
        if (!image.brokers().containsKey(replica) && !image.voters().containsKey(replica)) {
          return ApiError.definite(
              ErrorReason.TOO_FEW_BROKERS, "there is no broker " + replica + " (R43)");
        }
      }
    }
    return null;
  }

  private static @Nullable ApiError limitError(
      ClusterImage image, List<List<Integer>> assignments) {
    if (image.topics().size() + image.tombstones().size() >= Limits.TOPICS) {
      return ApiError.definite(
          ErrorReason.BUSY, "at most " + Limits.TOPICS + " topics, deleted ones included (M19)");
    }
    long replicas = (long) assignments.size() * assignments.get(0).size();
    for (TopicImage topic : image.topics().values()) {
      replicas += (long) topic.partitions().size() * topic.replicationFactor();
    }
    return replicas <= Limits.REPLICAS
        ? null
        : ApiError.definite(
            ErrorReason.BUSY, "at most " + Limits.REPLICAS + " replicas in all (M19)");
  }

  /** M20: the name is free at once; the id ends when every broker has confirmed. */
  static CommandOutcome delete(ImageDraft draft, MetadataCommand.DeleteTopic command) {
    TopicImage topic = draft.before().topics().get(command.id());
    if (topic == null) {
      return MetadataMachine.rejected(
          ErrorReason.TOPIC_NOT_FOUND, "there is no topic with id " + command.id());
    }
    TreeSet<Integer> holders = new TreeSet<>();
    for (PartitionImage partition : topic.partitions()) {
      holders.addAll(partition.replicas());
      holders.addAll(partition.removing());
    }
    // A voter that was never seen holds nothing: it plays no role before its registration (R1).
    holders.removeIf(broker -> !draft.before().brokers().containsKey(broker));
    draft.remove(topic);
    draft.put(new Tombstone(topic.id(), topic.name(), List.copyOf(holders)));
    return new Done();
  }

  static CommandOutcome confirm(ImageDraft draft, MetadataCommand.ConfirmDeletion command) {
    Rejected stale = BrokerCommands.stale(draft, command.brokerId(), command.brokerEpoch());
    if (stale != null) {
      return stale;
    }
    for (TopicId id : new TreeSet<>(command.topics())) {
      Tombstone old = draft.before().tombstones().get(id);
      if (old != null && old.pendingBrokers().contains(command.brokerId())) {
        List<Integer> rest = new ArrayList<>(old.pendingBrokers());
        rest.remove(Integer.valueOf(command.brokerId()));
        draft.put(new Tombstone(id, old.name(), rest));
      }
    }
    return new Done();
  }
}
