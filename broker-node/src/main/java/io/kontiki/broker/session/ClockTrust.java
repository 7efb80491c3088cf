package io.kontiki.broker.session;

/**
 * Whether this broker's wall clock may be believed for the age of records (P17, 3.9). Not while it
 * differs by more than 10 min from the clock of another broker that leads the metadata, nor after
 * it jumped by that against the monotonic clock: until another broker's clock agrees with it again,
 * or, where there is none to ask, until it has gone evenly for an hour.
 *
 * <p>Belongs to one loop, but for {@link #trusted}. The first answer of another broker may be long
 * in coming: until then the own clock is believed.
 */
public final class ClockTrust {
  /** Greatest difference that is no reason for doubt. */
  public static final long TOLERANCE_MS = 10 * 60_000;

  private static final long EVEN_MS = 3_600_000;
  private static final long NANOS_PER_MS = 1_000_000;

  private Now last;
  private boolean differs;
  private boolean jumped;
  private long jumpedAtNanos;
  private volatile boolean trusted = true;

  /** Begins to watch. */
  public ClockTrust(Now now) {
    last = now;
  }

  /** Whether records may be judged by their age; any thread. */
  public boolean trusted() {
    return trusted;
  }

  /**
   * Time has passed.
   *
   * @return what to tell an operator; empty: nothing new
   */
  public String onTick(Now now) {
    long jump = now.wallMs() - last.wallMs() - (now.nanos() - last.nanos()) / NANOS_PER_MS;
    last = now;
    if (Math.abs(jump) > TOLERANCE_MS) {
      jumped = true;
      jumpedAtNanos = now.nanos();
      return judged("the wall clock jumped by " + jump / 1_000 + " s", true);
    }
    if (jumped && now.nanos() - jumpedAtNanos >= EVEN_MS * NANOS_PER_MS) {
      jumped = false;
      return judged("the wall clock has gone evenly for an hour", false);
    }
    return "";
  }

  /**
   * The metadata leader, another broker, told its time.
   *
   * @return as {@link #onTick}
   */
  public String onOther(long otherWallMs, Now now) {
    long difference = now.wallMs() - otherWallMs;
    boolean off = Math.abs(difference) > TOLERANCE_MS;
    if (off == differs && !(jumped && !off)) {
      return "";
    }
    differs = off;
    jumped &= off;
    return judged(
        differs
            ? "the wall clock is " + difference / 1_000 + " s off the metadata leader's"
            : "the wall clock agrees with the metadata leader's",
        differs);
  }

  private String judged(String what, boolean bad) {
    boolean before = trusted;
    trusted = !differs && !jumped;
    if (bad) {
      return what + ": retention by time pauses (P17)";
    }
    return trusted && !before ? what + ": retention by time goes on" : "";
  }
}
