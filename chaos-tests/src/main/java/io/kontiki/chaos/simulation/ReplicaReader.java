package io.kontiki.chaos.simulation;

import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.MemoryFileStore;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;

/** Walks through a replica's segment files as they are at the moment, beside the log itself. */
final class ReplicaReader {
  private static final int CHUNK = 64 << 10;
  private static final String SUFFIX = ".log";

  private final MemoryFileStore disk;
  private final String directory;
  private String segment = "";
  private long position;
  private long offset = -1;

  /** Within one look nothing changes: where it has begun anew for a gap, it would find it again. */
  private boolean begunAnew;

  ReplicaReader(MemoryFileStore disk, PartitionId partition) {
    this.disk = disk;
    this.directory = "log/" + partition.directoryName();
  }

  /** Where the next batch begins; -1: not begun. */
  long offset() {
    return offset;
  }

  /** Begins anew at the first batch of the segment that holds an offset. */
  void seek(long from) {
    segment = "";
    position = 0;
    offset = -1;
    for (String name : segments()) {
      long base = base(name);
      if (segment.isEmpty() || base <= from) {
        segment = name;
        offset = base;
      }
    }
  }

  /**
   * Goes on up to an offset.
   *
   * @param batches gets every batch on the way, in order
   */
  void readTo(long target, Consumer<RecordBatch> batches) {
    if (offset < 0) {
      seek(0);
    }
    disk.look(
        () -> {
          boolean more = true;
          begunAnew = false;
          while (more && offset >= 0 && offset < target) {
            more = readChunk(target, batches) || nextSegment();
          }
        });
  }

  private boolean readChunk(long target, Consumer<RecordBatch> batches) {
    String path = directory + "/" + segment;
    if (!disk.exists(path)) {
      seek(offset); // it was cut or deleted
      return !segment.isEmpty() && disk.exists(directory + "/" + segment);
    }
    boolean any = false;
    try (FileStore.File file = disk.open(path)) {
      if (file.size() < position) {
        seek(offset); // the log began anew and has come as far already: another file has its name
        return true;
      }
      int size = (int) Math.min(CHUNK, file.size() - position);
      if (size < RecordBatch.HEADER_BYTES) {
        return false;
      }
      ByteBuffer bytes = ByteBuffer.allocate(size);
      file.read(bytes, position);
      bytes.flip();
      int at = 0;
      while (bytes.limit() - at >= RecordBatch.HEADER_BYTES && offset < target) {
        RecordBatch batch = new RecordBatch(bytes, at);
        if (at == 0 && position > 0 && batch.baseOffset() != offset) {
          if (begunAnew) {
            return false; // what is before it has rotted
          }
          begunAnew = true;
          seek(offset); // it was compacted: another file has its name
          return true;
        }
        int batchBytes = batch.sizeBytes();
        if (batchBytes < RecordBatch.HEADER_BYTES || batchBytes > bytes.limit() - at) {
          break;
        }
        batches.accept(batch);
        offset = batch.nextOffset();
        at += batchBytes;
        position += batchBytes;
        any = true;
      }
    }
    return any;
  }

  private boolean nextSegment() {
    for (String name : segments()) {
      if (base(name) == offset && offset > base(segment)) {
        segment = name;
        position = 0;
        return true;
      }
    }
    return false;
  }

  /** Where it stands, and what there is. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(offset).append(" (").append(segment).append('@').append(position).append(" of");
    for (String name : disk.list(directory)) {
      try (FileStore.File file = disk.open(directory + "/" + name)) {
        text.append(' ').append(name).append(' ').append(file.size());
      }
    }
    return text.append(')').toString();
  }

  private List<String> segments() {
    return disk.list(directory).stream().filter(name -> name.endsWith(SUFFIX)).toList();
  }

  private static long base(String name) {
    return Long.parseLong(name.substring(0, name.length() - SUFFIX.length()));
  }
}
