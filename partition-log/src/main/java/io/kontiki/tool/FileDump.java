package io.kontiki.tool;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Prints what one file holds. */
final class FileDump {
  private static final int DECOMPRESSED_BYTES = 256 << 20;
  private static final int SHOWN_BYTES = 200;

  private final FileStore store;
  private final String name;
  private final Report report;
  private final boolean records;

  /**
   * @param records whether to print the records of a segment, too
   */
  FileDump(FileStore store, String name, Report report, boolean records) {
    this.store = store;
    this.name = name;
    this.report = report;
    this.records = records;
  }

  /** Prints; false if something in the file is not what it should be. */
  boolean run() {
    if (name.contains(SegmentFiles.LOG)) {
      return segment();
    }
    if (name.endsWith(SegmentFiles.TIME_INDEX)) {
      return timeIndex();
    }
    if (name.endsWith(SegmentFiles.INDEX)) {
      return offsetIndex();
    }
    if (name.equals(EpochHistory.FILE)) {
      return epochs();
    }
    if (name.equals(LogCheckpoint.FILE)) {
      return checkpoint();
    }
    throw new StorageException(
        StorageException.Kind.IO,
        name,
        -1,
        "dump knows segments (.log), .index, .timeindex, "
            + EpochHistory.FILE
            + " and "
            + LogCheckpoint.FILE);
  }

  private boolean segment() {
    try (FileStore.File file = store.open(name)) {
      BatchWalker walker = new BatchWalker(file, 0, file.size());
      boolean good = true;
      while (walker.next(0, 0, false)) {
        good &= walker.loadWhole() && batch(walker);
      }
      if (!walker.fault().isEmpty()) {
        damage("position", walker.position(), walker.fault());
        return false;
      }
      return good;
    }
  }

  private void damage(String where, long place, String what) {
    // In this order, in every JVM: people and scripts read it.
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("file", name);
    fields.put(where, place);
    fields.put("what", what);
    report.line("damage", fields);
  }

  private boolean batch(BatchWalker walker) {
    RecordBatch batch = walker.batch();
    boolean valid = batch.computeCrc() == batch.crc();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("position", walker.position());
    fields.put("size", batch.sizeBytes());
    fields.put("baseOffset", batch.baseOffset());
    fields.put("lastOffset", batch.lastOffset());
    fields.put("count", batch.recordCount());
    fields.put("leaderEpoch", batch.leaderEpoch());
    fields.put("codec", batch.codecId());
    fields.put("timestampType", batch.isAppendTime() ? "append" : "create");
    fields.put("baseTimestamp", batch.baseTimestamp());
    fields.put("maxTimestamp", batch.maxTimestamp());
    fields.put("producerId", batch.producerId());
    fields.put("producerEpoch", batch.producerEpoch());
    fields.put("baseSequence", batch.baseSequence());
    fields.put("control", batch.isControl());
    fields.put("crc", batch.crc());
    fields.put("valid", valid);
    report.line("batch", fields);
    if (records && valid) {
      return records(batch);
    }
    return valid;
  }

  private boolean records(RecordBatch batch) {
    try {
      for (Record record : RecordReader.readAll(batch, DECOMPRESSED_BYTES)) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("offset", record.offset());
        fields.put("timestamp", record.timestampMs());
        fields.put("key", text(record.key()));
        fields.put("value", text(record.value()));
        fields.put("headers", record.headers().size());
        report.line("record", fields);
      }
      return true;
    } catch (InvalidBatchException e) {
      damage("offset", batch.baseOffset(), e.toString());
      return false;
    }
  }

  private static String text(byte @org.jspecify.annotations.Nullable [] bytes) {
    if (bytes == null) {
      return "null";
    }
    String text = new String(bytes, 0, Math.min(bytes.length, SHOWN_BYTES), StandardCharsets.UTF_8);
    return bytes.length > SHOWN_BYTES ? text + "… (" + bytes.length + " bytes)" : text;
  }

  private ByteBuffer content() {
    try (FileStore.File file = store.open(name)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(file.size(), Integer.MAX_VALUE - 8));
      file.read(bytes, 0);
      return bytes.flip();
    }
  }

  private long base(String suffix) {
    return SegmentFiles.offsetOf(name, suffix)
        .orElseThrow(
            () ->
                new StorageException(
                    StorageException.Kind.IO, name, -1, "is not named by 20 digits and " + suffix));
  }

  private boolean offsetIndex() {
    long base = base(SegmentFiles.INDEX);
    ByteBuffer bytes = content();
    int entries = bytes.limit() / OffsetIndex.ENTRY_BYTES;
    for (int i = 0; i < entries; i++) {
      report.line("entry", entry("lastOffset", base + bytes.getInt(), "position", bytes.getInt()));
    }
    bytes.rewind();
    OffsetIndex read = OffsetIndex.decode(base, bytes, Long.MAX_VALUE, Long.MAX_VALUE);
    return whole(entries, read.count(), bytes.limit() % OffsetIndex.ENTRY_BYTES);
  }

  private boolean timeIndex() {
    long base = base(SegmentFiles.TIME_INDEX);
    ByteBuffer bytes = content();
    int entries = bytes.limit() / TimeIndex.ENTRY_BYTES;
    for (int i = 0; i < entries; i++) {
      report.line("entry", entry("timestamp", bytes.getLong(), "offset", base + bytes.getInt()));
    }
    bytes.rewind();
    TimeIndex read = TimeIndex.decode(base, bytes, Long.MAX_VALUE);
    return whole(entries, read.count(), bytes.limit() % TimeIndex.ENTRY_BYTES);
  }

  private boolean whole(int entries, int read, int rest) {
    if (entries == read && rest == 0) {
      return true;
    }
    report.line(
        "damage",
        entry("file", name, "what", "only " + read + " of " + entries + " entries make sense"));
    return false;
  }

  private boolean epochs() {
    EpochHistory.read(store, "")
        .ifPresent(
            history ->
                history
                    .entries()
                    .forEach(
                        one ->
                            report.line(
                                "epoch",
                                entry("epoch", one.epoch(), "startOffset", one.startOffset()))));
    return true;
  }

  private boolean checkpoint() {
    LogCheckpoint.read(store)
        .ifPresent(
            checkpoint -> {
              checkpoint
                  .positions()
                  .forEach(
                      position ->
                          report.line(
                              "journal",
                              entry(
                                  "generation",
                                  position.generation(),
                                  "sequence",
                                  position.sequence())));
              checkpoint
                  .logs()
                  .forEach(
                      (id, log) -> {
                        Map<String, Object> fields = new LinkedHashMap<>();
                        fields.put("partition", id);
                        fields.put("fsync", log.fsync());
                        fields.put("logStart", log.logStart());
                        fields.put("recoveryPoint", log.recoveryPoint());
                        fields.put("highWatermark", log.highWatermark());
                        fields.put("doubtful", log.doubtful());
                        fields.put("settled", log.settled());
                        fields.put("gone", log.gone());
                        log.epochs().ifPresent(epochs -> fields.put("epochs", epochs));
                        report.line("log", fields);
                      });
            });
    return true;
  }

  private static Map<String, Object> entry(String one, Object first, String two, Object second) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put(one, first);
    fields.put(two, second);
    return fields;
  }
}
