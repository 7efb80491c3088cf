package io.kontiki.chaos.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * What happened, in order: always as a hash, which tells whether two runs were the same, and as
 * lines for people if somebody wants them.
 */
public final class Trace {
  private final boolean verbose;
  private final List<String> lines = new ArrayList<>();
  private long hash = 0xcbf29ce484222325L;
  private long nowNanos;

  /**
   * @param verbose keeps lines
   */
  public Trace(boolean verbose) {
    this.verbose = verbose;
  }

  /** Whether lines are kept. */
  public boolean verbose() {
    return verbose;
  }

  void now(long nanos) {
    nowNanos = nanos;
  }

  /** Something happened; the numbers go into the hash, the text into the lines. */
  void add(long a, long b, Supplier<String> text) {
    mix(nowNanos);
    mix(a);
    mix(b);
    if (verbose) {
      lines.add(String.format(java.util.Locale.ROOT, "%12.3f ms  %s", nowNanos / 1e6, text.get()));
    }
  }

  private void mix(long value) {
    hash = (hash ^ value) * 0x100000001b3L;
    hash ^= hash >>> 29;
  }

  /** The same for two runs that did the same. */
  public long hash() {
    return hash;
  }

  /** Lines so far, oldest first; empty unless verbose. */
  public List<String> lines() {
    return List.copyOf(lines);
  }
}
