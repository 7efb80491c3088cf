package io.kontiki.broker.group;

import io.kontiki.group.MemberState;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import java.util.SortedMap;

/** Told of a member's fate, on the loop of the join. */
public interface MemberListener {
  /**
   * What the member is now; states may be skipped (as M8), epochs never go back.
   *
   * @param gone partitions that it owned in the state told before and does not any more, with why
   */
  void changed(MemberState now, SortedMap<PartitionId, Gone> gone);

  /**
   * The member is no more, or never came to be: MEMBER_FENCED, MEMBER_REPLACED, TOPIC_NOT_FOUND,
   * GROUP_PROTOCOL_MISMATCH, COORDINATOR_UNAVAILABLE (of the join). Last word.
   */
  void ended(ApiError why);

  /** Why a partition went. */
  enum Gone {
    /** Released. */
    RELEASED,
    /** The revoke timeout passed first. */
    TIMEOUT,
    /** Its topic was deleted. */
    TOPIC_DELETED
  }
}
