package io.kontiki.chaos.run.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.chaos.history.Log;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class AckLogTest {
  private static final Log ORDERS = new Log("orders", 0);

  @Test
  void aTimeWithoutAnyThatHasNotEndedCountsUpToTheEnd() {
    AckLog acks = new AckLog();
    long before = System.nanoTime();
    acks.add(ORDERS);
    long after = System.nanoTime();
    long gap = acks.longestGaps(after, after + 5_000).getOrDefault(ORDERS, 0L);
    assertTrue(gap >= 5_000 && gap <= after + 5_000 - before, "gap " + gap);
  }

  @Test
  void aTimeWithoutAnyThatBeganBeforeTheSpanCountsAsAWhole() {
    AckLog acks = new AckLog();
    acks.add(ORDERS);
    long between = System.nanoTime();
    acks.add(ORDERS);
    long end = System.nanoTime();
    long gap = acks.longestGaps(between, between + 1).getOrDefault(ORDERS, 0L);
    assertTrue(gap > 0 && gap <= end, "gap " + gap);
  }

  @Test
  void everyAcknowledgementOfTheSpanIsInOneSlot() {
    AckLog acks = new AckLog();
    long from = System.nanoTime();
    for (int i = 0; i < 5_000; i++) {
      acks.add(new Log("orders", i % 3));
    }
    int[] slots = acks.perSlot(from, System.nanoTime() + 1, 7);
    assertEquals(5_000, Arrays.stream(slots).sum());
  }
}
