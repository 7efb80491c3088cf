package io.kontiki.kafka.wire;

import io.kontiki.broker.rpc.Budget;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The request that is being received: a length of four bytes, then so many. What lies in it is
 * never copied again, so its memory is its own; it is taken from the budget as bytes come, lest
 * four bytes claim megabytes.
 */
final class FrameBuffer {
  private static final int FIRST_BYTES = 4 << 10;

  /** So that a large frame is copied a third of its size at most while it grows. */
  private static final int GROWTH = 4;

  /** An API key, a version, a correlation id. */
  private static final int LEAST_BYTES = 8;

  private final int mostBytes;
  private final Budget budget;
  private int lengthBytes;
  private int length;
  private byte @Nullable [] bytes;
  private int filled;

  FrameBuffer(int mostBytes, Budget budget) {
    this.mostBytes = mostBytes;
    this.budget = budget;
  }

  /** What became of some bytes. */
  enum Progress {
    /** There are too few. */
    MORE,
    /** A whole frame can be taken. */
    WHOLE,
    /** The broker has no memory at the moment; the same bytes again, later. */
    NO_MEMORY,
    /** The length cannot be: {@link #length}. */
    BAD_LENGTH
  }

  /** Takes bytes of one frame, at most. */
  Progress fill(ByteBuf from) {
    while (lengthBytes < Integer.BYTES) {
      if (!from.isReadable()) {
        return Progress.MORE;
      }
      length = length << 8 | from.readByte() & 0xff;
      lengthBytes++;
    }
    if (length < LEAST_BYTES || length > mostBytes) {
      return Progress.BAD_LENGTH;
    }
    while (filled < length) {
      if (!from.isReadable()) {
        return Progress.MORE;
      }
      if (!makeRoom(from.readableBytes())) {
        return Progress.NO_MEMORY;
      }
      byte[] into = room();
      int count = Math.min(into.length - filled, from.readableBytes());
      from.readBytes(into, filled, count);
      filled += count;
    }
    return Progress.WHOLE;
  }

  private boolean makeRoom(int coming) {
    byte[] now = bytes;
    if (now == null) {
      int first = Math.min(Math.max(FIRST_BYTES, coming), length);
      if (!budget.tryTake(first)) {
        return false;
      }
      bytes = new byte[first];
    } else if (filled == now.length) {
      long grown = Math.max((long) GROWTH * now.length, (long) now.length + coming);
      int size = (int) Math.min(length, grown);
      if (!budget.tryTake(size - now.length)) {
        return false;
      }
      bytes = Arrays.copyOf(now, size);
    }
    return true;
  }

  private byte[] room() {
    byte[] now = bytes;
    if (now == null) {
      throw new IllegalStateException("no memory was taken");
    }
    return now;
  }

  /** The whole frame without its length; its bytes of the budget are the caller's from here on. */
  ByteBuffer take() {
    ByteBuffer frame = ByteBuffer.wrap(room(), 0, length);
    bytes = null;
    filled = 0;
    length = 0;
    lengthBytes = 0;
    return frame;
  }

  /** As the client said it. */
  int length() {
    return length;
  }

  /** Whether a frame has begun and is not whole. */
  boolean begun() {
    return lengthBytes > 0;
  }

  /** Gives everything back. */
  void close() {
    byte[] now = bytes;
    if (now != null) {
      budget.giveBack(now.length);
      bytes = null;
    }
  }
}
