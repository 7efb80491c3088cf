package io.kontiki.replication;

/** The leader's answer to one subscription. All but {@link Accepted} end it on both sides (R44). */
public sealed interface SubscribeAnswer {
  /** Which. */
  long subscription();

  /** Data may follow. */
  record Accepted(long subscription, long highWatermark, long logStartOffset)
      implements SubscribeAnswer {}

  /**
   * The logs part (rule R28).
   *
   * @param epoch largest epoch of the leader that is not greater than the one asked, or -1
   * @param endOffset its end in the leader's log
   */
  record Diverging(long subscription, int epoch, long endOffset) implements SubscribeAnswer {}

  /**
   * The follower's log ends before the leader's begins, or before a tombstone that is gone (rule
   * L6): it starts again there (rule R32).
   */
  record Behind(long subscription, long logStartOffset) implements SubscribeAnswer {}

  /** Not now, or not any more. */
  record Refused(long subscription, Refusal refusal) implements SubscribeAnswer {}

  /** Why a subscription was refused or ended. */
  enum Refusal {
    /** The follower's leader epoch is older (rule R25). */
    FENCED_LEADER_EPOCH,
    /** The follower's leader epoch is newer: the leader's metadata lag (rule R25). */
    UNKNOWN_LEADER_EPOCH,
    /** This broker does not lead the partition, or not any more. */
    NOT_LEADER,
    /** The follower is not among the replicas. */
    NOT_A_REPLICA,
    /** A newer incarnation, or a newer subscription, of the follower is known (rule R27). */
    SUPERSEDED,
    /** The follower lacks records that a member of the in-sync set must have. */
    INCONSISTENT,
    /** The leader cannot read what the follower needs (rule D9). */
    UNREADABLE,
    /** Too far behind for the live lane; the catch-up lane takes it (rule R33). */
    FAR_BEHIND,
    /** Near the end again: the live lane takes it. Everything shipped before is to be kept. */
    CAUGHT_UP
  }
}
