package io.kontiki.broker.group;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.api.TopicLookup;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether a group can be joined as a client asks. Stateless; any loop. */
final class SubscriptionCheck {
  static final int MAX_NAME_BYTES = 255;
  static final int MAX_TOPICS = 1000;
  static final int MAX_PATTERN_CHARS = 1000;
  static final long MAX_SESSION_MS = 30 * 60_000L;
  static final long MIN_REVOKE_MS = 1000;
  static final long MAX_REVOKE_MS = 60 * 60_000L;

  private SubscriptionCheck() {}

  /** Why the fields cannot be, or null. */
  static @Nullable ApiError badField(Subscription wanted) {
    ApiError bad = badName("subscribe.group", wanted.group());
    bad = bad != null ? bad : badTopics(wanted);
    bad = bad != null ? bad : badOptionalName("subscribe.member_name", wanted.memberName());
    bad = bad != null ? bad : badOptionalName("subscribe.member_id", wanted.memberId());
    bad = bad != null ? bad : badOptionalName("subscribe.client_id", wanted.clientId());
    bad = bad != null ? bad : badStart(wanted.startAt());
    bad = bad != null ? bad : badFlow(wanted);
    return bad != null ? bad : badTimes(wanted);
  }

  /**
   * Why a name cannot be a group's, or null: 1 to 255 bytes of UTF-8 without control characters.
   */
  static @Nullable ApiError badName(String field, String name) {
    if (name.isEmpty()) {
      return Refusals.invalidField(field, "is empty; it must have 1 to 255 bytes");
    }
    return badOptionalName(field, name);
  }

  private static @Nullable ApiError badOptionalName(String field, String name) {
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_NAME_BYTES) {
      return Refusals.invalidField(field, "has " + bytes + " bytes; at most 255 are allowed");
    }
    for (int i = 0; i < name.length(); i++) {
      if (Character.isISOControl(name.charAt(i))) {
        return Refusals.invalidField(field, "has a control character at position " + i);
      }
    }
    return null;
  }

  private static @Nullable ApiError badTopics(Subscription wanted) {
    if (wanted.topics().isEmpty() == wanted.pattern().isEmpty()) {
      return Refusals.invalidField(
          "subscribe.topics", "either topics or topic_pattern must be given, and not both");
    }
    if (wanted.topics().size() > MAX_TOPICS) {
      return Refusals.invalidField(
          "subscribe.topics", wanted.topics().size() + " topics; at most " + MAX_TOPICS);
    }
    for (int i = 0; i < wanted.topics().size(); i++) {
      ApiError bad = Refusals.badTopicName("subscribe.topics[" + i + "]", wanted.topics().get(i));
      if (bad != null) {
        return bad;
      }
    }
    return wanted.pattern().isEmpty() ? null : badPattern(wanted.pattern());
  }

  private static @Nullable ApiError badPattern(String pattern) {
    if (pattern.length() > MAX_PATTERN_CHARS) {
      return Refusals.invalidField(
          "subscribe.topic_pattern",
          "has " + pattern.length() + " characters; at most " + MAX_PATTERN_CHARS);
    }
    try {
      Pattern.compile(pattern);
      return null;
    } catch (PatternSyntaxException e) {
      return Refusals.invalidField(
          "subscribe.topic_pattern", "is no regular expression in RE2's syntax: " + e.getMessage());
    }
  }

  private static @Nullable ApiError badStart(StartSpec start) {
    if (start instanceof StartSpec.AtOffset at) {
      return Refusals.invalidField(
          "subscribe.start_at.offset",
          at.offset() + " cannot be the start of every partition: name an end, a time or a group");
    }
    return start instanceof StartSpec.CommittedBy other
        ? badName("subscribe.start_at.committed_by", other.group())
        : null;
  }

  private static @Nullable ApiError badFlow(Subscription wanted) {
    if (wanted.windowBytes() < 0) {
      return Refusals.invalidField(
          "subscribe.window_bytes", wanted.windowBytes() + " must be positive");
    }
    if (wanted.creditBytes() < 0) {
      return Refusals.invalidField(
          "subscribe.initial_credit_bytes", wanted.creditBytes() + " is negative");
    }
    return null;
  }

  private static @Nullable ApiError badTimes(Subscription wanted) {
    if (wanted.sessionTimeoutMs() < 0 || wanted.sessionTimeoutMs() > MAX_SESSION_MS) {
      return Refusals.invalidField(
          "subscribe.session_timeout",
          wanted.sessionTimeoutMs() + " ms; 0 to 30 minutes are allowed");
    }
    if (wanted.revokeTimeoutMs() < MIN_REVOKE_MS || wanted.revokeTimeoutMs() > MAX_REVOKE_MS) {
      return Refusals.invalidField(
          "subscribe.revoke_timeout",
          wanted.revokeTimeoutMs() + " ms; 1 second to 1 hour are allowed");
    }
    return null;
  }

  /**
   * Whether all topics exist, in an image that the quorum has confirmed if need be (P13).
   *
   * @param completion the first error, or ok
   */
  static void topicsExist(
      CallContext call,
      TopicLookup lookup,
      List<String> topics,
      Completion<Result<Boolean>> completion) {
    Gather.<Result<TopicImage>>all(
        call.loop(),
        topics.size(),
        i -> Result.error(Refusals.topicNotFound(topics.get(i))),
        (i, answer) -> lookup.topic(call, topics.get(i), answer),
        answers -> {
          for (Result<TopicImage> answer : answers) {
            if (answer instanceof Result.Err<TopicImage> failed) {
              completion.complete(Result.error(failed.error()));
              return;
            }
          }
          completion.complete(Result.ok(true));
        });
  }
}
