package io.kontiki.log.journal;

import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A journal file, read a piece at a time: a start does not take whole files onto the heap. What it
 * holds grows to the largest record of the file, no further.
 */
final class JournalWindow {
  /** Bytes that are held, unless a record is larger. */
  static final int BYTES = 1 << 20;

  private final FileStore.File file;
  private final long size;
  private ByteBuffer bytes;
  private long start;

  /**
   * @param file stays the caller's
   */
  JournalWindow(FileStore.File file) {
    this.file = file;
    this.size = file.size();
    this.bytes = ByteBuffer.allocate((int) Math.min(BYTES, size)).limit(0);
  }

  /** Whether a header fits in at a position. */
  boolean hasHeader(long at) {
    return load(at, JournalEntry.HEADER_BYTES);
  }

  /** What stands where a record at this position, whose header fits in, has its generation. */
  long generation(long at) {
    return bytes.getLong((int) (at - start) + Long.BYTES);
  }

  /**
   * Reads the record at a position; its payload is valid until the next call.
   *
   * @return null if there is no whole valid record of this generation
   */
  JournalEntry.@Nullable Stored read(long at, long generation) {
    // A length counts only where the generation fits: others are not worth a larger window.
    if (!hasHeader(at) || generation(at) != generation) {
      return null;
    }
    int length = bytes.getInt((int) (at - start));
    if (length < JournalEntry.HEADER_BYTES || !load(at, length)) {
      return null;
    }
    return JournalEntry.read(bytes.duplicate().position((int) (at - start)), generation);
  }

  private boolean load(long at, int length) {
    if (at + length > size) {
      return false;
    }
    if (at < start || at + length > start + bytes.limit()) {
      if (length > bytes.capacity()) {
        bytes = ByteBuffer.allocate(length);
      }
      bytes.clear();
      file.read(bytes, at);
      bytes.flip();
      start = at;
    }
    return at + length <= start + bytes.limit();
  }
}
