package io.kontiki.chaos.simulation;

import io.kontiki.model.PartitionId;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The records of a compacted partition as they were committed, and what may have become of them on
 * a replica (L6): a record is as it was, or is gone because a newer one has its key, or because it
 * is a tombstone. No offset is ever missing. Where a leader that is not looked at may have
 * compacted it, the newer one need not be known yet, but has to turn up.
 */
final class Compacted {
  private final PartitionId id;
  private final TreeMap<Long, Original> originals = new TreeMap<>();
  private final TreeMap<String, Long> newest = new TreeMap<>();

  /** By key, the last record that was gone before a newer one was known. */
  private final TreeMap<String, Gone> owed = new TreeMap<>();

  private long found;
  private long unseenTo = -1;
  private boolean ledUnseen;

  Compacted(PartitionId id) {
    this.id = id;
  }

  /** Some of what was committed before this offset was not looked at: it may have any key. */
  void unseenUpTo(long offset) {
    unseenTo = offset;
  }

  /** A replica that is not looked at leads: it may know of more that is committed than is seen. */
  void ledUnseen() {
    ledUnseen = true;
  }

  /** So often something was found that is not as it was appended. */
  long found() {
    return found;
  }

  /** A batch as it was appended. */
  private record Original(long next, int epoch, long producerId, List<Record> records) {}

  /** A record that somebody lacked, and who. */
  private record Gone(long offset, String what) {}

  private static String key(Record record) {
    return new String(java.util.Objects.requireNonNull(record.key()), StandardCharsets.UTF_8);
  }

  /** A batch is committed. */
  void commits(RecordBatch batch) {
    List<Record> records = Values.records(batch);
    originals.put(
        batch.baseOffset(),
        new Original(batch.nextOffset(), batch.leaderEpoch(), batch.producerId(), records));
    records.forEach(record -> newest.put(key(record), record.offset()));
  }

  /** A replica, or a reader, has this of what was committed. */
  void saw(RecordBatch batch, String where) {
    found++;
    if (batch.computeCrc() != batch.crc()) {
      throw new Violation(
          "L2", id + ": " + where + " has a damaged batch at " + batch.baseOffset());
    }
    if (batch.isPlaceholder()) {
      Long first = originals.floorKey(batch.baseOffset());
      originals
          .subMap(first == null ? batch.baseOffset() : first, batch.nextOffset())
          .forEach((base, original) -> standsFor(batch, original, where));
      return;
    }
    Original original = originals.get(batch.baseOffset());
    if (original == null
        || original.next() != batch.nextOffset()
        || original.epoch() != batch.leaderEpoch()
        || original.producerId() != batch.producerId()) {
      throw new Violation(
          "L6",
          id
              + ": "
              + where
              + " has a batch of "
              + batch.baseOffset()
              + " to "
              + batch.nextOffset()
              + " of epoch "
              + batch.leaderEpoch()
              + " and producer "
              + batch.producerId()
              + ", and appended was "
              + original);
    }
    List<Record> left = Values.records(batch);
    int next = 0;
    for (Record record : original.records()) {
      if (next < left.size() && left.get(next).offset() == record.offset()) {
        if (!left.get(next).equals(record)) {
          throw new Violation(
              "L6", id + ": " + where + " has " + left.get(next) + ", and appended was " + record);
        }
        next++;
      } else {
        mayBeGone(record, where);
      }
    }
    if (next < left.size()) {
      throw new Violation(
          "L6", id + ": " + where + " has " + left.get(next) + ", which nobody appended");
    }
  }

  private void standsFor(RecordBatch batch, Original original, String where) {
    if (original.next() <= batch.baseOffset()) {
      return; // what is between them was not looked at
    }
    if (original.epoch() != batch.leaderEpoch()) {
      throw new Violation(
          "L6",
          id
              + ": "
              + where
              + " has nothing from "
              + batch.baseOffset()
              + " to "
              + batch.nextOffset()
              + " in epoch "
              + batch.leaderEpoch()
              + ", and there was "
              + original);
    }
    for (Record record : original.records()) {
      if (record.offset() >= batch.baseOffset() && record.offset() < batch.nextOffset()) {
        mayBeGone(record, where);
      }
    }
  }

  private void mayBeGone(Record record, String where) {
    if (record.value() == null || !isNewest(key(record), record.offset())) {
      return;
    }
    String what = where + " lacks " + record + ", the newest of its key " + key(record);
    if (!ledUnseen) {
      throw new Violation("L6", id + ": " + what);
    }
    Gone before = owed.get(key(record));
    if (before == null || before.offset() < record.offset()) {
      owed.put(key(record), new Gone(record.offset(), what));
    }
  }

  /** Whether nothing newer of its key is known, and nothing was passed over that may be. */
  private boolean isNewest(String key, long offset) {
    return offset >= unseenTo && newest.getOrDefault(key, -1L) <= offset;
  }

  /**
   * What was gone, and no newer record of its key has turned up since, as it must have once all
   * that is committed was looked at; empty: nothing.
   */
  String owed() {
    owed.entrySet().removeIf(one -> !isNewest(one.getKey(), one.getValue().offset()));
    return owed.isEmpty() ? "" : id + ": " + owed.firstEntry().getValue().what();
  }

  /** What one replica says of each key, read from its beginning to the end of what is committed. */
  final class Fold {
    private final String where;
    private final TreeMap<String, Record> last = new TreeMap<>();

    Fold(String where) {
      this.where = where;
    }

    void add(RecordBatch batch) {
      Values.records(batch).forEach(record -> last.put(key(record), record));
    }

    /**
     * Compares it with what was committed: nobody may still have what was overwritten, or deleted.
     *
     * @param start of the replica's log
     */
    void check(long start) {
      List<String> wrong = new ArrayList<>();
      for (Map.Entry<String, Long> one : newest.entrySet()) {
        Record found = last.get(one.getKey());
        if (one.getValue() >= Math.max(start, unseenTo)
            && found != null
            && found.offset() != one.getValue()) {
          wrong.add(one.getKey() + ": " + found + " instead of the one at " + one.getValue());
        }
      }
      if (!wrong.isEmpty()) {
        throw new Violation("L6", id + ": " + where + " says of key " + wrong);
      }
    }
  }
}
