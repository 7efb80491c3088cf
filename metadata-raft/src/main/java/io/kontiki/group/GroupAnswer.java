package io.kontiki.group;

import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What became of a {@link GroupCommand}. */
public sealed interface GroupAnswer {
  /**
   * It joined.
   *
   * @param replaced the static member whose place it took; empty: none
   */
  record Joined(MemberState member, String replaced) implements GroupAnswer {}

  /** It is done, or was done already. */
  record Done() implements GroupAnswer {}

  /**
   * A commit was applied.
   *
   * @param stored what is stored now, of every partition that was accepted
   * @param refused why, of the others: NOT_ASSIGNED or TOPIC_NOT_FOUND
   */
  record Committed(
      SortedMap<PartitionId, CommittedOffset> stored, SortedMap<PartitionId, ApiError> refused)
      implements GroupAnswer {
    public Committed {
      stored = Collections.unmodifiableSortedMap(new TreeMap<>(stored));
      refused = Collections.unmodifiableSortedMap(new TreeMap<>(refused));
    }
  }

  /** Nothing has changed: MEMBER_FENCED, GENERATION_FENCED, GROUP_ACTIVE, GROUP_NOT_FOUND… */
  record Rejected(ApiError error) implements GroupAnswer {}

  /** The answers of an entry, in the order of its commands. */
  record Batch(List<GroupAnswer> answers) {
    public Batch {
      answers = List.copyOf(answers);
    }
  }
}
