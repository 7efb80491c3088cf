package io.kontiki.metadata;

import io.kontiki.model.PartitionId;
import java.util.List;

/**
 * What applying one command gave.
 *
 * @param image the new state; parts that did not change are shared with the old one
 * @param outcome for the proposer
 * @param recovered partitions whose leader was chosen by balanced recovery (rule R19): records may
 *     be lost there, which is to be counted and logged
 */
public record ApplyResult(ClusterImage image, CommandOutcome outcome, List<PartitionId> recovered) {
  public ApplyResult {
    recovered = List.copyOf(recovered);
  }
}
