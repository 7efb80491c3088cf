package io.kontiki.log.segment;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;

/**
 * Finds out how old the newest record of a closed segment is, from its files (rule L6). Runs on any
 * thread that may block, from values that the loop gave it.
 *
 * <p>The greatest timestamp that the time index knows, and the headers of the batches from there
 * on: an index is derived data and may be shorter than its segment (rule D3). A timestamp in the
 * future of the last write counts as the time of that write (P17).
 */
public final class SegmentAge {
  private SegmentAge() {}

  /** A segment as it was when the question was asked. */
  public record Task(
      String logPath, String indexPath, String timeIndexPath, long baseOffset, long sizeBytes) {
    /**
     * Milliseconds since 1970.
     *
     * @throws StorageException if the files are gone or cannot be read
     */
    public long read(FileStore store, OpenFiles files) {
      long newest = -1;
      int from = 0;
      if (store.exists(timeIndexPath) && store.exists(indexPath)) {
        TimeIndex times = files.useOnce(timeIndexPath, file -> TimeIndex.read(file, baseOffset));
        newest = times.lastTimestampMs();
        long offset = times.lastOffset();
        from =
            offset < 0
                ? 0
                : files.useOnce(
                    indexPath, file -> OffsetIndex.before(file, baseOffset, offset).position());
      }
      int start = from;
      newest = Math.max(newest, files.useOnce(logPath, file -> newestOfHeaders(file, start)));
      long modifiedMs = store.modifiedMs(logPath);
      return newest < 0 ? modifiedMs : Math.min(newest, modifiedMs);
    }

    private long newestOfHeaders(FileStore.File file, int from) {
      BatchWalker walker = new BatchWalker(file, from < sizeBytes ? from : 0, sizeBytes);
      long newest = -1;
      while (walker.next(baseOffset, 0, false)) {
        newest = Math.max(newest, walker.batch().maxTimestamp());
      }
      if (!walker.fault().isEmpty()) {
        throw new StorageException(
            StorageException.Kind.CORRUPT, logPath, walker.position(), walker.fault());
      }
      return newest;
    }
  }

  /** What to ask the files of a segment. */
  public static Task of(Segment segment) {
    return new Task(
        segment.path(),
        segment.path(SegmentFiles.INDEX),
        segment.path(SegmentFiles.TIME_INDEX),
        segment.baseOffset(),
        segment.sizeBytes());
  }
}
