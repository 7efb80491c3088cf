package io.kontiki.replication;

import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The in-sync set as committed, and the one change of it that may be in flight (rules R14 to R17).
 */
final class InSyncSet {
  private final PartitionId id;
  private final ReplicaTimes times;
  private int partitionEpoch;
  private List<Integer> committed;
  private List<Integer> eligible;

  /** Committed set and set in flight together: what the high watermark counts (rule R9). */
  private List<Integer> maximal;

  private @Nullable IsrProposal inFlight;
  private boolean due;

  /** Set while the proposal in flight waits for its next copy. */
  private @Nullable Long retryAt;

  private @Nullable Long pauseUntil;

  InSyncSet(PartitionId id, IsrState state, ReplicaTimes times) {
    this.id = id;
    this.times = times;
    this.partitionEpoch = state.partitionEpoch();
    this.committed = state.isr();
    this.eligible = state.elr();
    this.maximal = state.isr();
  }

  int partitionEpoch() {
    return partitionEpoch;
  }

  List<Integer> committed() {
    return committed;
  }

  /** Outside of the committed set, and known to hold every committed record (rule R18). */
  List<Integer> eligible() {
    return eligible;
  }

  List<Integer> maximal() {
    return maximal;
  }

  /** Takes a state only if it is strictly newer (rule R16); ends what is in flight. */
  boolean adopt(IsrState state) {
    if (state.partitionEpoch() <= partitionEpoch) {
      return false;
    }
    partitionEpoch = state.partitionEpoch();
    committed = state.isr();
    eligible = state.elr();
    maximal = state.isr();
    inFlight = null;
    due = false;
    retryAt = null;
    return true;
  }

  /** One proposal in flight (rule R14), and a pause after a refusal. */
  boolean mayPropose(long nowNanos) {
    return inFlight == null && (pauseUntil == null || nowNanos - pauseUntil >= 0);
  }

  /** Whether a proposal is in flight. */
  boolean isAsking() {
    return inFlight != null;
  }

  void propose(int leaderEpoch, SortedMap<Integer, Long> members, List<Integer> damaged) {
    List<IsrMember> isr = new ArrayList<>(members.size());
    members.forEach((broker, epoch) -> isr.add(new IsrMember(broker, epoch)));
    inFlight = new IsrProposal(id, leaderEpoch, partitionEpoch, isr, damaged);
    due = true;
    SortedSet<Integer> union = new TreeSet<>(committed);
    union.addAll(members.keySet());
    maximal = List.copyOf(union);
  }

  Optional<IsrProposal> take() {
    if (!due || inFlight == null) {
      return Optional.empty();
    }
    due = false;
    return Optional.of(inFlight);
  }

  /**
   * Never rolls back by itself: whatever is not settled by a strictly newer state stays in flight
   * and is sent again as it was (rules R14, R15, R17).
   */
  void onOutcome(IsrProposal proposal, IsrOutcome outcome, long nowNanos) {
    if (!proposal.equals(inFlight)) {
      return;
    }
    retryAt = nowNanos + times.retry();
    if (outcome instanceof IsrOutcome.Rejected) {
      pauseUntil = nowNanos + times.rejected();
    }
  }

  void retry(long nowNanos) {
    if (inFlight != null && retryAt != null && nowNanos - retryAt >= 0) {
      retryAt = null;
      due = true;
    }
  }
}
