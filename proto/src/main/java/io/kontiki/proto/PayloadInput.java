package io.kontiki.proto;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.grpc.KnownLength;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Takes a message apart: field 15 in an array of its own, everything else as it came.
 *
 * @param otherFields the message's bytes without field 15, for the generated parser
 * @param payload at most one buffer, of the exact size
 */
record PayloadInput(byte[] otherFields, List<ByteBuffer> payload) {
  private static final int PAYLOAD_TAG =
      PayloadMarshaller.FIELD << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;

  /** A message, or what its length says, is beyond the limit. */
  static final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1L;

    TooLargeException(long bytes, int maxBytes) {
      super("a message of at least " + bytes + " bytes; the limit is " + maxBytes);
    }
  }

  static PayloadInput read(InputStream in, int maxBytes) throws IOException {
    Reader reader = new Reader(in, maxBytes);
    ByteArrayOutputStream others = new ByteArrayOutputStream(64);
    byte[] payload = new byte[0];
    while (true) {
      int first = in.read();
      if (first < 0) {
        return new PayloadInput(
            others.toByteArray(),
            payload.length == 0 ? List.of() : List.of(ByteBuffer.wrap(payload)));
      }
      long tag = reader.varint(first);
      if (tag == PAYLOAD_TAG) {
        payload = reader.bytes(reader.length());
      } else {
        reader.copyField(tag, others);
      }
    }
  }

  /** Reads the wire format, counting what was read against the limit. */
  private static final class Reader {
    private final InputStream in;
    private final int maxBytes;
    private long read;

    Reader(InputStream in, int maxBytes) {
      this.in = in;
      this.maxBytes = maxBytes;
    }

    void copyField(long tag, ByteArrayOutputStream target) throws IOException {
      putVarint(target, tag);
      switch ((int) tag & 7) {
        case WireFormat.WIRETYPE_VARINT -> putVarint(target, varint(next()));
        case WireFormat.WIRETYPE_FIXED64 -> target.write(bytes(Long.BYTES));
        case WireFormat.WIRETYPE_FIXED32 -> target.write(bytes(Integer.BYTES));
        case WireFormat.WIRETYPE_LENGTH_DELIMITED -> {
          int length = length();
          putVarint(target, length);
          target.write(bytes(length));
        }
        default ->
            throw new InvalidProtocolBufferException(
                "tag " + tag + " has a wire type that proto3 does not use");
      }
    }

    int length() throws IOException {
      long length = varint(next());
      if (length < 0 || length > maxBytes - read) {
        throw new TooLargeException(length < 0 ? Long.MAX_VALUE : read + length, maxBytes);
      }
      return (int) length;
    }

    byte[] bytes(int length) throws IOException {
      // The length is the sender's word: take memory for it only if the bytes are there.
      boolean known = in instanceof KnownLength;
      if (known && length > in.available()) {
        throw truncated();
      }
      byte[] bytes;
      if (known) {
        bytes = new byte[length];
        if (in.readNBytes(bytes, 0, length) < length) {
          throw truncated();
        }
      } else {
        bytes = in.readNBytes(length);
        if (bytes.length < length) {
          throw truncated();
        }
      }
      count(length);
      return bytes;
    }

    long varint(int first) throws IOException {
      long value = 0;
      int b = first;
      for (int shift = 0; shift < 64; shift += 7) {
        value |= (long) (b & 0x7f) << shift;
        count(1);
        if ((b & 0x80) == 0) {
          return value;
        }
        b = next();
      }
      throw new InvalidProtocolBufferException("a varint is longer than 10 bytes");
    }

    private int next() throws IOException {
      int b = in.read();
      if (b < 0) {
        throw truncated();
      }
      return b;
    }

    private void count(int bytes) throws TooLargeException {
      read += bytes;
      if (read > maxBytes) {
        throw new TooLargeException(read, maxBytes);
      }
    }

    private static InvalidProtocolBufferException truncated() {
      return new InvalidProtocolBufferException("the message ended within a field");
    }

    private static void putVarint(ByteArrayOutputStream target, long value) {
      long rest = value;
      while ((rest & ~0x7fL) != 0) {
        target.write((int) (rest & 0x7f | 0x80));
        rest >>>= 7;
      }
      target.write((int) rest);
    }
  }
}
