package io.kontiki.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class PendingAppendsTest {
  private final PendingAppends<String> pending = new PendingAppends<>();

  @Test
  void waitersCompleteInTheOrderOfTheirOffsetsAlsoADuplicateThatCameLater() {
    pending.add(10, 100, "a");
    pending.add(20, 100, "b");
    pending.add(30, 100, "c");
    pending.add(20, 100, "repetition of b");
    assertEquals(List.of(), pending.reached(9));
    assertEquals(List.of("a"), pending.reached(19));
    assertEquals(List.of("b", "repetition of b"), pending.reached(20));
    assertEquals(List.of("c"), pending.drain());
    assertEquals(0, pending.size());
  }

  @Test
  void deadlinesEndTheWait() {
    pending.add(10, 300, "a");
    pending.add(20, 100, "b");
    assertEquals(100, pending.nextDeadlineNanos());
    assertEquals(List.of(), pending.expired(99));
    assertEquals(List.of("b"), pending.expired(100));
    assertEquals(300, pending.nextDeadlineNanos());
    assertEquals(List.of("a"), pending.reached(10));
    assertEquals(Long.MAX_VALUE, pending.nextDeadlineNanos());
  }
}
