package io.kontiki.chaos.simulation;

import io.kontiki.model.Acks;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What is committed of one partition: everything that any replica has had below its high watermark,
 * that any client was told to be acknowledged, or that any consumer has read. Nothing here may ever
 * be gone or have been something else.
 */
public final class Committed {
  private final PartitionId id;
  private final TreeMap<Long, Entry> entries = new TreeMap<>();
  private final Map<Long, Long> baseOf = new HashMap<>();
  private final Map<Long, Integer> nextSequence = new HashMap<>();
  private final Map<Integer, Integer> leaders = new HashMap<>();
  private final Set<Long> refused = new HashSet<>();
  private final TreeMap<Long, Long> expected = new TreeMap<>();
  private boolean lenient;
  private String excuse = "";
  private long end;
  private long acked;
  private long start;
  private long deleted;

  Committed(PartitionId id) {
    this.id = id;
  }

  /** A batch as it was first seen. */
  record Entry(long base, long next, int epoch, long crc, long value, String seen) {}

  /** Whether what is acknowledged must still be there: nothing excuses a loss so far. */
  public boolean promised() {
    return excuse.isEmpty();
  }

  /** Why what was acknowledged may be gone; empty: it may not. */
  public String excuse() {
    return excuse;
  }

  /** From here on a loss is no violation (P2, P3, R19). */
  void excuse(String why) {
    if (excuse.isEmpty()) {
      excuse = why;
    }
  }

  /** From now on clients may hear of something before it is seen: some replica is not looked at. */
  void lenient() {
    lenient = true;
  }

  /** What was acknowledged and has not been seen yet. */
  String unseen() {
    expected.headMap(start).clear(); // deleted before anybody looked
    return expected.isEmpty() || !promised() ? "" : id + ": acknowledged, not seen: " + expected;
  }

  /** The partition. */
  public PartitionId id() {
    return id;
  }

  /** Exclusive end of what is committed. */
  public long end() {
    return end;
  }

  /** The farthest beginning of a replica's log that was seen: what lies before may be gone. */
  public long start() {
    return start;
  }

  /** A replica's log begins here, which lies not behind the end of what is committed. */
  void starts(long offset) {
    start = Math.max(start, offset);
  }

  /** Who asked was told that everything before is gone. */
  void deleted(long before) {
    deleted = Math.max(deleted, before);
  }

  /** No leader's log may begin before this offset (D5). */
  long deleted() {
    return deleted;
  }

  /** Acknowledged batches. */
  public long acked() {
    return acked;
  }

  /** A batch is sent, perhaps again after a refusal. */
  void sends(long value) {
    refused.remove(value);
  }

  /** Refused for certain: it must not be seen, unless it is sent again (P4). */
  void refused(long value) {
    Long base = baseOf.get(value);
    if (base != null && promised()) {
      throw new Violation("P4", id + ": " + value + " is at " + base + " and was refused");
    }
    refused.add(value);
  }

  /** A batch is below somebody's high watermark. */
  void saw(RecordBatch batch, String where) {
    if (!promised()) {
      return;
    }
    long base = batch.baseOffset();
    long value = Values.of(batch);
    if (base < end) {
      Entry known = entries.get(base);
      if (known == null
          || known.value() != value
          || known.next() != batch.nextOffset()
          || known.epoch() != batch.leaderEpoch()
          || known.crc() != batch.crc()) {
        throw new Violation(
            "P5",
            id
                + " at offset "
                + base
                + ": "
                + where
                + " has "
                + value
                + " of epoch "
                + batch.leaderEpoch()
                + ", but committed is "
                + known);
      }
      return;
    }
    if (base > end) {
      throw new Violation(
          "P5",
          id
              + ": "
              + where
              + " has committed "
              + value
              + " at "
              + base
              + ", behind a gap from "
              + end);
    }
    if (batch.computeCrc() != batch.crc()) {
      throw new Violation("L2", id + ": " + where + " has a damaged batch at " + base);
    }
    if (refused.contains(value)) {
      throw new Violation("P4", id + ": " + value + " was refused and is at " + base);
    }
    Long before = baseOf.put(value, base);
    if (before != null && before >= start) {
      throw new Violation("P8", id + ": " + value + " is at " + before + " and at " + base);
    }
    if (batch.producerId() >= 0) {
      int expected = nextSequence.getOrDefault(batch.producerId(), 0);
      // What was deleted is forgotten, with the producers that had nothing behind it (I3).
      if (batch.baseSequence() != expected && before == null) {
        throw new Violation(
            "I1",
            id
                + " at "
                + base
                + ": producer "
                + batch.producerId()
                + " goes on with sequence "
                + batch.baseSequence()
                + " instead of "
                + expected);
      }
      nextSequence.put(batch.producerId(), batch.lastSequence() + 1);
    }
    Long awaited = expected.remove(base);
    if (awaited != null && awaited != value) {
      throw new Violation(
          "P1", id + ": " + awaited + " was acknowledged at " + base + ", where there is " + value);
    }
    entries.put(
        base, new Entry(base, batch.nextOffset(), batch.leaderEpoch(), batch.crc(), value, where));
    end = batch.nextOffset();
  }

  void acked(long value, long base, Acks acks) {
    acked++;
    if (acks != Acks.ALL || !promised()) {
      return;
    }
    Entry known = entries.get(base);
    if (known == null && lenient && base >= end) {
      expected.put(base, value);
      return;
    }
    if (known == null || known.value() != value) {
      throw new Violation(
          "P1", id + ": " + value + " was acknowledged at " + base + ", where there is " + known);
    }
  }

  /** A consumer has got it. */
  void read(RecordBatch batch, String consumer) {
    if (lenient && batch.baseOffset() > end) {
      return;
    }
    if (batch.baseOffset() >= end && promised() && !lenient) {
      throw new Violation(
          "R22",
          id
              + ": "
              + consumer
              + " has read "
              + Values.of(batch)
              + " at "
              + batch.baseOffset()
              + ", and committed is only what is below "
              + end);
    }
    saw(batch, consumer);
  }

  /** A broker leads in an epoch. */
  void leads(int broker, int epoch) {
    Integer before = leaders.putIfAbsent(epoch, broker);
    if (before != null && before != broker && promised()) {
      throw new Violation(
          "R25", id + ": brokers " + before + " and " + broker + " lead in epoch " + epoch);
    }
  }
}
