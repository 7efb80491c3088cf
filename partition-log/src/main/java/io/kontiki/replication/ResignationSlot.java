package io.kontiki.replication;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The one resignation that may be under way. A copy of it that is applied late is harmless: it is a
 * compare-and-set, and takes nothing from what counts for the high watermark (rule M2): the in-sync
 * set stays, or is one below min ISR, with which nothing is committed (R10).
 */
final class ResignationSlot {
  private final ReplicaTimes times;
  private @Nullable Resignation inFlight;
  private boolean due;
  private long pauseUntil;

  ResignationSlot(ReplicaTimes times, long nowNanos) {
    this.times = times;
    this.pauseUntil = nowNanos;
  }

  /** Asked for and not answered, or granted: nothing else is proposed meanwhile (rule R14). */
  boolean pending() {
    return inFlight != null;
  }

  boolean mayAsk(long nowNanos) {
    return inFlight == null && nowNanos - pauseUntil >= 0;
  }

  void ask(Resignation resignation) {
    inFlight = resignation;
    due = true;
  }

  Optional<Resignation> take() {
    Optional<Resignation> taken = due ? Optional.ofNullable(inFlight) : Optional.empty();
    due = false;
    return taken;
  }

  /** What was not granted is judged anew, not repeated: the cause may have passed. */
  void onOutcome(Resignation resignation, IsrOutcome outcome, long nowNanos) {
    if (resignation.equals(inFlight) && !(outcome instanceof IsrOutcome.Applied)) {
      inFlight = null;
      pauseUntil =
          nowNanos + (outcome instanceof IsrOutcome.Rejected ? times.rejected() : times.retry());
    }
  }

  /** A newer state in which this broker still leads: the resignation was for an older one. */
  void onNewerState() {
    inFlight = null;
    due = false;
  }
}
