package io.kontiki.log;

import java.util.ArrayDeque;

/**
 * From which offset on the bytes of a log are taken to be in the page cache (rule L2): they were
 * among the last that the logs of its loop appended. Belongs to its log.
 */
final class HotRegion {
  private static final long MARK_BYTES = 1 << 20;

  private final LoopLogs home;
  private final ArrayDeque<Mark> marks = new ArrayDeque<>(0);

  HotRegion(LoopLogs home) {
    this.home = home;
  }

  /** From this offset on, what was appended is as old as the count says. */
  private record Mark(long offset, long count) {}

  /** Bytes were appended from an offset on; the loop's count says how old they are. */
  void onAppended(long offset, long count) {
    if (marks.isEmpty() || count - marks.getLast().count >= MARK_BYTES) {
      marks.add(new Mark(offset, count));
    }
  }

  void truncate(long offset) {
    while (!marks.isEmpty() && marks.getLast().offset >= offset) {
      marks.removeLast();
    }
  }

  boolean has(long offset) {
    while (!marks.isEmpty() && !home.isHot(marks.getFirst().count)) {
      marks.removeFirst();
    }
    return !marks.isEmpty() && offset >= marks.getFirst().offset;
  }
}
