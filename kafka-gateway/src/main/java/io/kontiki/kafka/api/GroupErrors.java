package io.kontiki.kafka.api;

import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.GroupLimits;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;

/** A coordinator's refusals as Kafka's error codes, and what all group requests check. */
final class GroupErrors {
  private GroupErrors() {}

  static Errors of(Refusal why) {
    return switch (why) {
      // Whoever has lost its leadership does not know the outcome; repeating it elsewhere is safe.
      case NOT_COORDINATOR, OUTCOME_UNKNOWN -> Errors.NOT_COORDINATOR;
      case LOADING -> Errors.COORDINATOR_LOAD_IN_PROGRESS;
      case UNAVAILABLE -> Errors.COORDINATOR_NOT_AVAILABLE;
      case UNKNOWN_MEMBER -> Errors.UNKNOWN_MEMBER_ID;
      case ILLEGAL_GENERATION -> Errors.ILLEGAL_GENERATION;
      case REBALANCING -> Errors.REBALANCE_IN_PROGRESS;
      case OTHER_PROTOCOL -> Errors.INCONSISTENT_GROUP_PROTOCOL;
      case FENCED_INSTANCE -> Errors.FENCED_INSTANCE_ID;
      case MEMBER_ID_REQUIRED -> Errors.MEMBER_ID_REQUIRED;
      case GROUP_FULL -> Errors.GROUP_MAX_SIZE_REACHED;
      case INVALID_SESSION -> Errors.INVALID_SESSION_TIMEOUT;
      case ACTIVE -> Errors.NON_EMPTY_GROUP;
      case SUBSCRIBED -> Errors.GROUP_SUBSCRIBED_TO_TOPIC;
      case NOT_FOUND -> Errors.GROUP_ID_NOT_FOUND;
      case INVALID -> Errors.INVALID_REQUEST;
      case TOO_MANY_OFFSETS -> Errors.INVALID_COMMIT_OFFSET_SIZE;
    };
  }

  /** Of an answer; NONE if it is none. */
  static Errors of(ClassicReply<?> reply) {
    return reply instanceof ClassicReply.No<?> no ? of(no.why()) : Errors.NONE;
  }

  /** Why it cannot be the name of a group with members; null: it can. */
  static @Nullable Errors badName(@Nullable String group) {
    return group != null && group.isEmpty() ? Errors.INVALID_GROUP_ID : badOffsetsName(group);
  }

  /** The same of a group that has nothing but offsets: old clients leave its name empty. */
  static @Nullable Errors badOffsetsName(@Nullable String group) {
    return group == null || group.length() > GroupLimits.NAME_CHARS
        ? Errors.INVALID_GROUP_ID
        : null;
  }

  /** Kafka's absent texts are our empty ones. */
  static String text(@Nullable String text) {
    return text == null ? "" : text;
  }

  static @Nullable String orNull(String text) {
    return text.isEmpty() ? null : text;
  }
}
