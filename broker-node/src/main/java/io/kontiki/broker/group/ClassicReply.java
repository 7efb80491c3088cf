package io.kontiki.broker.group;

/** What a coordinator answers to a request of a Kafka client. */
public sealed interface ClassicReply<T> {
  /** Done. */
  record Ok<T>(T value) implements ClassicReply<T> {}

  /**
   * Not done, unless it is {@link Refusal#OUTCOME_UNKNOWN}.
   *
   * @param memberId that the client is to go on with; empty: its own
   */
  record No<T>(Refusal why, String memberId) implements ClassicReply<T> {}

  /** Done. */
  static <T> ClassicReply<T> ok(T value) {
    return new Ok<>(value);
  }

  /** Not done. */
  static <T> ClassicReply<T> no(Refusal why) {
    return new No<>(why, "");
  }

  /** The reasons, in the classic protocol's sense. */
  enum Refusal {
    /** Another broker leads the group's shard. */
    NOT_COORDINATOR,
    /** This one does, or will soon; or has too much to do: again in a moment. */
    LOADING,
    /** Nobody can say at the moment. */
    UNAVAILABLE,
    /** It may have happened (rule M3). */
    OUTCOME_UNKNOWN,
    /** No such member: it begins anew. */
    UNKNOWN_MEMBER,
    /** Of an earlier generation. */
    ILLEGAL_GENERATION,
    /** It has to join again. */
    REBALANCING,
    /** No protocol in common, or a group of the other kind (rule G11). */
    OTHER_PROTOCOL,
    /** Another member has its static name. */
    FENCED_INSTANCE,
    /** It has to come again with the id that it is given. */
    MEMBER_ID_REQUIRED,
    /** As many members, or bytes, as there may be. */
    GROUP_FULL,
    /** Too short or too long. */
    INVALID_SESSION,
    /** It has members. */
    ACTIVE,
    /** Its members are subscribed to the topic. */
    SUBSCRIBED,
    /** There is no such group. */
    NOT_FOUND,
    /** What was asked for cannot be. */
    INVALID,
    /** Too many offsets are stored. */
    TOO_MANY_OFFSETS
  }
}
