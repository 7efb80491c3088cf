package io.kontiki.log.segment;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;

/**
 * How old the newest record of a segment is (rule L6). A timestamp far in the future counts as the
 * time of the last write; any other counts as it is, because that write may be of a time when the
 * clock was wrong (P17).
 *
 * @param newestMs the greatest timestamp, in milliseconds since 1970; -1: there is none
 * @param writtenMs when the segment was written to last, by the clock of then
 */
public record SegmentAge(long newestMs, long writtenMs) {
  /** Of no record. */
  public static final SegmentAge NONE = new SegmentAge(-1, -1);

  /** A clock that is wrong by more pauses retention. */
  private static final long FAR_MS = 600_000;

  /** Time of the newest record, in milliseconds since 1970. */
  public long timeMs(long nowMs) {
    if (newestMs < 0) {
      return writtenMs;
    }
    return newestMs > nowMs + FAR_MS ? Math.min(newestMs, writtenMs) : newestMs;
  }

  /**
   * Finds it out from the files of a closed segment, as it was when the question was asked; on any
   * thread that may block.
   *
   * <p>The greatest timestamp that the time index knows, and the headers of the batches from there
   * on: an index is derived data and may be shorter than its segment (rule D3).
   */
  public record Task(
      String logPath, String indexPath, String timeIndexPath, long baseOffset, long sizeBytes) {
    /**
     * Reads them.
     *
     * @throws StorageException if the files are gone or cannot be read
     */
    public SegmentAge read(FileStore store, OpenFiles files) {
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
      return new SegmentAge(newest, store.modifiedMs(logPath));
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
