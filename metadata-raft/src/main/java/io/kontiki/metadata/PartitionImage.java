package io.kontiki.metadata;

import java.util.List;

/**
 * One partition as the cluster has agreed on it. Immutable; lists hold broker ids.
 *
 * @param replicas in order of preference, the first is the preferred leader; adding ones included
 * @param leader or {@link #NO_LEADER}
 * @param leaderEpoch grows with every election and every finished reassignment, never with the ISR
 * @param partitionEpoch grows with every change of this entry
 * @param isr in-sync replicas, sorted
 * @param elr replicas outside the ISR that hold every committed record (KIP-966), sorted
 * @param lastKnownElr eligible until a stop that may have lost bytes, sorted
 * @param adding replicas that a reassignment brings; it ends when all are in sync (rule R34)
 * @param removing replicas that a reassignment takes away, at the end of {@code replicas}
 * @param original the replicas, in their order, when the reassignment under way began: what a
 *     cancellation goes back to; empty if none is under way
 */
public record PartitionImage(
    List<Integer> replicas,
    int leader,
    int leaderEpoch,
    int partitionEpoch,
    List<Integer> isr,
    List<Integer> elr,
    List<Integer> lastKnownElr,
    List<Integer> adding,
    List<Integer> removing,
    List<Integer> original) {
  /** Nobody leads. */
  public static final int NO_LEADER = -1;

  public PartitionImage {
    replicas = List.copyOf(replicas);
    isr = List.copyOf(isr);
    elr = List.copyOf(elr);
    lastKnownElr = List.copyOf(lastKnownElr);
    adding = List.copyOf(adding);
    removing = List.copyOf(removing);
    original = List.copyOf(original);
  }

  /** Whether replicas are on their way (rule R34). */
  public boolean reassigning() {
    return !original.isEmpty();
  }

  /** The replicas, in order of preference, when the reassignment under way has ended. */
  public List<Integer> target() {
    return replicas.subList(0, replicas.size() - removing.size());
  }

  /**
   * Whether fewer replicas are in sync than there should be; those that a reassignment brings are
   * not missed before they have come.
   */
  public boolean underReplicated() {
    return isr.size() < replicationFactor();
  }

  /** Copies that count: until a reassignment ends, as many as before it. */
  public int replicationFactor() {
    return reassigning() ? original.size() : replicas.size();
  }
}
