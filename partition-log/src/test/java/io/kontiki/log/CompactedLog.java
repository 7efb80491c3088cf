package io.kontiki.log;

import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What compaction may make of a log (rule L6). */
final class CompactedLog {
  private CompactedLog() {}

  /**
   * Whether what was found is what was written, up to an end, without some of what is superseded:
   * every offset is covered, in the epoch in which it was written; no record is invented, and none
   * is in another batch than before; the newest of each key is there, or, if it is a tombstone,
   * nothing of its key.
   */
  static boolean fits(List<ByteBuffer> written, long start, long end, List<ByteBuffer> found) {
    TreeMap<Long, Record> records = new TreeMap<>();
    TreeMap<Long, RecordBatch> batches = new TreeMap<>();
    Map<String, Record> newest = new TreeMap<>();
    for (ByteBuffer bytes : written) {
      RecordBatch batch = RecordBatch.at(bytes);
      batches.put(batch.baseOffset(), batch);
      for (Record record : RecordReader.readAll(batch, 1 << 20)) {
        records.put(record.offset(), record);
        if (record.offset() < end) {
          newest.put(key(record), record);
        }
      }
    }
    TreeMap<String, Record> left = new TreeMap<>();
    long due = start;
    for (ByteBuffer bytes : found) {
      RecordBatch batch = RecordBatch.at(bytes);
      boolean first = due == start;
      if ((first ? batch.baseOffset() > due : batch.baseOffset() != due)
          || batch.crc() != batch.computeCrc()
          || batch.nextOffset() > end) {
        return false;
      }
      for (RecordBatch each : batches.subMap(batch.baseOffset(), batch.nextOffset()).values()) {
        if (each.leaderEpoch() != batch.leaderEpoch()) {
          return false;
        }
      }
      if (!batch.isPlaceholder() && !isSame(batches.get(batch.baseOffset()), batch)) {
        return false;
      }
      for (Record record : RecordReader.readAll(batch, 1 << 20)) {
        Record same = records.get(record.offset());
        if (same == null
            || !key(same).equals(key(record))
            || !java.util.Arrays.equals(same.value(), record.value())
            || same.timestampMs() != record.timestampMs()) {
          return false;
        }
        left.put(key(record), record);
      }
      due = batch.nextOffset();
    }
    if (due != end && !found.isEmpty()) {
      return false;
    }
    for (Map.Entry<String, Record> each : newest.entrySet()) {
      Record kept = left.get(each.getKey());
      Record wanted = each.getValue();
      if (wanted.offset() >= start
          && (kept == null ? wanted.value() != null : kept.offset() != wanted.offset())) {
        return false;
      }
    }
    return true;
  }

  /** A batch of which anything stays keeps its offsets, codec and producer (rule L6). */
  private static boolean isSame(@Nullable RecordBatch written, RecordBatch found) {
    return written != null
        && written.nextOffset() == found.nextOffset()
        && (found.recordCount() == 0 || written.codecId() == found.codecId())
        && written.producerId() == found.producerId()
        && written.producerEpoch() == found.producerEpoch()
        && written.baseSequence() == found.baseSequence();
  }

  private static String key(Record record) {
    byte[] key = record.key();
    return key == null ? "" : new String(key, StandardCharsets.UTF_8);
  }
}
