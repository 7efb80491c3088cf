package io.kontiki.broker.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PacedCatchUpTest {
  private static final long MIB = 1 << 20;
  private static final long SECOND = 1_000_000_000L;

  private long now = -5 * SECOND;
  private final PacedCatchUp budget = new PacedCatchUp(10 * MIB, now);

  /** Ships half a MiB whenever it may; returns how many bytes went in a second. */
  private long shipForASecond(long appendedEachTime) {
    long end = now + SECOND;
    long shipped = 0;
    while (now < end) {
      long wait = budget.waitNanos(now);
      if (wait > 0) {
        now += Math.min(wait, end - now);
      } else {
        budget.onShipped(MIB / 2, now);
        budget.onAppended(appendedEachTime);
        shipped += MIB / 2;
      }
    }
    return shipped;
  }

  @Test
  void itBeginsSlowlyThenTheRateIsKeptAndABurstIsSmall() {
    assertEquals(4 * MIB, shipForASecond(0), MIB, "and the burst of the beginning");
    shipForASecond(0);
    assertEquals(10 * MIB, shipForASecond(0), MIB / 2.0);
    now += 3_600 * SECOND;
    assertTrue(shipForASecond(0) <= 5 * MIB, "what was not used is not saved up");
  }

  @Test
  void anotherLimitCountsAtOnce() {
    shipForASecond(0);
    shipForASecond(0);
    budget.limit(2 * MIB);
    shipForASecond(0);
    assertEquals(2 * MIB, shipForASecond(0), MIB / 2.0);
    budget.limit(0);
    assertEquals(0, budget.waitNanos(now + SECOND));
    budget.onShipped(1000 * MIB, now + SECOND);
    assertEquals(0, budget.waitNanos(now + SECOND + 1_000_000));
  }

  @Test
  void whatIsAppendedMeanwhileComesOnTop() {
    shipForASecond(0);
    shipForASecond(0);
    assertEquals(20 * MIB, shipForASecond(MIB / 4), MIB, "half of what is shipped is new");
  }
}
