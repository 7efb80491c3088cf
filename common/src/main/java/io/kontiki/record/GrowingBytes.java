package io.kontiki.record;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** An array that doubles up to a limit as bytes come. */
final class GrowingBytes {
  private final int limitBytes;
  private byte[] array;
  private int size;

  GrowingBytes(int initialBytes, int limitBytes) {
    this.limitBytes = limitBytes;
    this.array = new byte[Math.max(1, Math.min(initialBytes, limitBytes))];
  }

  /** The array, as long as nothing grows. */
  byte[] array() {
    return array;
  }

  int size() {
    return size;
  }

  /** Room behind the present end without growing. */
  int room() {
    return array.length - size;
  }

  /**
   * Makes room.
   *
   * @throws InvalidBatchException if the limit is in the way
   */
  void ensureRoom(int bytes) {
    if (bytes > room()) {
      if (bytes > limitBytes - size) {
        throw Compression.tooLarge(limitBytes);
      }
      long doubled = Math.min(limitBytes, 2L * array.length);
      array = Arrays.copyOf(array, (int) Math.max(doubled, size + (long) bytes));
    }
  }

  /** How much more may ever come. */
  int roomToLimit() {
    return limitBytes - size;
  }

  /** What was written directly into the array behind the end counts from now on. */
  void advance(int bytes) {
    size += bytes;
  }

  void put(byte[] bytes, int offset, int length) {
    ensureRoom(length);
    System.arraycopy(bytes, offset, array, size, length);
    size += length;
  }

  void putInt(int value) {
    ensureRoom(4);
    ByteBuffer.wrap(array).putInt(size, value);
    size += 4;
  }

  void putIntLittleEndian(int value) {
    putInt(Integer.reverseBytes(value));
  }

  byte[] toArray() {
    return Arrays.copyOf(array, size);
  }

  ByteBuffer toBuffer() {
    return ByteBuffer.wrap(array, 0, size).slice();
  }
}
