package io.kontiki.broker.partition;

import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.runtime.Completion;
import java.util.List;

/** The way to the metadata leader for changes of in-sync sets. */
public interface IsrProposals {
  /**
   * Proposes the changes of one loop turn as one command of this broker (rule R42).
   *
   * @param completion exactly once, on the loop that called, within a bounded time: the outcomes in
   *     the order of the proposals; {@link IsrOutcome.Unknown} if nothing certain is known, also
   *     when it is certain that nothing was proposed (rule R14)
   */
  void propose(List<IsrProposal> proposals, Completion<List<IsrOutcome>> completion);
}
