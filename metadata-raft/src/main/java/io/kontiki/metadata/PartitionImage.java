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
 * @param adding replicas that a reassignment brings
 * @param removing replicas that a reassignment takes away
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
    List<Integer> removing) {
  /** Nobody leads. */
  public static final int NO_LEADER = -1;

  public PartitionImage {
    replicas = List.copyOf(replicas);
    isr = List.copyOf(isr);
    elr = List.copyOf(elr);
    lastKnownElr = List.copyOf(lastKnownElr);
    adding = List.copyOf(adding);
    removing = List.copyOf(removing);
  }
}
