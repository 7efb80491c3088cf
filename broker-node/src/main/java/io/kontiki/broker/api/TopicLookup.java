package io.kontiki.broker.api;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds what a request names. What this broker's image does not hold is "not found" only after an
 * image that the quorum has confirmed does not hold it either (rule P13).
 */
public final class TopicLookup {
  private final Metadata metadata;

  public TopicLookup(Metadata metadata) {
    this.metadata = metadata;
  }

  /** The topic that a name means. Errors: INVALID_FIELD, TOPIC_NOT_FOUND, LEADER_UNAVAILABLE. */
  public void topic(CallContext call, String name, Completion<Result<TopicImage>> completion) {
    partition(call, name, -1, completion);
  }

  /**
   * The topic that a name means, if it has a partition.
   *
   * @param partition -1: any
   */
  public void partition(
      CallContext call, String name, int partition, Completion<Result<TopicImage>> completion) {
    ApiError bad = Refusals.badTopicName("topic", name);
    if (bad == null && partition < -1) {
      bad = Refusals.invalidField("partition", partition + " is negative");
    }
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    confirmed(
        call,
        image -> {
          TopicImage topic = image.topic(name);
          return topic == null || partition >= topic.partitions().size() ? null : topic;
        },
        image -> {
          TopicImage topic = image.topic(name);
          return topic == null
              ? Refusals.topicNotFound(name)
              : Refusals.partitionNotFound(name, partition, topic.partitions().size());
        },
        "topic '" + name + "'",
        completion);
  }

  /**
   * A topic and some of its partitions.
   *
   * @param partitions by number, each once
   */
  record Chosen(TopicImage topic, List<Integer> partitions) {}

  /**
   * The topic that a name means, and the partitions of it that a request names.
   *
   * @param wanted empty: all
   */
  void partitions(
      CallContext call, String name, List<Integer> wanted, Completion<Result<Chosen>> completion) {
    for (int partition : wanted) {
      if (partition < 0) {
        completion.complete(
            Result.error(Refusals.invalidField("partitions", partition + " is negative")));
        return;
      }
    }
    TreeSet<Integer> sorted = new TreeSet<>(wanted);
    partition(
        call,
        name,
        sorted.isEmpty() ? -1 : sorted.last(),
        found ->
            completion.complete(
                found.map(
                    topic -> {
                      List<Integer> numbers = new ArrayList<>(sorted);
                      for (int i = 0; sorted.isEmpty() && i < topic.partitions().size(); i++) {
                        numbers.add(i);
                      }
                      return new Chosen(topic, numbers);
                    })));
  }

  /**
   * What {@code find} sees in this broker's image, or else in one that the quorum has confirmed.
   *
   * @param what for the message that the quorum cannot be asked
   */
  <T> void confirmed(
      CallContext call,
      Function<ClusterImage, @Nullable T> find,
      Function<ClusterImage, ApiError> missing,
      String what,
      Completion<Result<T>> completion) {
    T known = find.apply(metadata.image());
    if (known != null) {
      completion.complete(Result.ok(known));
      return;
    }
    metadata.readLatest(
        call.answerByNanos(),
        call.home(
            latest ->
                completion.complete(
                    latest.fold(
                        image -> {
                          T found = find.apply(image);
                          return found == null
                              ? Result.error(missing.apply(image))
                              : Result.ok(found);
                        },
                        error -> Result.error(unconfirmed(what, error))))));
  }

  private static ApiError unconfirmed(String what, ApiError error) {
    return ApiError.retriable(
            ErrorReason.LEADER_UNAVAILABLE,
            what
                + " is not known here, and the metadata quorum does not answer: "
                + error.message(),
            Refusals.RETRY_AFTER_MS)
        .with("cause", error.reason());
  }

  /**
   * The image that a reading call asks for by {@code min_metadata_index}.
   *
   * @param minIndex null: linearizable; else this broker's own copy once it has reached the index
   */
  public static void image(
      Metadata metadata,
      CallContext call,
      @Nullable Long minIndex,
      Completion<Result<ClusterImage>> completion) {
    if (minIndex == null) {
      metadata.readLatest(call.answerByNanos(), call.home(completion));
    } else if (minIndex < 0) {
      completion.complete(
          Result.error(Refusals.invalidField("min_metadata_index", minIndex + " is negative")));
    } else if (metadata.image().index() >= minIndex) {
      completion.complete(Result.ok(metadata.image()));
    } else {
      metadata.awaitIndex(minIndex, call.answerByNanos(), call.home(completion));
    }
  }
}
