package io.kontiki.log.segment;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/**
 * Bytes in the order in which they came, the oldest given up first, in pieces of memory that are
 * used again and again: what is kept for long must not be what a request came in, because a heap
 * that holds on to each request for a while copies it twice and then collects it as a whole.
 */
final class CopyRing {
  private static final int LEAST_PIECE = 4 << 10;
  private static final int MOST_PIECE = 256 << 10;
  private static final int PIECES = 16;

  private final int pieceBytes;
  private final ArrayDeque<byte[]> spare = new ArrayDeque<>();
  private byte[][] pieces = new byte[PIECES][];

  /** Places are counted from the first byte that ever came; a piece's number is that of its own. */
  private long first;

  private long end;

  /**
   * @param usualBytes about so many are kept; pieces are a fraction of it
   */
  CopyRing(long usualBytes) {
    int piece = LEAST_PIECE;
    while (piece < MOST_PIECE && (long) piece * PIECES < usualBytes) {
      piece *= 2;
    }
    this.pieceBytes = piece;
  }

  /** Copies the remaining bytes; answers their place. */
  long add(ByteBuffer bytes) {
    long place = end;
    int from = bytes.position();
    int left = bytes.remaining();
    while (left > 0) {
      byte[] piece = pieceForEnd();
      int at = (int) (end % pieceBytes);
      int count = Math.min(left, pieceBytes - at);
      bytes.get(from, piece, at, count);
      from += count;
      left -= count;
      end += count;
    }
    return place;
  }

  private byte[] pieceForEnd() {
    long number = end / pieceBytes;
    if (number - first / pieceBytes >= pieces.length) {
      grow();
    }
    int slot = (int) (number % pieces.length);
    if (pieces[slot] == null) {
      byte[] again = spare.poll();
      pieces[slot] = again == null ? new byte[pieceBytes] : again;
    }
    return pieces[slot];
  }

  private void grow() {
    byte[][] more = new byte[pieces.length * 2][];
    long last = (end - 1) / pieceBytes;
    for (long number = first / pieceBytes; number <= last; number++) {
      more[(int) (number % more.length)] = pieces[(int) (number % pieces.length)];
    }
    pieces = more;
  }

  /** Copies bytes out. */
  void copy(long place, byte[] into, int at, int length) {
    long from = place;
    int to = at;
    int left = length;
    while (left > 0) {
      byte[] piece = pieces[(int) (from / pieceBytes % pieces.length)];
      int inPiece = (int) (from % pieceBytes);
      int count = Math.min(left, pieceBytes - inPiece);
      System.arraycopy(piece, inPiece, into, to, count);
      from += count;
      to += count;
      left -= count;
    }
  }

  /**
   * Gives up what lies below a place.
   *
   * @param keepBytes memory beyond this is not kept for what comes
   */
  void release(long below, long keepBytes) {
    for (long number = first / pieceBytes; number < below / pieceBytes; number++) {
      int slot = (int) (number % pieces.length);
      byte[] free = pieces[slot];
      pieces[slot] = null;
      if ((used() / pieceBytes + spare.size()) * pieceBytes < keepBytes) {
        spare.add(free);
      }
      first = (number + 1) * pieceBytes;
    }
    first = below;
  }

  /** Where the next bytes go. */
  long end() {
    return end;
  }

  /** Memory taken, what is kept for what comes included. */
  long heldBytes() {
    long held = spare.size();
    for (byte[] piece : pieces) {
      held += piece == null ? 0 : 1;
    }
    return held * pieceBytes;
  }

  /** Bytes from the oldest to the newest. */
  long used() {
    return end - first;
  }
}
