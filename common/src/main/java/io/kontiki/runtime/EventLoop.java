package io.kontiki.runtime;

/**
 * The single thread that owns a set of partitions (or the control plane). A partition lives on
 * exactly one loop and is touched by no other thread.
 *
 * <ul>
 *   <li>Nothing on a loop may block.
 *   <li>Tasks run in the order in which one thread handed them in; tasks of different threads
 *       interleave.
 *   <li>A task that throws is a broken invariant: the loop reports it to the {@link FaultHandler}.
 * </ul>
 */
public interface EventLoop {
  /** Hands in a task; thread-safe. Runs in a later step, also if called on the loop. */
  void execute(Runnable task);

  /**
   * Runs a task after a time; thread-safe.
   *
   * @param delayNanos not negative
   * @return cancels the task if it has not begun; idempotent, to be called on the loop
   */
  Timer schedule(long delayNanos, Runnable task);

  /**
   * Runs a task once at the end of the present turn, after everything that the turn brought, in the
   * order of the calls; only on the loop. For what is batched per turn: shipments, then the journal
   * hand-over, then answers and acks.
   */
  void atTurnEnd(Runnable task);

  /** Whether the caller runs on this loop. */
  boolean inLoop();

  /** Of the loop; the same for all loops of a process. */
  Clock clock();

  /** A task that can be called off. */
  interface Timer {
    /** Does nothing if the task has begun. */
    void cancel();
  }
}
