package io.kontiki.broker.coordinator;

import io.kontiki.broker.group.GroupLine;
import io.kontiki.broker.group.GroupReport;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.MemberState;
import io.kontiki.group.PartitionLoss;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a coordinator says to a broker on its link, in order. */
public sealed interface LinkEvent {
  /** This node leads the shard; the first word. */
  record Opened() implements LinkEvent {}

  /**
   * It does not, or no more; the last word.
   *
   * @param leaderId as it knows, or -1
   */
  record Redirect(int leaderId) implements LinkEvent {}

  /** "I live", every half second. */
  record Heartbeat() implements LinkEvent {}

  /** To a request. */
  record Answer(long id, Reply reply) implements LinkEvent {}

  /**
   * A member of the broker as it is now.
   *
   * @param lost what went since it was told last on this link, as far as that is known
   */
  record Changed(String group, MemberState member, SortedMap<PartitionId, PartitionLoss> lost)
      implements LinkEvent {
    public Changed {
      lost = Collections.unmodifiableSortedMap(new TreeMap<>(lost));
    }
  }

  /** The broker's stream is no member any more. */
  record Ended(String group, String memberId, ApiError why) implements LinkEvent {}

  /** Of an answer. */
  sealed interface Reply {
    /** To a join (one) and to commands, in their order. */
    record Answers(List<GroupAnswer> answers) implements Reply {
      public Answers {
        answers = List.copyOf(answers);
      }
    }

    /** To {@link LinkRequest.Offsets}. */
    record Committed(SortedMap<PartitionId, CommittedOffset> offsets) implements Reply {
      public Committed {
        offsets = Collections.unmodifiableSortedMap(new TreeMap<>(offsets));
      }
    }

    /** To {@link LinkRequest.Describe}. */
    record Described(GroupReport report) implements Reply {}

    /** To {@link LinkRequest.ListGroups}. */
    record Listed(List<GroupLine> groups) implements Reply {
      public Listed {
        groups = List.copyOf(groups);
      }
    }

    /**
     * No answer. COORDINATOR_UNAVAILABLE: nothing has happened. OUTCOME_UNKNOWN: it may have (rule
     * M3). Both may be tried again.
     */
    record Failed(ApiError error) implements Reply {}
  }
}
