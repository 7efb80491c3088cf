package io.kontiki.cli.local;

import java.io.PrintStream;
import java.util.List;

/**
 * Stops a cluster when this process is asked to end (Ctrl-C, SIGTERM), and then ends the process.
 * Closed, it does nothing any more.
 */
public final class StopOnSignal implements AutoCloseable {
  private final Thread hook;

  /**
   * Prepares; {@link #arm} makes it work.
   *
   * @param err told of nodes that had to be killed
   * @param exitCode of this process, if none had to be; else 1
   * @param afterwards runs when all nodes have gone
   */
  public StopOnSignal(LocalCluster cluster, PrintStream err, int exitCode, Runnable afterwards) {
    this.hook =
        new Thread(
            () -> {
              List<Integer> killed = cluster.stop();
              afterwards.run();
              if (!killed.isEmpty()) {
                err.println("nodes " + killed + " did not stop when asked, and were killed");
              }
              err.flush();
              Runtime.getRuntime().halt(killed.isEmpty() ? exitCode : 1);
            },
            "stop-on-signal");
  }

  /** From here on signals stop the cluster. */
  public void arm() {
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
