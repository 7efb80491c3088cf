package io.kontiki.cli.demo;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Compares what was acknowledged with what can be read. Records are numbered per partition from 0
 * in the order in which they were sent; each request is sent when the one before is acknowledged.
 *
 * <p>Pure. What must hold: every acknowledged record is read back, at the offset that the
 * acknowledgement named (P1), once, and in order (I1); a record that was not acknowledged may be
 * there or not, but not twice; whoever read along saw the same.
 */
public final class HistoryCheck {
  private static final int MAX_VIOLATIONS = 20;

  private final List<String> violations = new ArrayList<>();
  private long violationCount;
  private long unacknowledged;

  private HistoryCheck() {}

  /**
   * A record at its place.
   *
   * @param number what the record says
   */
  public record Entry(int partition, long offset, long number) {}

  /**
   * What came out.
   *
   * @param acknowledged how many records
   * @param readBack how many records
   * @param unacknowledged how many of those read back were never acknowledged
   * @param violations the first of them, for people; empty: all promises were kept
   * @param violationCount how many in all
   */
  public record Verdict(
      long acknowledged,
      long readBack,
      long unacknowledged,
      List<String> violations,
      long violationCount) {
    public boolean passed() {
      return violationCount == 0;
    }
  }

  /**
   * Checks a history.
   *
   * @param sent how many records were sent to each partition, acknowledged or not
   * @param acknowledged in any order
   * @param read everything that is readable at the end; each partition in the order read
   * @param live what a consumer that read along has seen, in its order
   */
  public static Verdict check(
      Map<Integer, Long> sent, List<Entry> acknowledged, List<Entry> read, List<Entry> live) {
    HistoryCheck check = new HistoryCheck();
    Map<Integer, List<Entry>> acknowledgedOf = byPartition(acknowledged);
    Map<Integer, List<Entry>> readOf = byPartition(read);
    Map<Integer, List<Entry>> liveOf = byPartition(live);
    for (Map.Entry<Integer, Long> partition : new TreeMap<>(sent).entrySet()) {
      int id = partition.getKey();
      List<Entry> readHere = readOf.getOrDefault(id, List.of());
      List<Entry> acknowledgedHere = acknowledgedOf.getOrDefault(id, List.of());
      check.order(readHere, partition.getValue());
      check.kept(acknowledgedHere, readHere);
      check.sameSeen(id, liveOf.getOrDefault(id, List.of()), readHere, acknowledgedHere);
      readOf.remove(id);
    }
    readOf.keySet().forEach(id -> check.violation("partition " + id + " was never written to"));
    return new Verdict(
        acknowledged.size(),
        read.size(),
        check.unacknowledged,
        List.copyOf(check.violations),
        check.violationCount);
  }

  private static Map<Integer, List<Entry>> byPartition(List<Entry> entries) {
    Map<Integer, List<Entry>> byPartition = new TreeMap<>();
    for (Entry entry : entries) {
      byPartition.computeIfAbsent(entry.partition(), ignored -> new ArrayList<>()).add(entry);
    }
    return byPartition;
  }

  /** Offsets and numbers both grow: nothing comes twice, nothing overtakes. */
  private void order(List<Entry> read, long sent) {
    Map<Long, Long> offsetOf = new HashMap<>();
    long lastOffset = -1;
    long lastNumber = -1;
    for (Entry entry : read) {
      Long before = offsetOf.put(entry.number(), entry.offset());
      if (before != null) {
        violation(at(entry) + " is a duplicate: the same record is at offset " + before);
      } else if (entry.number() >= sent || entry.number() < 0) {
        violation(at(entry) + " was never sent");
      } else if (entry.number() < lastNumber) {
        violation(at(entry) + " is out of order: record " + lastNumber + " comes before it");
      }
      if (entry.offset() <= lastOffset) {
        violation(at(entry) + " follows offset " + lastOffset);
      }
      lastOffset = Math.max(lastOffset, entry.offset());
      lastNumber = Math.max(lastNumber, entry.number());
    }
  }

  private void kept(List<Entry> acknowledged, List<Entry> read) {
    Map<Long, Long> offsetOf = new HashMap<>();
    read.forEach(entry -> offsetOf.putIfAbsent(entry.number(), entry.offset()));
    for (Entry entry : acknowledged) {
      Long offset = offsetOf.remove(entry.number());
      if (offset == null) {
        violation(at(entry) + " was acknowledged and is lost");
      } else if (offset != entry.offset()) {
        violation(at(entry) + " was acknowledged, but is at offset " + offset);
      }
    }
    unacknowledged += offsetOf.size();
  }

  /** What was shown once stays, and whoever reads along misses nothing. */
  private void sameSeen(
      int partition, List<Entry> live, List<Entry> read, List<Entry> acknowledged) {
    for (int i = 0; i < live.size(); i++) {
      if (i >= read.size() || !live.get(i).equals(read.get(i))) {
        violation(
            "partition "
                + partition
                + ": who read along saw "
                + at(live.get(i))
                + " where now "
                + (i < read.size() ? at(read.get(i)) + " is" : "the log ends"));
        return;
      }
    }
    long lastSeen = live.isEmpty() ? -1 : live.get(live.size() - 1).offset();
    long lastAcknowledged = acknowledged.stream().mapToLong(Entry::offset).max().orElse(-1);
    if (lastSeen < lastAcknowledged) {
      violation(
          "partition "
              + partition
              + ": who read along came only to offset "
              + lastSeen
              + ", "
              + lastAcknowledged
              + " was acknowledged");
    }
  }

  private static String at(Entry entry) {
    return "record "
        + entry.number()
        + " (partition "
        + entry.partition()
        + ", offset "
        + entry.offset()
        + ")";
  }

  private void violation(String text) {
    violationCount++;
    if (violations.size() < MAX_VIOLATIONS) {
      violations.add(text);
    }
  }

  /** An immutable copy, for handing lists that other threads fill to the check. */
  static List<Entry> copyOf(List<Entry> entries) {
    synchronized (entries) {
      return Collections.unmodifiableList(new ArrayList<>(entries));
    }
  }
}
