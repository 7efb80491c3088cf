package io.kontiki.broker.session;

import io.kontiki.config.LivenessConfig;

/**
 * The numbers of CORRECTNESS 3.1 and what goes with them, in nanoseconds.
 *
 * @param heartbeat between two heartbeats (R4)
 * @param session silence after which a broker is fenced (R4)
 * @param lease from the send time of an answered heartbeat (R5)
 * @param confirm between two rounds that confirm leadership (M14)
 * @param answer without an answer for so long a broker looks for another metadata leader
 * @param retry before an attempt is repeated: to open a session, to dial, to say hello
 * @param stop a controlled stop, whole (R7)
 * @param stopAlone a controlled stop without a metadata leader (R7)
 */
public record SessionTiming(
    long heartbeat,
    long session,
    long lease,
    long confirm,
    long answer,
    long retry,
    long stop,
    long stopAlone) {
  private static final long MS = 1_000_000;
  private static final long CONFIRM_MS = 100;
  private static final long RETRY_MS = 100;
  private static final long STOP_ALONE_MS = 1_000;

  public SessionTiming {
    if (lease * 10 > session * 8) {
      throw new IllegalArgumentException(
          "lease " + lease + " must be at most 0.8 of session " + session + " (R5)");
    }
  }

  /** As configured. */
  public static SessionTiming of(LivenessConfig config) {
    return new SessionTiming(
        config.heartbeatMs() * MS,
        config.sessionTimeoutMs() * MS,
        config.leaseMs() * MS,
        CONFIRM_MS * MS,
        config.leaseMs() * MS / 2,
        RETRY_MS * MS,
        config.controlledStopMs() * MS,
        STOP_ALONE_MS * MS);
  }
}
