package io.kontiki.metadata.controller;

import io.kontiki.config.ConfigKey;
import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.Limits;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.TopicRules;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** From a request to change a topic to the command that does it; as {@link TopicCreation}. */
public final class TopicChanges {
  private TopicChanges() {}

  /**
   * Decides on other settings.
   *
   * @param set keys to set; others stay
   * @param reset keys to take back to this broker's defaults of topics
   * @return the command, or INVALID_CONFIG, INVALID_FIELD
   */
  public static Result<MetadataCommand.AlterTopicConfig> alter(
      TopicImage topic,
      Map<String, String> set,
      List<String> reset,
      TopicCreation.Defaults defaults,
      long timeMs) {
    TreeMap<String, String> all = new TreeMap<>(topic.config());
    for (String key : new TreeSet<>(reset)) {
      ApiError error = resetError(key, set.keySet());
      if (error != null) {
        return Result.error(error);
      }
      String byDefault = defaults.topicSettings().get(key);
      if (byDefault == null || key.equals(TopicRules.MIN_INSYNC_REPLICAS)) {
        all.remove(key);
      } else {
        all.put(key, byDefault);
      }
    }
    all.putAll(set);
    return TopicConfig.parse(all)
        .fold(
            config -> {
              if (config.durability() != topic.durability()) {
                return Result.error(durabilityFixed(topic, config.durability()));
              }
              return config
                  .checkReplication(topic.leastReplication())
                  .map(Result::<MetadataCommand.AlterTopicConfig>error)
                  .orElseGet(
                      () ->
                          TopicCreation.checked(all, topic.leastReplication())
                              .map(
                                  after ->
                                      new MetadataCommand.AlterTopicConfig(
                                          timeMs, topic.id(), topic.config(), after)));
            },
            Result::error);
  }

  private static @Nullable ApiError resetError(String key, Set<String> set) {
    if (set.contains(key)) {
      return TopicCreation.field("reset_keys", key + " is to be set and to be reset");
    }
    for (ConfigKey<?> known : TopicConfig.KEYS) {
      if (known.name().equals(key)) {
        return null;
      }
    }
    return ApiError.definite(
            ErrorReason.INVALID_CONFIG, "topic setting " + key + ": is no setting of a topic")
        .with("key", key);
  }

  private static ApiError durabilityFixed(TopicImage topic, Durability asked) {
    return ApiError.definite(
            ErrorReason.INVALID_CONFIG,
            "topic setting "
                + TopicRules.DURABILITY
                + " = "
                + asked.configValue()
                + ": is fixed when a topic is made (R36); '"
                + topic.name()
                + "' has "
                + topic.durability().configValue())
        .with("key", TopicRules.DURABILITY)
        .with("value", asked.configValue());
  }

  /**
   * Decides on more partitions.
   *
   * @param total how many there shall be in all, more than there are
   * @param named brokers of each new partition, in order of preference; empty: chosen
   * @param seed for the placement, random
   * @return the command, or TOO_FEW_PARTITIONS, INVALID_FIELD, TOO_FEW_BROKERS, BUSY (a limit),
   *     BROKER_NOT_FOUND (one that was named)
   */
  public static Result<MetadataCommand.AddPartitions> addPartitions(
      ClusterImage image,
      TopicImage topic,
      int total,
      List<List<Integer>> named,
      TopicCreation.Defaults defaults,
      long seed,
      long timeMs) {
    int count = topic.partitions().size();
    if (total < count) {
      return Result.error(
          ApiError.definite(
                  ErrorReason.TOO_FEW_PARTITIONS,
                  "topic '" + topic.name() + "' has " + count + " partitions already, not " + total)
              .with("partitionCount", count));
    }
    if (total > Limits.PARTITIONS_PER_TOPIC) {
      return Result.error(
          TopicCreation.field(
              "total_partitions", total + " partitions; at most " + Limits.PARTITIONS_PER_TOPIC));
    }
    if (topic.replicationFactor() > Placement.candidates(image).size()) {
      return Result.error(
          ApiError.definite(
              ErrorReason.TOO_FEW_BROKERS,
              "replication factor "
                  + topic.replicationFactor()
                  + " needs as many brokers; there are "
                  + Placement.candidates(image).size()));
    }
    if (!named.isEmpty() && named.size() != total - count) {
      return Result.error(
          TopicCreation.field(
              "replicas",
              "replicas of " + named.size() + " partitions; " + (total - count) + " are new"));
    }
    ApiError refused = NamedReplicas.error(image, named, topic.replicationFactor());
    if (refused == null) {
      refused = TopicCreation.tooMany(image, total - count, defaults);
    }
    if (refused != null) {
      return Result.error(refused);
    }
    List<List<Integer>> replicas =
        named.isEmpty() ? Placement.extend(image, topic, total - count, seed) : named;
    return Result.ok(new MetadataCommand.AddPartitions(timeMs, topic.id(), count, replicas));
  }
}
