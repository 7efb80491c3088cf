package io.kontiki.broker.quorum;

import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.runtime.Completion;

/** The way of a command to the metadata leader, whoever that is at the moment. */
interface MetadataCommands {
  /**
   * Proposes once, here or at the leader; on the control loop, as the completion.
   *
   * @param deadlineNanos of the one attempt
   */
  void propose(MetadataCommand command, long deadlineNanos, Completion<ProposalEnd> completion);

  /** The end of one attempt. */
  sealed interface ProposalEnd {
    /** Committed, and applied where it was proposed. */
    record Applied(long index, CommandOutcome outcome) implements ProposalEnd {}

    /** Certainly not proposed; another node may lead. */
    record NotProposed(String why) implements ProposalEnd {}

    /** It may be applied some day (rule M3). */
    record Unknown(String why) implements ProposalEnd {}
  }
}
