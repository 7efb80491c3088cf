package io.kontiki.runtime.system;

import io.kontiki.runtime.Clock;

/** The machine's clocks. */
public final class SystemClock implements Clock {
  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public long wallMs() {
    return System.currentTimeMillis();
  }
}
