package io.kontiki.chaos.run.load;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One client in a thread of its own, which ends when it is told to. */
abstract class Worker implements AutoCloseable {
  private static final Duration END_PATIENCE = Duration.ofSeconds(150);

  private final String name;
  private final Thread thread;
  private volatile boolean stopping;
  private volatile @Nullable String failure;

  Worker(String name) {
    this.name = name;
    this.thread = new Thread(this::runToTheEnd, name);
    thread.setDaemon(true);
  }

  private void runToTheEnd() {
    try {
      work();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      failure = name + ": " + e;
    }
  }

  /** Until {@link #stopping}. What it throws is a surprise that ends the run as failed. */
  abstract void work() throws InterruptedException;

  final String name() {
    return name;
  }

  final boolean stopping() {
    return stopping;
  }

  /** Notes what no client should see, and goes on. */
  final void surprise(String what) {
    failure = name + ": " + what;
  }

  /** What went against the contract; null if nothing did. */
  final @Nullable String failure() {
    return failure;
  }

  final void start() {
    thread.start();
  }

  final void stop() {
    stopping = true;
  }

  /** Waits until it has ended; if it does not, that is a surprise. */
  final void join() throws InterruptedException {
    thread.join(END_PATIENCE.toMillis());
    if (thread.isAlive()) {
      surprise("did not end within " + END_PATIENCE.toSeconds() + " s of being told to");
    }
  }

  /** Ends it without regard to what it is about. */
  @Override
  public void close() {
    stopping = true;
    thread.interrupt();
  }
}
