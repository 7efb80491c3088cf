package io.kontiki.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.cli.demo.HistoryCheck.Entry;
import io.kontiki.cli.demo.HistoryCheck.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class HistoryCheckTest {
  private static final Map<Integer, Long> SENT = Map.of(0, 4L, 1, 2L);

  /** Partition and then offset and number of each record: at(0, "0:0 1:1"). */
  private static List<Entry> at(int partition, String entries) {
    List<Entry> list = new ArrayList<>();
    for (String entry : entries.isEmpty() ? new String[0] : entries.split(" ")) {
      String[] parts = entry.split(":");
      list.add(new Entry(partition, Long.parseLong(parts[0]), Long.parseLong(parts[1])));
    }
    return list;
  }

  private static Verdict check(String acknowledged, String read, String live) {
    List<Entry> other = at(1, "0:0 1:1");
    return HistoryCheck.check(
        SENT, both(at(0, acknowledged), other), both(other, at(0, read)), both(at(0, live), other));
  }

  private static List<Entry> both(List<Entry> one, List<Entry> other) {
    List<Entry> both = new ArrayList<>(one);
    both.addAll(other);
    return both;
  }

  private static void assertViolation(String expected, Verdict verdict) {
    assertFalse(verdict.passed());
    assertTrue(
        verdict.violations().stream().anyMatch(violation -> violation.contains(expected)),
        () -> "expected '" + expected + "' among " + verdict.violations());
  }

  @Test
  void aGoodHistoryPasses() {
    Verdict verdict = check("0:0 1:1 2:2", "0:0 1:1 2:2", "0:0 1:1 2:2");
    assertEquals(List.of(), verdict.violations());
    assertTrue(verdict.passed());
    assertEquals(5, verdict.acknowledged());
    assertEquals(5, verdict.readBack());
    assertEquals(0, verdict.unacknowledged());
  }

  @Test
  void gapsInOffsetsAreFine() {
    assertTrue(check("0:0 5:1", "0:0 5:1", "0:0 5:1").passed());
  }

  @Test
  void anUnacknowledgedRecordMayBeThereOrNot() {
    assertTrue(check("0:0 1:2", "0:0 1:2", "0:0 1:2").passed());
    Verdict there = check("0:0 2:2", "0:0 1:1 2:2", "0:0 1:1 2:2");
    assertTrue(there.passed());
    assertEquals(1, there.unacknowledged());
  }

  @Test
  void aLostRecordIsFound() {
    assertViolation(
        "record 1 (partition 0, offset 1) was acknowledged and is lost",
        check("0:0 1:1 2:2", "0:0 2:2", "0:0 2:2"));
  }

  @Test
  void aDuplicateIsFoundEvenIfNeverAcknowledged() {
    assertViolation(
        "is a duplicate: the same record is at offset 1",
        check("0:0", "0:0 1:1 2:1", "0:0 1:1 2:1"));
    assertViolation("is a duplicate", check("0:0 1:1", "0:0 1:1 2:1", "0:0 1:1 2:1"));
  }

  @Test
  void recordsOutOfOrderAreFound() {
    assertViolation(
        "out of order: record 2 comes before it",
        check("0:0 2:1 1:2", "0:0 1:2 2:1", "0:0 1:2 2:1"));
  }

  @Test
  void anAcknowledgedRecordMustBeWhereTheAcknowledgementSaid() {
    assertViolation("was acknowledged, but is at offset 2", check("0:0 1:1", "0:0 2:1", "0:0 2:1"));
  }

  @Test
  void whatWasNeverSentIsFound() {
    assertViolation("was never sent", check("0:0", "0:0 1:7", "0:0 1:7"));
    assertViolation(
        "partition 5 was never written to",
        HistoryCheck.check(SENT, List.of(), List.of(new Entry(5, 0, 0)), List.of()));
  }

  @Test
  void offsetsThatDoNotGrowAreFound() {
    assertViolation("follows offset 1", check("1:0 1:1", "1:0 1:1", "1:0 1:1"));
  }

  @Test
  void whoReadAlongMustHaveSeenTheSame() {
    assertViolation("saw record 1", check("0:0 1:2", "0:0 1:2", "0:0 1:1"));
    assertViolation("where now the log ends", check("0:0", "0:0", "0:0 1:1"));
    assertViolation(
        "came only to offset 0, 1 was acknowledged", check("0:0 1:1", "0:0 1:1", "0:0"));
  }

  @Test
  void thousandsOfViolationsAreCountedAndTwentyShown() {
    List<Entry> acknowledged = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      acknowledged.add(new Entry(0, i, i));
    }
    Verdict verdict = HistoryCheck.check(Map.of(0, 5_000L), acknowledged, List.of(), List.of());
    assertEquals(5_001, verdict.violationCount());
    assertEquals(20, verdict.violations().size());
  }
}
