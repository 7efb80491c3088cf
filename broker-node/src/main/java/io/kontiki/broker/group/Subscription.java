package io.kontiki.broker.group;

import io.kontiki.broker.api.StartSpec;
import io.kontiki.group.Assignor;
import java.util.List;

/**
 * What a client asks for when it joins a group, with all defaults filled in; the public contract
 * describes the fields.
 *
 * @param topics names; empty with a pattern
 * @param pattern empty with names
 * @param startAt where nothing is committed
 * @param windowBytes most bytes delivered and not committed; 0: the client gives credit
 * @param creditBytes at the beginning, without a window
 * @param memberName static; else empty
 * @param memberId of an earlier stream; else empty
 * @param host the client's address
 * @param assignmentsOnly no records are sent
 */
public record Subscription(
    String group,
    List<String> topics,
    String pattern,
    StartSpec startAt,
    OutOfRange outOfRange,
    long windowBytes,
    long creditBytes,
    String memberName,
    String memberId,
    String clientId,
    String host,
    long sessionTimeoutMs,
    long revokeTimeoutMs,
    Assignor assignor,
    boolean assignmentsOnly) {
  /** Of a stream whose client does not say. */
  public static final long DEFAULT_WINDOW_BYTES = 4 << 20;

  /** Session of a dynamic member whose client does not say. */
  public static final long DYNAMIC_SESSION_MS = 500;

  /** Session of a static member whose client does not say. */
  public static final long STATIC_SESSION_MS = 30_000;

  /** Time to finish with partitions if the client does not say. */
  public static final long DEFAULT_REVOKE_MS = 30_000;

  public Subscription {
    topics = List.copyOf(topics);
  }

  /** What to do when the next record is proven to be in the log no more (P10). */
  public enum OutOfRange {
    /** Go on at the log start. */
    EARLIEST,
    /** Go on at the end. */
    LATEST,
    /** End the stream. */
    ERROR
  }
}
