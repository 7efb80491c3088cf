package io.kontiki.cli.local;

import java.io.PrintStream;
import java.util.List;

/**
 * Stops a cluster when this process is asked to end (Ctrl-C, SIGTERM), and ends it with 0 then, or
 * with 1 if a node had to be killed. Closed, it does nothing any more.
 */
public final class StopOnSignal implements AutoCloseable {
  private final Thread hook;

  public StopOnSignal(LocalCluster cluster, PrintStream err) {
    this(cluster, err, () -> {});
  }

  /**
   * @param afterwards runs when all nodes have gone
   */
  public StopOnSignal(LocalCluster cluster, PrintStream err, Runnable afterwards) {
    this.hook =
        new Thread(
            () -> {
              List<Integer> killed = cluster.stop();
              afterwards.run();
              if (!killed.isEmpty()) {
                err.println("nodes " + killed + " did not stop when asked, and were killed");
              }
              err.flush();
              Runtime.getRuntime().halt(killed.isEmpty() ? 0 : 1);
            },
            "stop-on-signal");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The signal has come: the hook ends the process, and this thread must not get ahead of it.
      try {
        hook.join();
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
