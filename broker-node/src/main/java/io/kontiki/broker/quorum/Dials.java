package io.kontiki.broker.quorum;

import io.kontiki.model.Endpoint;
import io.kontiki.runtime.Completion;

/** Dials Raft ports: what one attempt to connect shows, and no more (rule R6). */
@FunctionalInterface
public interface Dials {
  /** What an attempt showed. */
  enum Shown {
    /** Somebody listens. */
    ANSWERED,
    /** The machine says that nobody listens. */
    REFUSED,
    /** Silence, or something that proves nothing. */
    NOTHING
  }

  /** Tries once, for at most 100 ms; on the control loop, as the completion. */
  void dial(Endpoint raft, Completion<Shown> completion);
}
