package io.kontiki.log;

import io.kontiki.log.segment.OpenFiles;
import io.kontiki.log.segment.Segment;
import io.kontiki.runtime.FileRange;
import io.kontiki.runtime.StorageException;
import org.jspecify.annotations.Nullable;

/**
 * Whole batches where they lie in a file. They were checked just now (rule L2), so they are in the
 * system's memory, from which they can be sent. Any thread.
 */
public final class StoredRange implements FileRange {
  private final OpenFiles files;
  private final String path;
  private final Segment.Lending lending;
  private final long position;
  private final int bytes;
  private final long nextOffset;

  StoredRange(
      OpenFiles files,
      String path,
      Segment.Lending lending,
      long position,
      int bytes,
      long nextOffset) {
    this.files = files;
    this.path = path;
    this.lending = lending;
    this.position = position;
    this.bytes = bytes;
    this.nextOffset = nextOffset;
  }

  @Override
  public int bytes() {
    return bytes;
  }

  /** Behind the last batch. */
  public long nextOffset() {
    return nextOffset;
  }

  @Override
  public boolean current() {
    return !lending.ended();
  }

  /**
   * The file, which stays as it is until it is given back: what is deleted has still its bytes, and
   * what is cut is not written over (rule L1).
   *
   * @return null: it is not the one any more; what is wanted must be read again
   */
  @Override
  public @Nullable Lent lend() {
    OpenFiles.Lent file;
    try {
      file = files.lend(path);
    } catch (StorageException e) {
      return null; // deleted
    }
    // Who cuts or replaces it ends the lending first and looks for borrowers then: one of the two
    // sees the other.
    if (lending.ended()) {
      file.close();
      return null;
    }
    return new Lent(file.file(), position, file::close);
  }
}
