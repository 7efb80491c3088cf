package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.runtime.StorageException;

/**
 * How far a log has been compacted, from memory into its file (rule L6). Belongs to the log's loop;
 * the file is written on the read worker, in order with checkpoints.
 */
final class CompactionMark {
  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;

  CompactionMark(LogShared shared, LoopLogs home, SegmentedLog log, LogState state) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
  }

  /** It is another one: written when the read worker comes to it. */
  void note(CleanMark mark) {
    if (!mark.equals(state.mark)) {
      state.mark = mark;
      save();
    }
  }

  /** The log was cut. */
  void onTruncated() {
    note(state.mark.cutTo(state.logEnd));
  }

  /** Writes it if the file says something else. */
  void save() {
    if (state.mark.equals(state.savedMark)) {
      return;
    }
    CleanMark before = state.savedMark;
    state.savedMark = state.mark;
    shared.reads.execute(
        () -> {
          if (shared.isOffline() || shared.isClosed()) {
            return;
          }
          try {
            shared.writeMark(state);
          } catch (StorageException e) {
            if (e.kind() != StorageException.Kind.NO_SPACE) {
              shared.goOffline(e);
            }
            home.loop.execute(() -> state.savedMark = before);
          }
        });
    home.markDirty(log);
  }
}
