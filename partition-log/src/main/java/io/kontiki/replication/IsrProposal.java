package io.kontiki.replication;

import io.kontiki.model.PartitionId;
import java.util.List;

/**
 * A leader's wish for another in-sync set: a compare-and-set on both epochs (rule R13). A
 * repetition is this very value (rules R14, R15).
 *
 * @param isr the whole new set, sorted by broker id
 * @param damaged replicas that cannot read all of their logs: they are not eligible either (rule
 *     D9)
 */
public record IsrProposal(
    PartitionId partition,
    int leaderEpoch,
    int partitionEpoch,
    List<IsrMember> isr,
    List<Integer> damaged) {
  public IsrProposal {
    isr = List.copyOf(isr);
    damaged = List.copyOf(damaged);
  }
}
