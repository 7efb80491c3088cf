package io.kontiki.runtime;

/** Randomness as an argument. Implementations for servers are thread-safe. */
public interface RandomSource {
  /** 64 random bits. */
  long nextLong();

  /** Uniform in {@code [0, bound)}; {@code bound} is positive. */
  int nextInt(int bound);
}
