package io.kontiki.broker.coordinator;

import io.kontiki.broker.coordinator.LinkEvent.Reply;

/**
 * A request on its way to a coordinator, repeated while coordinators move: every request is one
 * that does no harm if it is applied twice.
 */
abstract class LinkCall {
  /** An attempt may have been applied without an answer (rule M3). */
  boolean open;

  /** Nobody waits for it any more. */
  boolean over;

  abstract LinkRequest request(long id);

  /** An answer that counts; not COORDINATOR_UNAVAILABLE and not OUTCOME_UNKNOWN. */
  abstract void answered(Reply reply);

  /** An attempt came to nothing; whether it is to be repeated. */
  boolean again() {
    return !over;
  }
}
