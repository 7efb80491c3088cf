package io.kontiki.broker.partition;

import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.replication.Resignation;
import io.kontiki.runtime.Completion;
import java.util.List;

/** The way to the metadata leader for changes of in-sync sets and for resignations. */
public interface IsrProposals {
  /**
   * Proposes the changes of one loop turn as one command of this broker (rule R42).
   *
   * @param completion exactly once, on the loop that called, within a bounded time: the outcomes in
   *     the order of the proposals; {@link IsrOutcome.Unknown} if nothing certain is known, also
   *     when it is certain that nothing was proposed (rule R14)
   */
  void propose(List<IsrProposal> proposals, Completion<List<IsrOutcome>> completion);

  /**
   * Asks for other leaders, for all partitions of one loop turn that resign (rules R38, R42).
   *
   * @param completion as with {@link #propose}
   */
  void resign(List<Resignation> resignations, Completion<List<IsrOutcome>> completion);
}
