package io.kontiki.broker.rpc;

import java.util.concurrent.atomic.AtomicBoolean;

/** One stream's share of the bound on long-lived streams; given back once. Thread-safe. */
final class StreamSlot {
  private final Budget streams;
  private final AtomicBoolean held = new AtomicBoolean();

  StreamSlot(Budget streams) {
    this.streams = streams;
  }

  boolean take() {
    boolean taken = streams.tryTake(1);
    held.set(taken);
    return taken;
  }

  void giveBack() {
    if (held.compareAndSet(true, false)) {
      streams.giveBack(1);
    }
  }
}
