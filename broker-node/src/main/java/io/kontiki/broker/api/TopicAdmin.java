package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.Completion;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Creates, lists, describes and deletes topics. Stateless; any loop. */
public final class TopicAdmin {
  /** Most lines of a list. */
  public static final int MAX_PAGE = 10_000;

  private static final int MAX_PARTITIONS = 10_000;
  private static final int MAX_REPLICATION = 15;
  private static final long DESCRIBE_NANOS = 1_000_000_000;

  private final Metadata metadata;
  private final TopicLookup lookup;
  private final PartitionRequests partitions;
  private final TopicPlanner planner;
  private final Defaults defaults;

  /**
   * What a topic is that does not say.
   *
   * @param replicationFactor 0: the smaller of 3 and the number of voters
   * @param config settings that differ from the built-in defaults
   * @param maxBatchBytes greatest {@code max.message.bytes} that fits into a client's message
   */
  public record Defaults(
      int partitions, int replicationFactor, Map<String, String> config, int maxBatchBytes) {}

  /**
   * A topic to make.
   *
   * @param partitions null: the default
   * @param replicationFactor null: the default
   */
  public record NewTopic(
      String name,
      @Nullable Integer partitions,
      @Nullable Integer replicationFactor,
      Map<String, String> config) {}

  /**
   * A topic was made.
   *
   * @param notReady partitions whose leader does not serve yet, because the deadline was near (M21)
   */
  public record Created(TopicImage topic, long index, List<Integer> notReady) {}

  /**
   * A page of the list.
   *
   * @param nextToken empty: it was the last
   */
  public record Page(List<TopicImage> topics, String nextToken, long index) {}

  /** A topic and what its leaders say, by partition. */
  public record Described(TopicImage topic, List<Description> offsets, long index) {}

  public TopicAdmin(
      Metadata metadata, PartitionRequests partitions, TopicPlanner planner, Defaults defaults) {
    this.metadata = metadata;
    this.lookup = new TopicLookup(metadata);
    this.partitions = partitions;
    this.planner = planner;
    this.defaults = defaults;
  }

  /** Creates a topic and waits until its leaders serve (rule M21). */
  public void create(CallContext call, NewTopic topic, Completion<Result<Created>> completion) {
    ApiError bad = badTopic(topic);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    SortedMap<String, String> config =
        new TreeMap<>(TopicConfig.withDefaults(topic.config(), defaults.config()));
    metadata.readLatest(
        call.answerByNanos(),
        call.home(
            latest -> {
              Result<MetadataCommand.CreateTopic> planned =
                  latest.fold(image -> plan(image, topic, config), error -> Result.error(error));
              if (planned instanceof Result.Ok<MetadataCommand.CreateTopic> command) {
                submitCreate(call, command.value(), completion);
              } else {
                completion.complete(
                    Result.error(((Result.Err<MetadataCommand.CreateTopic>) planned).error()));
              }
            }));
  }

  private @Nullable ApiError badTopic(NewTopic topic) {
    ApiError badName = Refusals.badTopicName("name", topic.name());
    if (badName != null) {
      return badName;
    }
    Integer count = topic.partitions();
    if (count != null && (count < 1 || count > MAX_PARTITIONS)) {
      return Refusals.invalidField("partitions", count + " is not 1 to " + MAX_PARTITIONS);
    }
    Integer replicas = topic.replicationFactor();
    if (replicas != null && (replicas < 1 || replicas > MAX_REPLICATION)) {
      return Refusals.invalidField(
          "replication_factor", replicas + " is not 1 to " + MAX_REPLICATION);
    }
    return null;
  }

  private Result<MetadataCommand.CreateTopic> plan(
      ClusterImage image, NewTopic topic, SortedMap<String, String> config) {
    TopicImage existing = image.topic(topic.name());
    if (existing != null) {
      return Result.error(
          ApiError.definite(
                  ErrorReason.TOPIC_EXISTS, "there is a topic '" + topic.name() + "' already")
              .with("topic", topic.name())
              .with("topicId", existing.id()));
    }
    Integer askedFactor = topic.replicationFactor();
    int factor = askedFactor != null ? askedFactor : defaults.replicationFactor();
    if (factor == 0) {
      factor = Math.max(1, Math.min(3, image.voters().size()));
    }
    ApiError badConfig = badConfig(config, factor);
    if (badConfig != null) {
      return Result.error(badConfig);
    }
    Integer asked = topic.partitions();
    return planner.plan(
        image, topic.name(), asked != null ? asked : defaults.partitions(), factor, config);
  }

  private @Nullable ApiError badConfig(SortedMap<String, String> config, int factor) {
    Result<TopicConfig> parsed = TopicConfig.parse(config);
    if (parsed instanceof Result.Err<TopicConfig> bad) {
      return bad.error();
    }
    TopicConfig settings = ((Result.Ok<TopicConfig>) parsed).value();
    if (settings.maxMessageBytes() > defaults.maxBatchBytes()) {
      return ApiError.definite(
              ErrorReason.INVALID_CONFIG,
              "max.message.bytes = "
                  + settings.maxMessageBytes()
                  + " does not fit into a client's message; at most "
                  + defaults.maxBatchBytes())
          .with("key", "max.message.bytes")
          .with("value", settings.maxMessageBytes());
    }
    Optional<ApiError> tooMany = settings.checkReplication(factor);
    return tooMany.orElse(null);
  }

  private void submitCreate(
      CallContext call,
      MetadataCommand.CreateTopic command,
      Completion<Result<Created>> completion) {
    submit(
        call,
        command,
        done -> {
          if (done instanceof Result.Ok<Long> index) {
            new ServingWait(call, metadata, partitions, command.id())
                .start(
                    notReady -> {
                      TopicImage now = metadata.image().topics().get(command.id());
                      completion.complete(
                          now == null
                              ? Result.error(Refusals.topicNotFound(command.name()))
                              : Result.ok(new Created(now, index.value(), notReady)));
                    });
          } else {
            completion.complete(Result.error(((Result.Err<Long>) done).error()));
          }
        });
  }

  /** Submits a command whose outcome is nothing but done or rejected; answers its index. */
  private void submit(
      CallContext call, MetadataCommand command, Completion<Result<Long>> completion) {
    metadata.submit(
        command,
        call.answerByNanos(),
        call.home(
            submitted ->
                completion.complete(
                    submitted.fold(
                        done ->
                            done.outcome() instanceof CommandOutcome.Rejected rejected
                                ? Result.error(rejected.error())
                                : Result.ok(done.index()),
                        error -> Result.error(error)))));
  }

  /**
   * Topics by name.
   *
   * @param pageSize 0: {@link #MAX_PAGE}
   * @param pageToken empty: the first page
   * @param minIndex null: linearizable
   */
  public void list(
      CallContext call,
      int pageSize,
      String pageToken,
      @Nullable Long minIndex,
      Completion<Result<Page>> completion) {
    Optional<String> after = decodeToken(pageToken);
    if (pageSize < 0 || after.isEmpty()) {
      completion.complete(
          Result.error(
              pageSize < 0
                  ? Refusals.invalidField("page_size", pageSize + " is negative")
                  : Refusals.invalidField(
                      "page_token", "'" + pageToken + "' is not a token of a response")));
      return;
    }
    int size = pageSize == 0 ? MAX_PAGE : Math.min(pageSize, MAX_PAGE);
    TopicLookup.image(
        metadata,
        call,
        minIndex,
        image -> completion.complete(image.map(found -> page(found, size, after.get()))));
  }

  private static Page page(ClusterImage image, int size, String after) {
    List<TopicImage> topics = new ArrayList<>();
    // A token is bound to a name, not to a position: what is there all the time is listed once.
    for (Map.Entry<String, TopicId> entry : image.topicNames().tailMap(after).entrySet()) {
      if (entry.getKey().equals(after)) {
        continue;
      }
      if (topics.size() == size) {
        return new Page(topics, encodeToken(topics.get(size - 1).name()), image.index());
      }
      TopicImage topic = image.topics().get(entry.getValue());
      if (topic != null) {
        topics.add(topic);
      }
    }
    return new Page(topics, "", image.index());
  }

  private static String encodeToken(String name) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(name.getBytes(StandardCharsets.UTF_8));
  }

  private static Optional<String> decodeToken(String token) {
    try {
      return Optional.of(new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** A topic with the offsets that its leaders tell in time. */
  public void describe(
      CallContext call,
      String name,
      @Nullable Long minIndex,
      Completion<Result<Described>> completion) {
    ApiError bad = Refusals.badTopicName("name", name);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    TopicLookup.image(
        metadata,
        call,
        minIndex,
        read -> {
          if (read instanceof Result.Err<ClusterImage> failed) {
            completion.complete(Result.error(failed.error()));
            return;
          }
          ClusterImage image = ((Result.Ok<ClusterImage>) read).value();
          TopicImage topic = image.topic(name);
          if (topic == null) {
            completion.complete(Result.error(Refusals.topicNotFound(name)));
            return;
          }
          offsets(
              call,
              topic,
              offsets ->
                  completion.complete(Result.ok(new Described(topic, offsets, image.index()))));
        });
  }

  private void offsets(
      CallContext call, TopicImage topic, Completion<List<Description>> completion) {
    long deadline = call.atMost(DESCRIBE_NANOS);
    Gather.all(
        call.loop(),
        topic.partitions().size(),
        i -> unknown(topic, i),
        (i, answer) -> {
          if (topic.partitions().get(i).leader() == PartitionImage.NO_LEADER) {
            answer.complete(unknown(topic, i));
          } else {
            partitions.describe(new PartitionId(topic.id(), i), deadline, answer);
          }
        },
        completion);
  }

  private static Description unknown(TopicImage topic, int partition) {
    return new Description(new PartitionId(topic.id(), partition), false, 0, -1);
  }

  /**
   * Deletes a topic; answers the index of the change.
   *
   * @param topicId only if the name still means this topic; empty: whatever it means
   */
  public void delete(
      CallContext call, String name, String topicId, Completion<Result<Long>> completion) {
    TopicId only = null;
    if (!topicId.isEmpty()) {
      try {
        only = TopicId.parse(topicId);
      } catch (IllegalArgumentException e) {
        completion.complete(
            Result.error(Refusals.invalidField("topic_id", String.valueOf(e.getMessage()))));
        return;
      }
    }
    ApiError bad = Refusals.badTopicName("name", name);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    TopicId wanted = only;
    // Always the quorum's view: an old image could name a topic that was made again meanwhile.
    metadata.readLatest(
        call.answerByNanos(),
        call.home(
            latest -> {
              if (latest instanceof Result.Err<ClusterImage> failed) {
                completion.complete(Result.error(failed.error()));
                return;
              }
              TopicImage topic = ((Result.Ok<ClusterImage>) latest).value().topic(name);
              if (topic == null || (wanted != null && !wanted.equals(topic.id()))) {
                completion.complete(Result.error(Refusals.topicNotFound(name)));
                return;
              }
              submit(
                  call,
                  new MetadataCommand.DeleteTopic(call.loop().clock().wallMs(), topic.id()),
                  completion);
            }));
  }
}
