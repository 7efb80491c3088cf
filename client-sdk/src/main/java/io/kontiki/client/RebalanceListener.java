package io.kontiki.client;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;

/**
 * Told of the partitions that a member of a group gets and loses. Called by the thread that calls
 * {@link GroupConsumer#poll}, within it, or within {@code unsubscribe} and {@code close}. What a
 * listener throws, the caller gets; the change itself has happened nevertheless.
 */
public interface RebalanceListener {
  /** Told of nothing. */
  RebalanceListener NONE = new RebalanceListener() {};

  /** Why partitions went. */
  enum Reason {
    /** In order: they were given up when they had been announced as {@link #onRevoking}. */
    REBALANCE,
    /** The member took longer than its revoke timeout. */
    TIMEOUT,
    /** The topic was deleted. */
    TOPIC_DELETED,
    /**
     * The connection to the broker broke, or the group gave the member up. The client joins again
     * by itself, and perhaps gets the same partitions, from the last commit on; until then another
     * member may have them.
     */
    LOST,
    /** This consumer left the group. */
    LEFT
  }

  /**
   * These came, besides those that were there before.
   *
   * @param partitions each with the offset at which reading begins
   */
  default void onAssigned(Map<TopicPartition, Long> partitions) {}

  /**
   * These are about to go: nothing of them is polled any more. The place to finish with what was
   * polled, and to commit it; when this returns they are given up, and what is not committed is
   * delivered to their next owner.
   *
   * @param timeLeft after which they go anyway
   */
  default void onRevoking(Collection<TopicPartition> partitions, Duration timeLeft) {}

  /** These have gone; nothing can be committed for them any more. */
  default void onRevoked(Collection<TopicPartition> partitions, Reason reason) {}
}
