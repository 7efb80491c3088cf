package io.kontiki.chaos.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is on its way; it may be lost, doubled, late. */
sealed interface Message {
  /** A follower asks for what is behind its end, and thereby says how far it is. */
  record Fetch(
      int from, int to, int leaderEpoch, int brokerEpoch, int offset, int lastEpoch, int request)
      implements Message {}

  /**
   * The answer.
   *
   * @param diverging null: entries to append
   */
  record Fetched(
      int from,
      int to,
      int leaderEpoch,
      int brokerEpoch,
      int offset,
      int request,
      int highWatermark,
      EpochCache.@Nullable EpochEnd diverging,
      List<LogEntry> entries)
      implements Message {}

  /**
   * A leader asks for another ISR.
   *
   * @param memberEpochs of the brokers, as the leader knows them
   */
  record Alter(
      int from, int leaderEpoch, int brokerEpoch, int partitionEpoch, int isr, int[] memberEpochs)
      implements Message {}

  /** The answer. */
  record Altered(int to, Alter request, Outcome outcome, Metadata state) implements Message {}

  /** What came of an {@link Alter}. */
  enum Outcome {
    APPLIED,
    /** Refused, and it will never be applied. */
    INELIGIBLE,
    /** The state has moved on. */
    STALE
  }
}
