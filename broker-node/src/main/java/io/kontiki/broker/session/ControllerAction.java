package io.kontiki.broker.session;

import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;

/** What {@link ControllerSessions} wants done, in order. */
public sealed interface ControllerAction {
  /**
   * Answer a heartbeat, and with it all before on its stream.
   *
   * @param unfenced whether the broker may act and has applied all that took leaderships from it;
   *     only then its lease grows (R5)
   * @param othersApplied the least index applied by all other active brokers (R7)
   * @param wallMs of this node, for the broker to compare its own with
   */
  record Answer(long stream, long sequence, boolean unfenced, long othersApplied, long wallMs)
      implements ControllerAction {}

  /**
   * Say that this is no registered process, and end the stream.
   *
   * @param registeredEpoch what is registered; 0: nothing
   */
  record Unknown(long stream, long registeredEpoch) implements ControllerAction {}

  /** Say that this node does not lead, and end the stream. */
  record Redirect(long stream) implements ControllerAction {}

  /** End a stream that a newer one of the same broker replaces. */
  record Close(long stream) implements ControllerAction {}

  /**
   * Start a ReadIndex round (M14); its end is {@link ControllerSessions#onConfirmed}, also when it
   * fails.
   */
  record ConfirmLeadership() implements ControllerAction {}

  /**
   * Propose, under this term only (M3); the end is {@link ControllerSessions#onProposed}.
   *
   * @param proposal names it
   */
  record Propose(long proposal, long term, MetadataCommand command) implements ControllerAction {}

  /**
   * Dial the broker's Raft endpoint, twice, 20 ms apart, each at most 100 ms, and ask who is there
   * (R6); the end is {@link ControllerSessions#onDialed}.
   *
   * @param dial names it
   * @param incarnation of the process that should answer
   */
  record Dial(long dial, int brokerId, Uid incarnation, Endpoint endpoint)
      implements ControllerAction {}

  /** What dialling found. */
  enum DialResult {
    /** Connection refused, every time: nobody listens. */
    REFUSED,
    /** Another process answered. */
    OTHER_INCARNATION,
    /** The process itself answered, at least once. */
    ANSWERED,
    /** No answer, or unreachable: proves nothing. */
    TIMEOUT
  }

  /** The end of a proposal. */
  enum ProposalResult {
    /** Committed and applied, whatever the outcome. */
    APPLIED,
    /** Certainly not appended. */
    NOT_APPENDED,
    /** It may be applied some day (M3). */
    UNKNOWN
  }
}
