package io.kontiki.chaos.cluster;

import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * P1, P4 to P8 with real processes: three nodes, acks=all, SIGKILL under load. The killed come back
 * and are in sync again.
 */
final class KilledNodesTest {
  private static final long BOUND_MS = 5_000;

  /** Three processes that load their classes one by one need 3 s of both cores for that alone. */
  private static final long START_BOUND_MS = ServerProgram.hasClassArchive() ? 5_000 : 8_000;

  @Test
  void losingAnyOneNodeLosesNothing() {
    try (Failover failover = Failover.start("kill-one", LoadShape.TESTED)) {
      FailoverTests.run(
          failover,
          List.of(
              FailoverEvent.KILL_LEADER,
              FailoverEvent.KILL_FOLLOWER,
              FailoverEvent.KILL_METADATA_LEADER,
              FailoverEvent.KILL_BOTH),
          BOUND_MS);
    }
  }

  /**
   * With {@code durability=replicated} only a power cut may lose something here: the page cache
   * outlives processes.
   */
  @Test
  void losingAllNodesAtOnceLosesNothing() {
    try (Failover failover = Failover.start("kill-all", LoadShape.TESTED)) {
      FailoverTests.run(
          failover,
          List.of(FailoverEvent.RESTART_FSYNC, FailoverEvent.RESTART_REPLICATED),
          START_BOUND_MS);
    }
  }
}
