package io.kontiki.client;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a member of a group reads.
 *
 * @param group its name, 1 to 255 bytes of UTF-8; it comes into being with its first member
 * @param memberName makes the member static: whoever comes with the same name takes the place, and
 *     the partitions, of the one before. Empty: a dynamic member
 * @param clientId free text for operators, at most 255 bytes
 * @param startAt where a partition begins for which the group has committed nothing; not an offset
 * @param outOfRange what to do when the next record is no longer there
 * @param assignor how partitions are dealt out; the group goes by what most members ask for
 * @param autoCommitInterval how often {@link GroupConsumer#poll} commits what earlier polls
 *     returned, at least 10 ms; null: only {@link GroupConsumer#commit()} does
 * @param sessionTimeout how long the partitions wait for the member when its connection broke; at
 *     most 30 min. Null: 500 ms, or 30 s with a member name
 * @param revokeTimeout how long the member may take to give up partitions that move; 1 s to 1 h
 * @param bufferBytes of records that were delivered and not polled (keys, values, headers); one
 *     message of up to 1 MiB, or one record, may come on top
 * @param maxPollRecords that one poll returns
 */
public record GroupConsumerOptions(
    String group,
    String memberName,
    String clientId,
    StartAt startAt,
    ConsumerOptions.OutOfRange outOfRange,
    Assignor assignor,
    @Nullable Duration autoCommitInterval,
    @Nullable Duration sessionTimeout,
    Duration revokeTimeout,
    long bufferBytes,
    int maxPollRecords) {
  /** How partitions are dealt out to the members, always by the broker. */
  public enum Assignor {
    /** Even, and as few moves as possible. */
    STICKY,
    /** Even over all topics. */
    UNIFORM,
    /** The same partition numbers of all topics to the same member, where it can be. */
    RANGE
  }

  private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(10);
  private static final Duration LONGEST_SESSION = Duration.ofMinutes(30);
  private static final Duration SHORTEST_REVOKE = Duration.ofSeconds(1);
  private static final Duration LONGEST_REVOKE = Duration.ofHours(1);

  public GroupConsumerOptions {
    checkName("group", group, 1);
    checkName("memberName", memberName, 0);
    checkName("clientId", clientId, 0);
    if (startAt instanceof StartAt.At) {
      throw new IllegalArgumentException(
          "startAt " + startAt + ": an offset means nothing for several partitions; commit it");
    }
    if (autoCommitInterval != null && autoCommitInterval.compareTo(SHORTEST_INTERVAL) < 0) {
      throw new IllegalArgumentException(
          "autoCommitInterval " + autoCommitInterval + " is below " + SHORTEST_INTERVAL);
    }
    if (sessionTimeout != null
        && (sessionTimeout.isNegative()
            || sessionTimeout.isZero()
            || sessionTimeout.compareTo(LONGEST_SESSION) > 0)) {
      throw new IllegalArgumentException(
          "sessionTimeout " + sessionTimeout + " is not within 0 and " + LONGEST_SESSION);
    }
    if (revokeTimeout.compareTo(SHORTEST_REVOKE) < 0
        || revokeTimeout.compareTo(LONGEST_REVOKE) > 0) {
      throw new IllegalArgumentException(
          "revokeTimeout "
              + revokeTimeout
              + " is not within "
              + SHORTEST_REVOKE
              + " and "
              + LONGEST_REVOKE);
    }
    if (bufferBytes < 1 || maxPollRecords < 1) {
      throw new IllegalArgumentException(
          "bufferBytes " + bufferBytes + " and maxPollRecords " + maxPollRecords + ": positive");
    }
  }

  private static void checkName(String field, String value, int least) {
    int sizeBytes = value.getBytes(StandardCharsets.UTF_8).length;
    if (sizeBytes < least || sizeBytes > 255 || value.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          field
              + " '"
              + value
              + "' has "
              + sizeBytes
              + " bytes; "
              + least
              + " to 255 without control characters are right");
    }
  }

  /**
   * The defaults: a dynamic member that begins with the first record that is there, commits every
   * second what it has processed, and buffers 4 MiB.
   */
  public static GroupConsumerOptions of(String group) {
    return new GroupConsumerOptions(
        group,
        "",
        "",
        StartAt.BEGINNING,
        ConsumerOptions.OutOfRange.EARLIEST,
        Assignor.STICKY,
        Duration.ofSeconds(1),
        null,
        Duration.ofSeconds(30),
        4L * 1024 * 1024,
        500);
  }

  /** The same as a static member; empty: as a dynamic one. */
  public GroupConsumerOptions withMemberName(String value) {
    return new GroupConsumerOptions(
        group,
        value,
        clientId,
        startAt,
        outOfRange,
        assignor,
        autoCommitInterval,
        sessionTimeout,
        revokeTimeout,
        bufferBytes,
        maxPollRecords);
  }

  /** The same with another text for operators. */
  public GroupConsumerOptions withClientId(String value) {
    return new GroupConsumerOptions(
        group,
        memberName,
        value,
        startAt,
        outOfRange,
        assignor,
        autoCommitInterval,
        sessionTimeout,
        revokeTimeout,
        bufferBytes,
        maxPollRecords);
  }

  /** The same with another beginning and policy. */
  public GroupConsumerOptions withStart(StartAt newStartAt, ConsumerOptions.OutOfRange policy) {
    return new GroupConsumerOptions(
        group,
        memberName,
        clientId,
        newStartAt,
        policy,
        assignor,
        autoCommitInterval,
        sessionTimeout,
        revokeTimeout,
        bufferBytes,
        maxPollRecords);
  }

  /** The same, dealt out otherwise. */
  public GroupConsumerOptions withAssignor(Assignor value) {
    return new GroupConsumerOptions(
        group,
        memberName,
        clientId,
        startAt,
        outOfRange,
        value,
        autoCommitInterval,
        sessionTimeout,
        revokeTimeout,
        bufferBytes,
        maxPollRecords);
  }

  /** The same with another interval of automatic commits. */
  public GroupConsumerOptions withAutoCommit(Duration interval) {
    return withAutoCommitInterval(interval);
  }

  /** The same without automatic commits. */
  public GroupConsumerOptions withManualCommit() {
    return withAutoCommitInterval(null);
  }

  private GroupConsumerOptions withAutoCommitInterval(@Nullable Duration interval) {
    return new GroupConsumerOptions(
        group,
        memberName,
        clientId,
        startAt,
        outOfRange,
        assignor,
        interval,
        sessionTimeout,
        revokeTimeout,
        bufferBytes,
        maxPollRecords);
  }

  /** The same with other time limits of membership. */
  public GroupConsumerOptions withTimeouts(Duration newSession, Duration newRevoke) {
    return new GroupConsumerOptions(
        group,
        memberName,
        clientId,
        startAt,
        outOfRange,
        assignor,
        autoCommitInterval,
        newSession,
        newRevoke,
        bufferBytes,
        maxPollRecords);
  }

  /** The same with other bounds. */
  public GroupConsumerOptions withBounds(long newBufferBytes, int newMaxPollRecords) {
    return new GroupConsumerOptions(
        group,
        memberName,
        clientId,
        startAt,
        outOfRange,
        assignor,
        autoCommitInterval,
        sessionTimeout,
        revokeTimeout,
        newBufferBytes,
        newMaxPollRecords);
  }
}
