package io.kontiki.metadata;

import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What applying a command answered (rule M17). */
public sealed interface CommandOutcome {
  /** Done. */
  record Done() implements CommandOutcome {}

  /** A number was given: a broker epoch, a first producer id. */
  record Number(long value) implements CommandOutcome {}

  /** AlterPartitions and Resign: one per change, in order. */
  record IsrOutcomes(List<IsrOutcome> outcomes) implements CommandOutcome {
    public IsrOutcomes {
      outcomes = List.copyOf(outcomes);
    }
  }

  /** Nothing was changed (but see rule R17). */
  record Rejected(ApiError error) implements CommandOutcome {}

  /**
   * The outcome of one change of an in-sync set, or of one resignation.
   *
   * @param kind what happened
   * @param state the partition as it is after the command; null if there is none
   */
  record IsrOutcome(PartitionId partition, Kind kind, @Nullable PartitionImage state) {}

  /** What happened to a change of an in-sync set, or to a resignation. */
  enum Kind {
    /** The proposed set is the in-sync set now; another member leads. */
    APPLIED,
    /**
     * A member may not be in it; the partition epoch has grown, so no copy can be applied (R17).
     * Nobody else may lead; nothing has changed.
     */
    INELIGIBLE,
    /** The partition epoch was not the present one; the state is given (R17). */
    STALE,
    /** Leader, leader epoch or broker epoch do not match, or there is no such partition. */
    FENCED
  }
}
