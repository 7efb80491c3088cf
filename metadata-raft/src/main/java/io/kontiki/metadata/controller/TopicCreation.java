package io.kontiki.metadata.controller;

import io.kontiki.config.ConfigKey;
import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.Limits;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.TopicRules;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * From a request for a topic to the command that makes it. What is refused here would be refused at
 * apply too, or is a rule of this broker's software (settings) or configuration (limits).
 */
public final class TopicCreation {
  private static final long RETRY_MS = 500;

  private TopicCreation() {}

  /**
   * What somebody asks for.
   *
   * @param partitions null: the default
   * @param replicationFactor null: the default
   * @param config what differs from the defaults
   * @param named brokers of each partition, in order of preference, where somebody names them;
   *     empty: chosen. Then there are as many partitions, and the numbers above are not looked at.
   */
  public record Request(
      String name,
      @Nullable Integer partitions,
      @Nullable Integer replicationFactor,
      Map<String, String> config,
      List<List<Integer>> named) {
    /** A topic whose replicas are chosen. */
    public Request(
        String name,
        @Nullable Integer partitions,
        @Nullable Integer replicationFactor,
        Map<String, String> config) {
      this(name, partitions, replicationFactor, config, List.of());
    }
  }

  /**
   * What this broker's configuration says.
   *
   * @param partitions of a topic that does not say
   * @param replicationFactor of a topic that does not say; 0: 3, or the number of voters if less
   * @param topicSettings that differ from the built-in ones
   * @param maxTopics in the cluster
   * @param maxPartitions in the cluster
   */
  public record Defaults(
      int partitions,
      int replicationFactor,
      Map<String, String> topicSettings,
      int maxTopics,
      int maxPartitions) {}

  /**
   * Decides.
   *
   * @param id for the topic, random
   * @param seed for the placement, random
   * @return the command, or INVALID_FIELD, INVALID_CONFIG, TOPIC_EXISTS, TOO_FEW_BROKERS,
   *     BROKER_NOT_FOUND (one that was named), NOT_ENOUGH_REPLICAS (retriable), BUSY (a limit)
   */
  public static Result<MetadataCommand.CreateTopic> decide(
      ClusterImage image, Request request, Defaults defaults, TopicId id, long seed, long timeMs) {
    ApiError nameError = TopicRules.nameError(request.name());
    if (nameError != null) {
      return Result.error(nameError);
    }
    TopicId existing = image.topicNames().get(request.name());
    if (existing != null) {
      return Result.error(
          ApiError.definite(
                  ErrorReason.TOPIC_EXISTS, "topic '" + request.name() + "' exists already")
              .with("topicId", existing));
    }
    List<List<Integer>> named = request.named();
    Integer asked = named.isEmpty() ? request.partitions() : Integer.valueOf(named.size());
    int partitions = asked == null ? defaults.partitions() : asked;
    if (partitions < 1 || partitions > Limits.PARTITIONS_PER_TOPIC) {
      return Result.error(
          field("partitions", partitions + " partitions; 1 to " + Limits.PARTITIONS_PER_TOPIC));
    }
    int brokers = Placement.candidates(image).size();
    Integer replicas =
        named.isEmpty() ? request.replicationFactor() : Integer.valueOf(named.get(0).size());
    int replicationFactor = replicas == null ? defaultReplication(image, defaults) : replicas;
    if (replicationFactor < 1) {
      return Result.error(
          field("replication_factor", "replication factor " + replicationFactor + "; from 1"));
    }
    if (replicationFactor > brokers) {
      return Result.error(
          ApiError.definite(
              ErrorReason.TOO_FEW_BROKERS,
              "replication factor "
                  + replicationFactor
                  + " needs as many brokers; there are "
                  + brokers
                  + ", voters that were never seen included"));
    }
    ApiError misplaced = NamedReplicas.error(image, named, replicationFactor);
    if (misplaced != null) {
      return Result.error(misplaced);
    }
    Result<TreeMap<String, String>> settings =
        settings(request.config(), defaults.topicSettings(), replicationFactor);
    if (settings instanceof Result.Err<TreeMap<String, String>> refused) {
      return Result.error(refused.error());
    }
    TreeMap<String, String> config = ((Result.Ok<TreeMap<String, String>>) settings).value();
    ApiError shortage = shortage(image, config, partitions, replicationFactor, defaults);
    if (shortage != null) {
      return Result.error(shortage);
    }
    List<List<Integer>> assignments =
        named.isEmpty() ? Placement.place(image, partitions, replicationFactor, seed) : named;
    return Result.ok(
        new MetadataCommand.CreateTopic(timeMs, id, request.name(), config, assignments));
  }

  private static int defaultReplication(ClusterImage image, Defaults defaults) {
    return defaults.replicationFactor() > 0
        ? defaults.replicationFactor()
        : Math.max(1, Math.min(3, image.voters().size()));
  }

  /** What goes into the metadata: all that differs from the built-in defaults (rule M1). */
  private static Result<TreeMap<String, String>> settings(
      Map<String, String> asked, Map<String, String> brokerDefaults, int replicationFactor) {
    TreeMap<String, String> all = new TreeMap<>(TopicConfig.withDefaults(asked, brokerDefaults));
    // A broker's default cannot suit every replication factor; what was asked for must (R37).
    if (!asked.containsKey(TopicRules.MIN_INSYNC_REPLICAS)
        && TopicRules.configError(minIsrOnly(all), replicationFactor) != null) {
      all.remove(TopicRules.MIN_INSYNC_REPLICAS);
    }
    return TopicConfig.parse(all)
        .fold(
            config ->
                config
                    .checkReplication(replicationFactor)
                    .map(Result::<TreeMap<String, String>>error)
                    .orElseGet(() -> checked(all, replicationFactor)),
            Result::error);
  }

  private static Map<String, String> minIsrOnly(TreeMap<String, String> all) {
    String minIsr = all.get(TopicRules.MIN_INSYNC_REPLICAS);
    return minIsr == null ? Map.of() : Map.of(TopicRules.MIN_INSYNC_REPLICAS, minIsr);
  }

  /** Without what says the built-in default anyway; INVALID_CONFIG if apply would refuse it. */
  static Result<TreeMap<String, String>> checked(
      TreeMap<String, String> all, int replicationFactor) {
    for (ConfigKey<?> key : TopicConfig.KEYS) {
      String text = all.get(key.name());
      if (text != null && key.parser().apply(text).equals(key.parser().apply(key.defaultText()))) {
        all.remove(key.name());
      }
    }
    ApiError error = TopicRules.configError(all, replicationFactor);
    return error == null ? Result.ok(all) : Result.error(error);
  }

  private static @Nullable ApiError shortage(
      ClusterImage image,
      Map<String, String> config,
      int partitions,
      int replicationFactor,
      Defaults defaults) {
    int active = 0;
    for (BrokerImage broker : image.brokers().values()) {
      active += broker.state().inService() ? 1 : 0;
    }
    int minIsr = TopicRules.minIsr(config, replicationFactor);
    if (active < minIsr) {
      return ApiError.retriable(
              ErrorReason.NOT_ENOUGH_REPLICAS,
              active + " brokers are active; min.insync.replicas is " + minIsr,
              RETRY_MS)
          .with("isr", active)
          .with("minIsr", minIsr);
    }
    return image.topics().size() >= defaults.maxTopics()
        ? tooMany(defaults)
        : tooMany(image, partitions, defaults);
  }

  /** The cluster's limit of partitions, if so many more would pass it. */
  static @Nullable ApiError tooMany(ClusterImage image, int more, Defaults defaults) {
    long inAll = more;
    for (TopicImage topic : image.topics().values()) {
      inAll += topic.partitions().size();
    }
    return inAll > defaults.maxPartitions() ? tooMany(defaults) : null;
  }

  private static ApiError tooMany(Defaults defaults) {
    return ApiError.definite(
        ErrorReason.BUSY,
        "the cluster may have "
            + defaults.maxTopics()
            + " topics (cluster.topics.max) and "
            + defaults.maxPartitions()
            + " partitions (cluster.partitions.max)");
  }

  static ApiError field(String field, String message) {
    return ApiError.definite(ErrorReason.INVALID_FIELD, message).with("field", field);
  }
}
