package io.kontiki.runtime.system;

import io.kontiki.runtime.RandomSource;
import java.security.SecureRandom;

/** The system's random numbers: good enough for ids that must never meet. Thread-safe. */
public final class SecureRandomSource implements RandomSource {
  private final SecureRandom random = new SecureRandom();

  @Override
  public long nextLong() {
    return random.nextLong();
  }

  @Override
  public int nextInt(int bound) {
    return random.nextInt(bound);
  }
}
