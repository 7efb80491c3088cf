package io.kontiki.metadata;

import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Creation, change and deletion of topics (rules R43, M19, M20). */
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
    Rejected shortage = begin(draft, command.assignments(), minIsr, partitions);
    if (shortage != null) {
      return shortage;
    }
    draft.put(
        new TopicImage(command.id(), command.name(), command.config(), partitions, List.of()));
    return new Done();
  }

  /** Adds new partitions to those given, led by their first active replica (R43, R47). */
  private static @Nullable Rejected begin(
      ImageDraft draft,
      List<List<Integer>> assignments,
      int minIsr,
      List<PartitionImage> partitions) {
    for (List<Integer> replicas : assignments) {
      List<Integer> isr = new ArrayList<>();
      int leader = PartitionImage.NO_LEADER;
      for (int replica : replicas) {
        State state = draft.state(replica);
        if (state.inService()) {
          isr.add(replica);
          boolean first = leader == PartitionImage.NO_LEADER;
          if (first || state == State.ACTIVE && draft.state(leader) != State.ACTIVE) {
            leader = replica;
          }
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
      isr.sort(null);
      partitions.add(
          new PartitionImage(
              replicas, leader, 0, 0, isr, List.of(), List.of(), List.of(), List.of(), List.of()));
    }
    return null;
  }

  /** Other settings, at once for all that apply looks at: min ISR (R18, R37). */
  static CommandOutcome alter(ImageDraft draft, MetadataCommand.AlterTopicConfig command) {
    TopicImage topic = draft.before().topics().get(command.id());
    if (topic == null) {
      return noTopic(command.id());
    }
    if (topic.config().equals(command.after())) {
      return new Done();
    }
    if (!topic.config().equals(command.before())) {
      return changedMeanwhile("the settings of topic '" + topic.name() + "'");
    }
    ApiError error = TopicRules.configError(command.after(), topic.leastReplication());
    if (error == null && TopicRules.durability(command.after()) != topic.durability()) {
      error =
          ApiError.definite(
                  ErrorReason.INVALID_CONFIG,
                  TopicRules.DURABILITY + " is fixed when a topic is made (R36)")
              .with("key", TopicRules.DURABILITY);
    }
    if (error != null) {
      return new Rejected(error);
    }
    TopicImage altered =
        new TopicImage(
            topic.id(), topic.name(), command.after(), topic.partitions(), topic.former());
    draft.put(altered);
    for (int i = 0; i < topic.partitions().size(); i++) {
      PartitionImage old = topic.partitions().get(i);
      int before = topic.minIsr(old);
      int minIsr = altered.minIsr(old);
      if (minIsr != before) {
        PartitionChange change = new PartitionChange(old, minIsr);
        change.onMinIsr(minIsr > before);
        draft.change(new PartitionId(topic.id(), i), change, old);
      }
    }
    return new Done();
  }

  static CommandOutcome addPartitions(ImageDraft draft, MetadataCommand.AddPartitions command) {
    ClusterImage image = draft.before();
    TopicImage topic = image.topics().get(command.id());
    if (topic == null) {
      return noTopic(command.id());
    }
    int count = topic.partitions().size();
    if (count == command.before() + command.assignments().size()) {
      return new Done();
    }
    if (count != command.before()) {
      return changedMeanwhile("the partitions of topic '" + topic.name() + "'");
    }
    ApiError error = assignmentError(image, command.assignments());
    if (error == null && count + command.assignments().size() > Limits.PARTITIONS_PER_TOPIC) {
      error =
          ApiError.definite(
              ErrorReason.INVALID_FIELD,
              "a topic has at most " + Limits.PARTITIONS_PER_TOPIC + " partitions");
    }
    if (error == null && command.assignments().get(0).size() != topic.replicationFactor()) {
      error =
          ApiError.definite(
              ErrorReason.INVALID_FIELD,
              "topic '" + topic.name() + "' has " + topic.replicationFactor() + " replicas each");
    }
    if (error == null) {
      error = replicaLimit(image, command.assignments());
    }
    if (error != null) {
      return new Rejected(error);
    }
    List<PartitionImage> partitions = new ArrayList<>(topic.partitions());
    int minIsr = TopicRules.minIsr(topic.config(), topic.replicationFactor());
    Rejected shortage = begin(draft, command.assignments(), minIsr, partitions);
    if (shortage != null) {
      return shortage;
    }
    draft.put(new TopicImage(topic.id(), topic.name(), topic.config(), partitions, topic.former()));
    return new Done();
  }

  private static Rejected noTopic(TopicId id) {
    return MetadataMachine.rejected(ErrorReason.TOPIC_NOT_FOUND, "there is no topic with id " + id);
  }

  static Rejected changedMeanwhile(String what) {
    return new Rejected(
        ApiError.retriable(ErrorReason.BUSY, what + " were changed meanwhile", 0)
            .with("what", "metadata"));
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
    return replicaLimit(image, assignments);
  }

  private static @Nullable ApiError replicaLimit(
      ClusterImage image, List<List<Integer>> assignments) {
    long replicas = (long) assignments.size() * assignments.get(0).size();
    return replicaLimit(image, replicas);
  }

  /** The refusal if there are too many with so many more. */
  static @Nullable ApiError replicaLimit(ClusterImage image, long more) {
    long replicas = more;
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        replicas += partition.replicas().size();
      }
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
      return noTopic(command.id());
    }
    TreeSet<Integer> holders = new TreeSet<>();
    for (PartitionImage partition : topic.partitions()) {
      holders.addAll(partition.replicas());
    }
    holders.addAll(topic.former());
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
