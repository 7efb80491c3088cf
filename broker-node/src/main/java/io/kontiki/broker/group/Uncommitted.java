package io.kontiki.broker.group;

import java.util.ArrayDeque;

/**
 * What was delivered of one partition and not yet committed, in bytes of keys, values and headers.
 * Records are kept apart as finely as {@code grain} says, so that a commit in their midst makes
 * room, and small records do not take more memory here than they have bytes.
 */
final class Uncommitted {
  private final long grainBytes;
  private final ArrayDeque<Piece> pieces = new ArrayDeque<>();
  private long bytes;

  private static final class Piece {
    long endOffset;
    long bytes;
  }

  /**
   * @param grainBytes records are counted together up to so many bytes; 0: each by itself
   */
  Uncommitted(long grainBytes) {
    this.grainBytes = grainBytes;
  }

  long bytes() {
    return bytes;
  }

  /** A record was delivered; offsets grow. */
  void add(long nextOffset, long recordBytes) {
    Piece last = pieces.peekLast();
    if (last == null || last.bytes + recordBytes > grainBytes) {
      last = new Piece();
      pieces.add(last);
    }
    last.endOffset = nextOffset;
    last.bytes += recordBytes;
    bytes += recordBytes;
  }

  /** Everything below the offset is committed; answers how many bytes that frees. */
  long commit(long offset) {
    long before = bytes;
    while (!pieces.isEmpty() && pieces.element().endOffset <= offset) {
      bytes -= pieces.remove().bytes;
    }
    return before - bytes;
  }

  /** Forgets what lies behind an offset; answers how many bytes that frees. */
  long cutAt(long offset) {
    long before = bytes;
    while (!pieces.isEmpty() && pieces.getLast().endOffset > offset) {
      bytes -= pieces.removeLast().bytes;
    }
    return before - bytes;
  }
}
