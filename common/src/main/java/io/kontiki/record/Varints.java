package io.kontiki.record;

import java.nio.ByteBuffer;

/** Zigzag-encoded integers of variable length, as Kafka and Protocol Buffers (sint) have them. */
public final class Varints {
  /** Bytes of the longest int. */
  public static final int MAX_INT_BYTES = 5;

  /** Bytes of the longest long. */
  public static final int MAX_LONG_BYTES = 10;

  private Varints() {}

  /** Bytes that the value takes, 1 to 5. */
  public static int sizeOf(int value) {
    return sizeOf((long) value);
  }

  /** Bytes that the value takes, 1 to 10. */
  public static int sizeOf(long value) {
    long zigzag = (value << 1) ^ (value >> 63);
    // 7 bits a byte; zero takes one byte too.
    return (70 - Long.numberOfLeadingZeros(zigzag | 1)) / 7;
  }

  /**
   * Writes at an index; an int is written as the same long.
   *
   * @return the index behind it
   */
  public static int put(byte[] into, int index, long value) {
    long zigzag = (value << 1) ^ (value >> 63);
    int at = index;
    while ((zigzag & ~0x7fL) != 0) {
      into[at++] = (byte) (zigzag | 0x80);
      zigzag >>>= 7;
    }
    into[at++] = (byte) zigzag;
    return at;
  }

  /**
   * Reads an int at the buffer's position and moves it behind it.
   *
   * @throws InvalidBatchException if it does not end within 5 bytes and the buffer's limit, or has
   *     more than 32 bits
   */
  public static int getInt(ByteBuffer from) {
    int start = from.position();
    int result = 0;
    for (int shift = 0; shift < 7 * MAX_INT_BYTES; shift += 7) {
      byte next = next(from, start);
      if (shift == 28 && (next & 0xf0) != 0) {
        break;
      }
      result |= (next & 0x7f) << shift;
      if (next >= 0) {
        return (result >>> 1) ^ -(result & 1);
      }
    }
    throw new InvalidBatchException(start, "a variable-length int has more than 32 bits");
  }

  /**
   * Reads a long at the buffer's position and moves it behind it.
   *
   * @throws InvalidBatchException if it does not end within 10 bytes and the buffer's limit, or has
   *     more than 64 bits
   */
  public static long getLong(ByteBuffer from) {
    int start = from.position();
    long result = 0;
    for (int shift = 0; shift < 7 * MAX_LONG_BYTES; shift += 7) {
      byte next = next(from, start);
      if (shift == 63 && (next & 0xfe) != 0) {
        break;
      }
      result |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return (result >>> 1) ^ -(result & 1);
      }
    }
    throw new InvalidBatchException(start, "a variable-length long has more than 64 bits");
  }

  private static byte next(ByteBuffer from, int start) {
    if (!from.hasRemaining()) {
      throw new InvalidBatchException(start, "a variable-length number is cut off");
    }
    return from.get();
  }
}
