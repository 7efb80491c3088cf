package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

final class AckTimesTest {
  /** Near the end of its range: times may only be compared by their difference. */
  private static final long T = Long.MAX_VALUE - 500;

  private final AckTimes times = new AckTimes();

  private void acked(int partition, long... at) {
    for (long ms : at) {
      times.onAck(partition, T + ms, T + ms);
    }
  }

  private Outage outage(long from, long to) {
    return times.outage(List.of(0, 1), T + from, T + to);
  }

  @Test
  void aGapCountsWholeFromTheAckBeforeTheTrouble() {
    acked(0, 10, 90, 700, 710, 1000);
    acked(1, 10, 95, 710, 1000);
    assertEquals(615, outage(100, 1000).strictNanos());
    assertEquals(605, outage(100, 1000).overallNanos());
    assertEquals(1, outage(100, 1000).partition());
  }

  @Test
  void onePartitionThatStandsStillIsNotHiddenByOthersThatGoOn() {
    acked(0, 90, 100, 200, 300, 400, 500);
    acked(1, 90, 480, 500);
    assertEquals(390, outage(100, 500).strictNanos());
    assertEquals(100, outage(100, 500).overallNanos());
  }

  @Test
  void aGapThatIsOpenAtTheEndCounts() {
    acked(0, 90, 500);
    acked(1, 90);
    assertEquals(410, outage(100, 500).strictNanos());
  }

  @Test
  void aGapOutsideTheTimeOfTroubleDoesNotCount() {
    acked(0, 0, 800, 900, 1000, 5000);
    acked(1, 0, 800, 900, 1000, 5000);
    assertEquals(100, outage(850, 1000).strictNanos());
  }

  @Test
  void everyRecordWaitsFromWhenItWasDueNotFromWhenItCouldBeSent() {
    acked(1, 100, 600);
    times.onAck(0, T + 130, T + 600);
    times.onAck(0, T + 590, T + 600);
    assertEquals(470, outage(100, 600).waitNanos());
    times.onFailure(0, T + 110, T + 590);
    assertEquals(480, outage(100, 600).waitNanos());
  }

  @Test
  void aPartitionGoesOnWithARecordThatWasNotDueWhenTheTroubleBegan() {
    acked(0, 90, 150);
    times.onAck(1, T + 90, T + 200);
    assertFalse(times.allWentOn(List.of(0, 1), T + 100));
    acked(1, 210);
    assertTrue(times.allWentOn(List.of(0, 1), T + 100));
    times.onFailure(0, T + 300, T + 300);
    assertFalse(times.allWentOn(List.of(0, 1), T + 250));
  }

  @Test
  void theFirstAckAfterATimeIsFoundInAnyOrder() {
    acked(0, 300, 150, 90);
    assertEquals(OptionalLong.of(T + 150), times.firstAckAfter(0, T + 100));
    assertEquals(OptionalLong.empty(), times.firstAckAfter(0, T + 300));
    assertEquals(OptionalLong.empty(), times.firstAckAfter(1, T));
  }
}
