package io.kontiki.broker.session;

import io.kontiki.model.ApiError;

/** What {@link BrokerSession} wants done, in order. */
public sealed interface BrokerAction {
  /** Bring RegisterBroker to the metadata leader; answered by one of {@code onRegister…}. */
  record SendRegister() implements BrokerAction {}

  /**
   * Open a session stream and say who this is. There is no other open one.
   *
   * @param stream names it in later events
   */
  record OpenSession(long stream, int voterId, long brokerEpoch) implements BrokerAction {}

  /** Send on the stream; a heartbeat that cannot be sent is dropped. */
  record SendHeartbeat(long stream, Heartbeat heartbeat) implements BrokerAction {}

  /** End the stream; no event of it matters any more. */
  record CloseSession(long stream) implements BrokerAction {}

  /** Publish it: by it the loops judge what they may answer (R5). */
  record LeaseRenewed(Lease lease) implements BrokerAction {}

  /** There is no lease any more. */
  record LeaseLost() implements BrokerAction {}

  /** This process has a broker epoch. */
  record Registered(long brokerEpoch) implements BrokerAction {}

  /** The cluster does not want this process; it cannot run. */
  record Refused(ApiError error) implements BrokerAction {}

  /**
   * The cluster side of a controlled stop is over (R7): now finish or fail what waits, flush, write
   * the marker, exit.
   *
   * @param fenced whether the cluster has it fenced
   */
  record FinishedStop(boolean fenced, String why) implements BrokerAction {}
}
