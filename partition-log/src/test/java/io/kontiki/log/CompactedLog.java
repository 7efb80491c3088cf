package io.kontiki.log;

import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What compaction may make of a log (rule L6). */
final class CompactedLog {
  private CompactedLog() {}

  /**
   * Whether what was found is what was written, up to an end, without some of what is superseded:
   * every offset is covered, in the epoch in which it was written; no record is invented; the
   * newest of each key is there, or, if it is a tombstone, nothing of its key.
   */
  static boolean fits(List<ByteBuffer> written, long start, long end, List<ByteBuffer> found) {
    TreeMap<Long, Record> records = new TreeMap<>();
    TreeMap<Long, Integer> epochs = new TreeMap<>();
    Map<String, Record> newest = new TreeMap<>();
    for (ByteBuffer bytes : written) {
      RecordBatch batch = RecordBatch.at(bytes);
      epochs.put(batch.baseOffset(), batch.leaderEpoch());
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
      for (Integer epoch : epochs.subMap(batch.baseOffset(), batch.nextOffset()).values()) {
        if (epoch != batch.leaderEpoch()) {
          return false;
        }
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

  private static String key(Record record) {
    byte[] key = record.key();
    return key == null ? "" : new String(key, StandardCharsets.UTF_8);
  }
}
