package io.kontiki.runtime;

/**
 * Runs blocking work off the loops, one task at a time, in the order handed in: the commit thread
 * of a log directory, a slot of the read pool. Thread-safe. In memory it runs on virtual time.
 */
public interface Worker {
  /** Hands in a task. A task that throws is a broken invariant. */
  void execute(Runnable task);
}
