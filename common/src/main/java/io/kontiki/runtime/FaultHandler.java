package io.kontiki.runtime;

/**
 * Told of broken invariants. In a server the process logs and halts: a wrong node is worse than a
 * dead one. In the simulator the run fails.
 */
public interface FaultHandler {
  /**
   * Does not return normally in a server.
   *
   * @param what names the invariant (rule number) and the values that break it
   */
  void onFault(String what, Throwable cause);
}
