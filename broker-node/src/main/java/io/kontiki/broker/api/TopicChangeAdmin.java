package io.kontiki.broker.api;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.TopicChanges;
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.RandomSource;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Changes settings and partitions of topics. What somebody else changed between decision and apply
 * is decided anew, until the deadline (rule M2). Stateless; any loop.
 */
public final class TopicChangeAdmin {
  private final Metadata metadata;
  private final TopicCreation.Defaults defaults;
  private final int maxBatchBytes;
  private final RandomSource random;

  /**
   * A topic was changed, or was as wanted already.
   *
   * @param index of the change
   */
  public record Changed(TopicImage topic, long index) {}

  /** As {@link TopicAdmin}. */
  public TopicChangeAdmin(
      Metadata metadata, TopicCreation.Defaults defaults, int maxBatchBytes, RandomSource random) {
    this.metadata = metadata;
    this.defaults = defaults;
    this.maxBatchBytes = maxBatchBytes;
    this.random = random;
  }

  /** Sets some settings and takes others back to the defaults. */
  public void alter(
      CallContext call,
      String name,
      Map<String, String> set,
      List<String> reset,
      Completion<Result<Changed>> completion) {
    change(
        call,
        name,
        (image, topic) -> {
          Result<MetadataCommand.AlterTopicConfig> decided =
              TopicChanges.alter(topic, set, reset, defaults, call.loop().clock().wallMs());
          if (decided instanceof Result.Ok<MetadataCommand.AlterTopicConfig> ok) {
            ApiError tooLarge = TopicSettings.tooLarge(ok.value().after(), maxBatchBytes);
            return tooLarge == null ? Result.ok(ok.value()) : Result.error(tooLarge);
          }
          return Result.error(((Result.Err<MetadataCommand.AlterTopicConfig>) decided).error());
        },
        completion);
  }

  /** Raises the number of partitions; as many as there are: changes nothing. */
  public void addPartitions(
      CallContext call, String name, int total, Completion<Result<Changed>> completion) {
    change(
        call,
        name,
        (image, topic) ->
            TopicChanges.addPartitions(
                    image, topic, total, defaults, random.nextLong(), call.loop().clock().wallMs())
                .map(command -> command),
        completion);
  }

  private void change(
      CallContext call,
      String name,
      BiFunction<ClusterImage, TopicImage, Result<MetadataCommand>> decide,
      Completion<Result<Changed>> completion) {
    ApiError bad = Refusals.badTopicName("name", name);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    metadata.readLatest(
        call.answerByNanos(),
        call.home(
            latest -> {
              if (latest instanceof Result.Err<ClusterImage> failed) {
                completion.complete(Result.error(failed.error()));
                return;
              }
              ClusterImage image = ((Result.Ok<ClusterImage>) latest).value();
              TopicImage topic = image.topic(name);
              if (topic == null) {
                completion.complete(Result.error(Refusals.topicNotFound(name)));
                return;
              }
              Result<MetadataCommand> decided = decide.apply(image, topic);
              if (decided instanceof Result.Err<MetadataCommand> refused) {
                completion.complete(Result.error(refused.error().with("topic", name)));
                return;
              }
              MetadataCommand command = ((Result.Ok<MetadataCommand>) decided).value();
              if (changesNothing(command)) {
                completion.complete(Result.ok(new Changed(topic, image.index())));
                return;
              }
              submit(call, name, topic, command, decide, completion);
            }));
  }

  private static boolean changesNothing(MetadataCommand command) {
    return command instanceof MetadataCommand.AlterTopicConfig alter
        ? alter.before().equals(alter.after())
        : command instanceof MetadataCommand.AddPartitions add && add.assignments().isEmpty();
  }

  private void submit(
      CallContext call,
      String name,
      TopicImage topic,
      MetadataCommand command,
      BiFunction<ClusterImage, TopicImage, Result<MetadataCommand>> decide,
      Completion<Result<Changed>> completion) {
    metadata.submit(
        command,
        call.answerByNanos(),
        call.home(
            submitted -> {
              if (submitted instanceof Result.Err<Metadata.Submitted> failed) {
                completion.complete(Result.error(failed.error()));
                return;
              }
              Metadata.Submitted done = ((Result.Ok<Metadata.Submitted>) submitted).value();
              ApiError rejected = rejection(done);
              if (rejected == null) {
                TopicImage now = metadata.image().topics().get(topic.id());
                completion.complete(
                    now == null
                        ? Result.error(Refusals.topicNotFound(name))
                        : Result.ok(new Changed(now, done.index())));
              } else if (rejected.reason() == ErrorReason.BUSY && rejected.retryAfterMs() == 0) {
                change(call, name, decide, completion);
              } else {
                completion.complete(Result.error(rejected.with("topic", name)));
              }
            }));
  }

  private static @Nullable ApiError rejection(Metadata.Submitted done) {
    return done.outcome() instanceof CommandOutcome.Rejected rejected ? rejected.error() : null;
  }
}
