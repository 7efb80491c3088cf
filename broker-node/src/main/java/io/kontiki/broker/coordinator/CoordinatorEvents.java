package io.kontiki.broker.coordinator;

/** Told of what operators want to see and count. On the coordinator's loop. */
public interface CoordinatorEvents {
  /** A member has joined, or its stream has taken it up again. */
  void onJoined(String group, String memberId, String details);

  /** A member is no more. */
  void onEnded(String group, String memberId, String why);

  /** A group has dealt out its partitions anew. */
  void onRebalance(String group);

  /**
   * Offsets of some partitions were committed.
   *
   * @param nanos from their arrival to the end of their Raft entry
   */
  void onCommit(int offsets, long nanos);

  /** Offsets were set lower than before (rule G10). */
  void onWentBack(String group, int offsets);

  /** Something to be told to operators, which is nobody's fault. */
  void onNotice(String what);
}
