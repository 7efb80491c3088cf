package io.kontiki.broker.api;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.TopicId;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The refusals that several calls share, with the metadata that the public contract lists. */
public final class Refusals {
  /** Pause that is advised when a leader or the quorum is missing. */
  static final long RETRY_AFTER_MS = 100;

  private static final Pattern TOPIC_NAME = Pattern.compile("[a-zA-Z0-9._-]{1,249}");

  private Refusals() {}

  /**
   * A field that cannot be.
   *
   * @param field path in the request, as {@code records[3].headers}
   */
  public static ApiError invalidField(String field, String message) {
    return ApiError.definite(ErrorReason.INVALID_FIELD, field + ": " + message)
        .with("field", field);
  }

  /** No topic has the name. */
  public static ApiError topicNotFound(String topic) {
    return ApiError.definite(ErrorReason.TOPIC_NOT_FOUND, "there is no topic '" + topic + "'")
        .with("topic", topic);
  }

  /** No topic has the id. */
  public static ApiError topicNotFound(TopicId topic) {
    return ApiError.definite(ErrorReason.TOPIC_NOT_FOUND, "there is no topic with the id " + topic)
        .with("topicId", topic);
  }

  /** The topic has fewer partitions. */
  public static ApiError partitionNotFound(String topic, int partition, int partitionCount) {
    return ApiError.definite(
            ErrorReason.PARTITION_NOT_FOUND,
            "topic '"
                + topic
                + "' has no partition "
                + partition
                + "; its partitions are 0 to "
                + (partitionCount - 1))
        .with("topic", topic)
        .with("partition", partition)
        .with("partitionCount", partitionCount);
  }

  /** No broker is registered under the id. */
  public static ApiError brokerNotFound(int brokerId) {
    return ApiError.definite(
            ErrorReason.BROKER_NOT_FOUND, "no broker is registered with the id " + brokerId)
        .with("brokerId", brokerId);
  }

  /** Whether a new leader, or a little time, heals a failed read. */
  public static boolean passes(ApiError error) {
    return switch (error.reason()) {
      case NOT_LEADER,
          FENCED_LEADER_EPOCH,
          UNKNOWN_LEADER_EPOCH,
          LEADER_UNAVAILABLE,
          OFFSET_NOT_AVAILABLE,
          BROKER_UNREACHABLE,
          BROKER_STARTING,
          BROKER_STOPPING,
          OUTCOME_UNKNOWN,
          BUSY ->
          true;
      default -> false;
    };
  }

  /** A call of the contract that this version does not serve. */
  public static ApiError unimplemented(String method) {
    return ApiError.definite(
            ErrorReason.UNIMPLEMENTED, method + " is not served by this version of Kontiki")
        .with("method", method);
  }

  /** Why a name cannot be a topic's, or null if it can. */
  public static @Nullable ApiError badTopicName(String field, String name) {
    if (!TOPIC_NAME.matcher(name).matches() || name.equals(".") || name.equals("..")) {
      return invalidField(
          field,
          "'"
              + (name.length() > 260 ? name.substring(0, 260) + "…" : name)
              + "' is not a topic name: 1 to 249 of a-z A-Z 0-9 . _ - and not '.' or '..'");
    }
    return null;
  }
}
