package io.kontiki.broker.session;

import io.kontiki.model.PartitionId;
import java.util.List;

/**
 * What a broker says of itself (rule R4).
 *
 * @param sequence counts from 1 on its stream
 * @param appliedIndex of its image
 * @param ready logs recovered, log directory in order, own registration applied: may be unfenced
 * @param stopping wants to hand over (R7)
 * @param fenceMe wants to be fenced: its stop has come so far, or its log directory is offline or
 *     hangs
 * @param doubtful damage or doubt found at recovery, while it is fenced (R3)
 */
public record Heartbeat(
    long sequence,
    long appliedIndex,
    boolean ready,
    boolean stopping,
    boolean fenceMe,
    List<PartitionId> doubtful) {
  public Heartbeat {
    doubtful = List.copyOf(doubtful);
  }
}
