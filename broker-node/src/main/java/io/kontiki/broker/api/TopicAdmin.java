package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.RandomSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Creates, lists, describes and deletes topics. Stateless; any loop. */
public final class TopicAdmin {
  /** Most lines of a list. */
  public static final int MAX_PAGE = 10_000;

  private static final long DESCRIBE_NANOS = 1_000_000_000;

  private final Metadata metadata;
  private final PartitionRequests partitions;
  private final TopicCreation.Defaults defaults;
  private final int maxBatchBytes;
  private final RandomSource random;

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

  /**
   * @param defaults of topics that do not say, and the cluster's limits
   * @param maxBatchBytes greatest {@code max.message.bytes} that fits into a client's message
   * @param random for topic ids and placement; thread-safe
   */
  public TopicAdmin(
      Metadata metadata,
      PartitionRequests partitions,
      TopicCreation.Defaults defaults,
      int maxBatchBytes,
      RandomSource random) {
    this.metadata = metadata;
    this.partitions = partitions;
    this.defaults = defaults;
    this.maxBatchBytes = maxBatchBytes;
    this.random = random;
  }

  /** Creates a topic and waits until its leaders serve (rule M21). */
  public void create(
      CallContext call, TopicCreation.Request topic, Completion<Result<Created>> completion) {
    validate(
        call,
        topic,
        decided -> {
          if (decided instanceof Result.Ok<MetadataCommand.CreateTopic> command) {
            submitCreate(call, command.value(), completion);
          } else {
            completion.complete(
                Result.error(((Result.Err<MetadataCommand.CreateTopic>) decided).error()));
          }
        });
  }

  /** Tells whether a topic could be created, and creates nothing. */
  public void validate(
      CallContext call,
      TopicCreation.Request topic,
      Completion<Result<MetadataCommand.CreateTopic>> completion) {
    ApiError bad = Refusals.badTopicName("name", topic.name());
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    metadata.readLatest(
        call.answerByNanos(),
        call.home(
            latest ->
                completion.complete(
                    latest.fold(image -> decide(call, image, topic), Result::error))));
  }

  private Result<MetadataCommand.CreateTopic> decide(
      CallContext call, ClusterImage image, TopicCreation.Request topic) {
    Result<MetadataCommand.CreateTopic> decided =
        TopicCreation.decide(
            image,
            topic,
            defaults,
            TopicId.random(random.nextLong(), random.nextLong()),
            random.nextLong(),
            call.loop().clock().wallMs());
    if (decided instanceof Result.Err<MetadataCommand.CreateTopic> refused) {
      return Result.error(refused.error().with("topic", topic.name()));
    }
    ApiError tooLarge =
        TopicSettings.tooLarge(
            ((Result.Ok<MetadataCommand.CreateTopic>) decided).value().config(), maxBatchBytes);
    if (tooLarge != null) {
      return Result.error(tooLarge);
    }
    return decided;
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
    ApiError bad = PageToken.refusal(pageSize, pageToken);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    String after = PageToken.name(pageToken).orElseThrow();
    int size = pageSize == 0 ? MAX_PAGE : Math.min(pageSize, MAX_PAGE);
    TopicLookup.image(
        metadata,
        call,
        minIndex,
        image -> completion.complete(image.map(found -> page(found, size, after))));
  }

  private static Page page(ClusterImage image, int size, String after) {
    List<TopicImage> topics = new ArrayList<>();
    for (Map.Entry<String, TopicId> entry : image.topicNames().tailMap(after).entrySet()) {
      if (entry.getKey().equals(after)) {
        continue;
      }
      if (topics.size() == size) {
        return new Page(topics, PageToken.after(topics.get(size - 1).name()), image.index());
      }
      TopicImage topic = image.topics().get(entry.getValue());
      if (topic != null) {
        topics.add(topic);
      }
    }
    return new Page(topics, "", image.index());
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
    TopicId wanted = only;
    // Always the quorum's view: an old image could name a topic that was made again meanwhile.
    ImageChange.ofTopic(
        metadata,
        call,
        name,
        (image, topic) ->
            wanted != null && !wanted.equals(topic.id())
                ? Result.error(Refusals.topicNotFound(name))
                : Result.ok(
                    Optional.of(
                        new MetadataCommand.DeleteTopic(call.loop().clock().wallMs(), topic.id()))),
        completion);
  }
}
