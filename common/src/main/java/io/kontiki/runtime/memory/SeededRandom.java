package io.kontiki.runtime.memory;

import io.kontiki.runtime.RandomSource;

/** Randomness that a seed decides: the same numbers on every JVM (SplitMix64). Not thread-safe. */
public final class SeededRandom implements RandomSource {
  private long state;

  public SeededRandom(long seed) {
    this.state = seed;
  }

  @Override
  public long nextLong() {
    state += 0x9e3779b97f4a7c15L;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  @Override
  public int nextInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("bound " + bound + " is not positive");
    }
    // The bias of a 63-bit number modulo an int is below 2^-32: too small to matter here.
    return (int) ((nextLong() >>> 1) % bound);
  }

  /** Another source, decided by this one and independent of what follows here. */
  public SeededRandom split() {
    return new SeededRandom(nextLong() ^ 0x6a09e667f3bcc909L);
  }

  /** True once in {@code n} times on average. */
  public boolean oneIn(int n) {
    return nextInt(n) == 0;
  }
}
