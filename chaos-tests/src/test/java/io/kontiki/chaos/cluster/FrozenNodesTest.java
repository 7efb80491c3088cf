package io.kontiki.chaos.cluster;

import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * SIGSTOP proves nothing about a process: sessions and election timers decide (R6, M13). What waits
 * for a frozen leader when it goes on is acknowledged by those that replaced it, or not at all (R8,
 * M14).
 */
final class FrozenNodesTest {
  /** A try at the frozen node that is not the client's ends with its deadline of 5 s. */
  private static final long BOUND_MS = 10_000;

  @Test
  void aFrozenLeaderIsReplacedAndDoesNoHarmWhenItGoesOn() {
    try (Failover failover = Failover.start("freeze", LoadShape.TESTED)) {
      FailoverTests.run(
          failover, List.of(FailoverEvent.FREEZE_LEADER, FailoverEvent.FREEZE_BOTH), BOUND_MS);
    }
  }
}
