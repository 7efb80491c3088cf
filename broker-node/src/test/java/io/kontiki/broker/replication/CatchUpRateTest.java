package io.kontiki.broker.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

class CatchUpRateTest {
  private static final double MIB = 1 << 20;
  private static final long MS = 1_000_000L;

  private long now = -7_000 * MS;
  private final CatchUpRate rate = new CatchUpRate((long) (64 * MIB), now);

  /** Commits take what the rate makes of them; returns the mean rate in MiB/s. */
  private double catchUp(int ms, DoubleUnaryOperator commitMsAtMib) {
    double sum = 0;
    for (int i = 0; i < ms; i++, now += MS) {
      double mib = rate.at(now) / MIB;
      rate.onCommitted((long) (commitMsAtMib.applyAsDouble(mib) * MS), now);
      sum += mib;
    }
    return sum / ms;
  }

  private void writeOnly(int ms, double commitMs) {
    for (int i = 0; i < ms; i++, now += MS) {
      rate.onCommitted((long) (commitMs * MS), now);
    }
  }

  @Test
  void asFastAsAllowedIfNobodyNotices() {
    writeOnly(1_000, 0.8);
    rate.restart();
    assertTrue(catchUp(1_500, mib -> 0.9) < 40, "it begins slowly");
    assertEquals(64, catchUp(1_000, mib -> 0.9), 1);
  }

  @Test
  void theRateStaysWhereCommitsBeginToTakeLonger() {
    writeOnly(1_000, 0.8);
    catchUp(5_000, mib -> mib < 20 ? 0.8 : 40);
    double found = catchUp(10_000, mib -> mib < 20 ? 0.8 : 40);
    assertTrue(found > 10 && found < 20, found + " of 20 MiB/s");
  }

  @Test
  void itNeverStops() {
    writeOnly(1_000, 0.8);
    catchUp(5_000, mib -> 500);
    assertEquals(4, catchUp(1_000, mib -> 500), 0.01, "a sixteenth");
  }

  @Test
  void slownessThatItDoesNotCauseHoldsItUpForAMinuteAtMost() {
    writeOnly(1_000, 0.8);
    assertTrue(catchUp(30_000, mib -> 9) < 5);
    catchUp(31_000, mib -> 9);
    catchUp(8_000, mib -> 9);
    assertEquals(64, catchUp(1_000, mib -> 9), 1, "that is how it is now");
  }

  @Test
  void afterAPauseItBeginsSlowlyAgain() {
    writeOnly(1_000, 0.8);
    catchUp(4_000, mib -> 0.8);
    writeOnly(2_000, 0.8);
    rate.restart();
    assertTrue(catchUp(100, mib -> 0.8) < 6);
  }

  @Test
  void whereNobodyWritesThereIsNobodyToDisturb() {
    for (int i = 0; i < 2_000; i++, now += MS) {
      rate.at(now);
    }
    assertEquals(64, rate.at(now) / MIB, 0.01);
  }
}
