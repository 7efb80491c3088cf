package io.kontiki.broker.api;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.Reassignments;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A change that is decided on the quorum's newest image and submitted. Where somebody else changed
 * the same between decision and apply it is decided anew, until the call's end (rule M2).
 */
final class ImageChange {
  private final Metadata metadata;
  private final CallContext call;
  private final Function<ClusterImage, Result<Optional<MetadataCommand>>> decide;
  private final Completion<Result<Long>> completion;

  private ImageChange(
      Metadata metadata,
      CallContext call,
      Function<ClusterImage, Result<Optional<MetadataCommand>>> decide,
      Completion<Result<Long>> completion) {
    this.metadata = metadata;
    this.call = call;
    this.decide = decide;
    this.completion = completion;
  }

  /**
   * Decides and submits.
   *
   * @param decide empty: there is nothing to change
   * @param completion the index of the change, or of the image in which there was nothing to change
   */
  static void make(
      Metadata metadata,
      CallContext call,
      Function<ClusterImage, Result<Optional<MetadataCommand>>> decide,
      Completion<Result<Long>> completion) {
    new ImageChange(metadata, call, decide, completion).read();
  }

  /**
   * The same for a change that brings replicas, with another limit of their speed before it (R33).
   *
   * @param bytesPerSecond of each broker, from now on, 0: no limit; null: as it is. Stays as it is
   *     where the change is refused, as far as that is known before
   */
  static void makeThrottled(
      Metadata metadata,
      CallContext call,
      @Nullable Long bytesPerSecond,
      Function<ClusterImage, Result<Optional<MetadataCommand>>> decide,
      Completion<Result<Long>> completion) {
    if (bytesPerSecond == null) {
      make(metadata, call, decide, completion);
      return;
    }
    make(
        metadata,
        call,
        image ->
            decide
                .apply(image)
                .fold(
                    unused ->
                        Reassignments.limit(image, bytesPerSecond, call.loop().clock().wallMs()),
                    Result::error),
        limited -> {
          if (limited instanceof Result.Ok<Long>) {
            make(metadata, call, decide, completion);
          } else {
            completion.complete(limited);
          }
        });
  }

  /** The same for the topic that a name means; errors carry its name. */
  static void ofTopic(
      Metadata metadata,
      CallContext call,
      String name,
      BiFunction<ClusterImage, TopicImage, Result<Optional<MetadataCommand>>> decide,
      Completion<Result<Long>> completion) {
    ApiError bad = Refusals.badTopicName("name", name);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    make(
        metadata,
        call,
        image -> {
          TopicImage topic = image.topic(name);
          return topic == null
              ? Result.error(Refusals.topicNotFound(name))
              : decide.apply(image, topic);
        },
        done ->
            completion.complete(
                done.fold(Result::ok, error -> Result.error(error.with("topic", name)))));
  }

  private void read() {
    metadata.readLatest(
        call.answerByNanos(),
        call.home(
            latest -> {
              if (latest instanceof Result.Ok<ClusterImage> image) {
                decide(image.value());
              } else {
                completion.complete(Result.error(((Result.Err<ClusterImage>) latest).error()));
              }
            }));
  }

  private void decide(ClusterImage image) {
    Result<Optional<MetadataCommand>> decided = decide.apply(image);
    if (decided instanceof Result.Ok<Optional<MetadataCommand>> ok) {
      if (ok.value().isPresent()) {
        submit(ok.value().get());
      } else {
        completion.complete(Result.ok(image.index()));
      }
    } else {
      completion.complete(Result.error(((Result.Err<?>) decided).error()));
    }
  }

  private void submit(MetadataCommand command) {
    metadata.submit(
        command,
        call.answerByNanos(),
        call.home(
            submitted -> {
              if (submitted instanceof Result.Ok<Metadata.Submitted> done) {
                end(command, done.value());
              } else {
                completion.complete(
                    Result.error(((Result.Err<Metadata.Submitted>) submitted).error()));
              }
            }));
  }

  private void end(MetadataCommand command, Metadata.Submitted done) {
    boolean timeLeft = call.leftNanos() > 0;
    if (done.outcome() instanceof CommandOutcome.Rejected rejected) {
      ApiError error = rejected.error();
      if (timeLeft && error.reason() == ErrorReason.BUSY && error.retryAfterMs() == 0) {
        read();
      } else {
        completion.complete(Result.error(error));
      }
    } else if (timeLeft
        && command instanceof MetadataCommand.MoveLeaders
        && done.outcome().equals(new CommandOutcome.Number(0))) {
      read(); // the entry was another one: it says nothing but how many have moved
    } else {
      completion.complete(Result.ok(done.index()));
    }
  }
}
