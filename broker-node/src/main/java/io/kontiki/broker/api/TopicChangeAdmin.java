package io.kontiki.broker.api;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.TopicChanges;
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.ApiError;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.RandomSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

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
    change(call, name, alteration(call, set, reset), completion);
  }

  /** Tells whether {@link #alter} could be done, and changes nothing. */
  public void validateAlter(
      CallContext call,
      String name,
      Map<String, String> set,
      List<String> reset,
      Completion<Result<TopicImage>> completion) {
    validate(call, name, alteration(call, set, reset), completion);
  }

  private BiFunction<ClusterImage, TopicImage, Result<MetadataCommand>> alteration(
      CallContext call, Map<String, String> set, List<String> reset) {
    return (image, topic) -> {
      Result<MetadataCommand.AlterTopicConfig> decided =
          TopicChanges.alter(topic, set, reset, defaults, call.loop().clock().wallMs());
      if (decided instanceof Result.Ok<MetadataCommand.AlterTopicConfig> ok) {
        ApiError tooLarge = TopicSettings.tooLarge(ok.value().after(), maxBatchBytes);
        return tooLarge == null ? Result.ok(ok.value()) : Result.error(tooLarge);
      }
      return Result.error(((Result.Err<MetadataCommand.AlterTopicConfig>) decided).error());
    };
  }

  /** The same with brokers chosen. */
  public void addPartitions(
      CallContext call, String name, int total, Completion<Result<Changed>> completion) {
    addPartitions(call, name, total, List.of(), completion);
  }

  /**
   * Raises the number of partitions; as many as there are: changes nothing.
   *
   * @param named brokers of each new partition, in order of preference; empty: chosen
   */
  public void addPartitions(
      CallContext call,
      String name,
      int total,
      List<List<Integer>> named,
      Completion<Result<Changed>> completion) {
    change(call, name, addition(call, total, named), completion);
  }

  /** Tells whether {@link #addPartitions} could be done, and changes nothing. */
  public void validateAddPartitions(
      CallContext call,
      String name,
      int total,
      List<List<Integer>> named,
      Completion<Result<TopicImage>> completion) {
    validate(call, name, addition(call, total, named), completion);
  }

  private BiFunction<ClusterImage, TopicImage, Result<MetadataCommand>> addition(
      CallContext call, int total, List<List<Integer>> named) {
    return (image, topic) ->
        TopicChanges.addPartitions(
                image,
                topic,
                total,
                named,
                defaults,
                random.nextLong(),
                call.loop().clock().wallMs())
            .map(command -> command);
  }

  private void validate(
      CallContext call,
      String name,
      BiFunction<ClusterImage, TopicImage, Result<MetadataCommand>> decide,
      Completion<Result<TopicImage>> completion) {
    metadata.readLatest(
        call.answerByNanos(),
        call.home(
            latest ->
                completion.complete(
                    latest.fold(
                        image -> {
                          TopicImage topic = image.topic(name);
                          return topic == null
                              ? Result.error(Refusals.topicNotFound(name))
                              : decide.apply(image, topic).map(command -> topic);
                        },
                        Result::error))));
  }

  private void change(
      CallContext call,
      String name,
      BiFunction<ClusterImage, TopicImage, Result<MetadataCommand>> decide,
      Completion<Result<Changed>> completion) {
    ImageChange.ofTopic(
        metadata,
        call,
        name,
        (image, topic) ->
            decide
                .apply(image, topic)
                .map(command -> changesNothing(command) ? Optional.empty() : Optional.of(command)),
        done -> {
          if (done instanceof Result.Err<Long> failed) {
            completion.complete(Result.error(failed.error()));
            return;
          }
          TopicImage now = metadata.image().topic(name);
          completion.complete(
              now == null
                  ? Result.error(Refusals.topicNotFound(name))
                  : Result.ok(new Changed(now, ((Result.Ok<Long>) done).value())));
        });
  }

  private static boolean changesNothing(MetadataCommand command) {
    return command instanceof MetadataCommand.AlterTopicConfig alter
        ? alter.before().equals(alter.after())
        : command instanceof MetadataCommand.AddPartitions add && add.assignments().isEmpty();
  }
}
