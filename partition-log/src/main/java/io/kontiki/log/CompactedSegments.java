package io.kontiki.log;

import io.kontiki.log.clean.SegmentSwap;
import io.kontiki.log.segment.Segment;
import io.kontiki.runtime.StorageException;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The way of compacted segments into the place of those that they were made of (rule L6), one
 * replacement at a time. Belongs to the log's loop. The files change on the read worker, between
 * two reads; whatever on the loop must know them for certain does it first ({@link #settle}). Reads
 * that were under way are repeated ({@link LogState#swaps}).
 */
final class CompactedSegments {
  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;
  private @Nullable Replacement present;

  CompactedSegments(LogShared shared, LoopLogs home, SegmentedLog log, LogState state) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
  }

  /**
   * Segments that are being replaced.
   *
   * @param old one behind the other
   * @param made what takes their place
   * @param done they are replaced
   * @param noSpace nothing has changed, and there was no room for it
   */
  private record Replacement(
      SegmentSwap files,
      List<Segment> old,
      Segment made,
      Runnable done,
      Consumer<StorageException> noSpace) {}

  boolean isUnderWay() {
    return present != null;
  }

  /**
   * Puts a segment that lies ready in the place of others; any other failure than one for lack of
   * space takes the directory offline.
   *
   * @param before durable on return, before anything is gone
   */
  void replace(
      List<Segment> old,
      Segment made,
      Runnable before,
      Runnable done,
      Consumer<StorageException> noSpace) {
    SegmentSwap files =
        new SegmentSwap(
            shared.store,
            shared.files,
            state.meta.id().directoryName(),
            made.baseOffset(),
            endOf(old),
            before);
    Replacement begun = new Replacement(files, old, made, done, noSpace);
    present = begun;
    old.forEach(Segment::endLending);
    shared.reads.execute(
        () -> {
          if (shared.isOffline() || shared.isClosed()) {
            return;
          }
          try {
            begun.files.run();
            home.loop.execute(() -> shared.guard(() -> onReplaced(begun)));
          } catch (StorageException e) {
            home.loop.execute(() -> onFailed(begun, e));
          }
        });
  }

  private long endOf(List<Segment> segments) {
    return state.segments.higherKey(segments.get(segments.size() - 1).baseOffset());
  }

  /** What is being replaced is so at once: who cuts or deletes must know the files. Blocks. */
  void settle() {
    Replacement begun = present;
    if (begun != null) {
      try {
        begun.files.run();
      } catch (StorageException e) {
        shared.goOffline(e);
        throw e;
      }
      onReplaced(begun);
    }
  }

  private void onReplaced(Replacement begun) {
    if (present != begun) {
      return;
    }
    present = null;
    long end = endOf(begun.old);
    for (Segment segment : begun.old) {
      state.segments.remove(segment.baseOffset());
    }
    state.segments.put(begun.made.baseOffset(), begun.made);
    state.swaps++;
    log.damages().onReplaced(begun.made.baseOffset(), end);
    begun.done.run();
    if (!state.gone) {
      log.onSegmentsReplaced();
    }
  }

  private void onFailed(Replacement begun, StorageException cause) {
    if (present != begun) {
      return;
    }
    if (cause.kind() == StorageException.Kind.NO_SPACE && !begun.files.hasBegun()) {
      present = null;
      begun.noSpace.accept(cause);
    } else {
      shared.goOffline(cause);
    }
  }
}
