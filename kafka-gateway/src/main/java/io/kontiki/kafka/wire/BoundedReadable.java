package io.kontiki.kafka.wire;

import java.nio.ByteBuffer;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Readable;

/**
 * Reads one request, of which it lets a client have so many fields and no more: an element of an
 * array takes a few bytes in a frame and many times as much as an object (CORRECTNESS 5.1). Array
 * counts are compared with {@link #remaining} before anything is allocated for them.
 */
final class BoundedReadable implements Readable {
  /** Fields of one request, those of all elements of all arrays together. */
  static final int MOST_FIELDS = 200_000;

  private final ByteBufferAccessor bytes;
  private int left = MOST_FIELDS;

  BoundedReadable(ByteBuffer frame) {
    this.bytes = new ByteBufferAccessor(frame);
  }

  private void field() {
    if (--left < 0) {
      throw new InvalidRequestException("a request has more than " + MOST_FIELDS + " fields");
    }
  }

  private void field(int length) {
    field();
    if (length < 0 || length > bytes.remaining()) {
      throw new InvalidRequestException(
          "a field of " + length + " bytes with " + bytes.remaining() + " left in the frame");
    }
  }

  @Override
  public byte readByte() {
    field();
    return bytes.readByte();
  }

  @Override
  public short readShort() {
    field();
    return bytes.readShort();
  }

  @Override
  public int readInt() {
    field();
    return bytes.readInt();
  }

  @Override
  public long readLong() {
    field();
    return bytes.readLong();
  }

  @Override
  public double readDouble() {
    field();
    return bytes.readDouble();
  }

  @Override
  public byte[] readArray(int length) {
    field(length);
    return bytes.readArray(length);
  }

  @Override
  public int readUnsignedVarint() {
    field();
    return bytes.readUnsignedVarint();
  }

  /** A view of the frame. */
  @Override
  public ByteBuffer readByteBuffer(int length) {
    field(length);
    return bytes.readByteBuffer(length);
  }

  @Override
  public int readVarint() {
    field();
    return bytes.readVarint();
  }

  @Override
  public long readVarlong() {
    field();
    return bytes.readVarlong();
  }

  /** Bytes, or fields if fewer of those are left: no array can have more elements. */
  @Override
  public int remaining() {
    return Math.min(bytes.remaining(), left);
  }

  /** Bytes that nothing has read. */
  int unreadBytes() {
    return bytes.remaining();
  }
}
