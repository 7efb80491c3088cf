package io.kontiki.log;

import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.log.segment.Segment;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a recovery read back and no checkpoint says to be durable (rules D10, D1). Blocks.
 *
 * <ul>
 *   <li>It may be in the page cache only, also where it agrees with the checkpoint: a start that
 *       was killed may have cut a torn tail there, and a power cut would bring it back, perhaps
 *       behind a segment that was closed since. So these files are synced. What ends below the
 *       recovery point was synced before that was.
 *   <li>The process before may have stopped because a sync failed. The system then takes its pages
 *       for clean, and another sync would do nothing and succeed: so the bytes behind the recovery
 *       point are written again, as they were read, before they are synced.
 * </ul>
 */
final class UnsyncedTail {
  private static final int PIECE_BYTES = 1 << 20;

  private final LogShared shared;
  private final LogReplay replay;

  UnsyncedTail(LogShared shared, LogReplay replay) {
    this.shared = shared;
    this.replay = replay;
  }

  /** Leaves the files dirty; the caller syncs them. */
  void makeDirty(List<Segment> segments) {
    long synced = replay.recoveryPoint();
    for (int i = segments.size() - 1; i >= 0; i--) {
      Segment segment = segments.get(i);
      shared.files.markDirty(segment.path());
      writeAgain(segment, syncedBytes(segment));
      if (segment.baseOffset() < synced) {
        break;
      }
    }
    shared.files.markDirectory(replay.directory());
  }

  private long syncedBytes(Segment segment) {
    LogCheckpoint.@Nullable Entry row = replay.row();
    boolean known =
        row != null
            && row.lastSegment() == segment.baseOffset()
            && row.recoveryPoint() <= replay.recoveryPoint();
    return known && row != null ? row.lastSegmentBytes() : 0;
  }

  private void writeAgain(Segment segment, long from) {
    long position = from;
    while (position < segment.sizeBytes()) {
      int size = (int) Math.min(PIECE_BYTES, segment.sizeBytes() - position);
      ByteBuffer bytes = ByteBuffer.allocate(size);
      long at = position;
      shared.files.use(segment.path(), file -> file.read(bytes, at));
      shared.files.write(segment.path(), List.of(bytes.flip()), at);
      position += size;
    }
  }
}
