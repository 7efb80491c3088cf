package io.kontiki.replication;

import io.kontiki.model.PartitionId;
import java.util.List;

/**
 * A leader's wish for another in-sync set: a compare-and-set on both epochs (rule R13). A
 * repetition is this very value (rules R14, R15).
 *
 * @param isr the whole new set, sorted by broker id
 */
public record IsrProposal(
    PartitionId partition, int leaderEpoch, int partitionEpoch, List<IsrMember> isr) {
  public IsrProposal {
    isr = List.copyOf(isr);
  }
}
