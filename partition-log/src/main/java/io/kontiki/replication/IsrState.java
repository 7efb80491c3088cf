package io.kontiki.replication;

import java.util.List;

/**
 * Who leads a partition and who is in sync, as metadata committed it.
 *
 * @param leaderId broker id, or {@link #NO_LEADER}
 * @param leaderEpoch grows with every election, never with the in-sync set
 * @param partitionEpoch grows with every change of the partition's entry; decides which of two
 *     states is newer (rule R16)
 * @param isr broker ids, sorted
 * @param elr broker ids outside of the in-sync set that hold every committed record, sorted (R18)
 */
public record IsrState(
    int leaderId, int leaderEpoch, int partitionEpoch, List<Integer> isr, List<Integer> elr) {
  /** Nobody leads. */
  public static final int NO_LEADER = -1;

  public IsrState {
    isr = isr.stream().sorted().toList();
    elr = elr.stream().sorted().toList();
  }

  /** Without eligible replicas. */
  public IsrState(int leaderId, int leaderEpoch, int partitionEpoch, List<Integer> isr) {
    this(leaderId, leaderEpoch, partitionEpoch, isr, List.of());
  }

  /**
   * Whether leadership came from a leader that was not fenced: it resigned, was moved away or is
   * stopping, and is a member still (rule R38). States between the two may have been jumped over
   * (rule M8), so this is a guess; nothing but liveness depends on it.
   */
  public boolean handedOverSince(IsrState older) {
    return leaderEpoch > older.leaderEpoch && isr.contains(older.leaderId);
  }
}
