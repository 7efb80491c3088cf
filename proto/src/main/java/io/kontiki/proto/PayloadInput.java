package io.kontiki.proto;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.grpc.KnownLength;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Takes a message apart: field 15 and everything else as it came. The message is read into one
 * array in one go; a large payload stays in it, because the few bytes of the other fields beside it
 * are not worth a copy.
 *
 * @param message holds the other fields from {@code from} to {@code to}, for the generated parser
 * @param payload at most one buffer
 */
record PayloadInput(byte[] message, int from, int to, List<ByteBuffer> payload) {
  private static final int PAYLOAD_TAG =
      PayloadMarshaller.FIELD << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;

  /** A payload that is less than so many times the rest of its message does not keep it alive. */
  private static final int MOST_OF_IT = 16;

  /** A message, or what its length says, is beyond the limit. */
  static final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1L;

    TooLargeException(long bytes, int maxBytes) {
      super("a message of at least " + bytes + " bytes; the limit is " + maxBytes);
    }
  }

  static PayloadInput read(InputStream in, int maxBytes) throws IOException {
    byte[] message = whole(in, maxBytes);
    Reader reader = new Reader(message, maxBytes);
    ByteArrayOutputStream others = null; // as long as they lie in one piece
    int from = 0; // of that piece
    int to = 0;
    int payloadFrom = 0;
    int payloadTo = 0;
    while (reader.at < message.length) {
      int field = reader.at;
      int tag = (int) reader.varint();
      if (tag == PAYLOAD_TAG) {
        int length = reader.length();
        payloadFrom = reader.at;
        reader.skip(length);
        payloadTo = reader.at;
        continue;
      }
      reader.skipField(tag);
      if (others != null) {
        others.write(message, field, reader.at - field);
      } else if (from == to || to == field) {
        from = from == to ? field : from;
        to = reader.at;
      } else {
        others = new ByteArrayOutputStream(64);
        others.write(message, from, to - from);
        others.write(message, field, reader.at - field);
      }
    }
    List<ByteBuffer> payload = payload(message, payloadFrom, payloadTo);
    return others == null
        ? new PayloadInput(message, from, to, payload)
        : new PayloadInput(others.toByteArray(), 0, others.size(), payload);
  }

  /** The sender's word about a length counts for nothing here: what is read is there. */
  private static byte[] whole(InputStream in, int maxBytes) throws IOException {
    if (!(in instanceof KnownLength)) {
      byte[] bytes = in.readNBytes((int) Math.min(Integer.MAX_VALUE, maxBytes + 1L));
      if (bytes.length > maxBytes) {
        throw new TooLargeException(bytes.length, maxBytes);
      }
      return bytes;
    }
    int size = in.available();
    if (size > maxBytes) {
      throw new TooLargeException(size, maxBytes);
    }
    byte[] bytes = new byte[size];
    int read = in.readNBytes(bytes, 0, size);
    return read == size ? bytes : Arrays.copyOf(bytes, read);
  }

  private static List<ByteBuffer> payload(byte[] message, int from, int to) {
    int size = to - from;
    if (size == 0) {
      return List.of();
    }
    return List.of(
        (message.length - size) * (long) MOST_OF_IT <= size
            ? ByteBuffer.wrap(message, from, size).slice()
            : ByteBuffer.wrap(Arrays.copyOfRange(message, from, to)));
  }

  /** Goes through the wire format. */
  private static final class Reader {
    private final byte[] bytes;
    private final int maxBytes;

    private int at;

    Reader(byte[] bytes, int maxBytes) {
      this.bytes = bytes;
      this.maxBytes = maxBytes;
    }

    void skipField(int tag) throws IOException {
      switch (tag & 7) {
        case WireFormat.WIRETYPE_VARINT -> varint();
        case WireFormat.WIRETYPE_FIXED64 -> skip(Long.BYTES);
        case WireFormat.WIRETYPE_FIXED32 -> skip(Integer.BYTES);
        case WireFormat.WIRETYPE_LENGTH_DELIMITED -> skip(length());
        default ->
            throw new InvalidProtocolBufferException(
                "tag " + tag + " has a wire type that proto3 does not use");
      }
    }

    int length() throws IOException {
      long length = varint();
      if (length < 0 || length > maxBytes - at) {
        throw new TooLargeException(length < 0 ? Long.MAX_VALUE : at + length, maxBytes);
      }
      return (int) length;
    }

    void skip(int count) throws IOException {
      if (count > bytes.length - at) {
        throw truncated();
      }
      at += count;
    }

    long varint() throws IOException {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        if (at == bytes.length) {
          throw truncated();
        }
        int b = bytes[at++];
        value |= (long) (b & 0x7f) << shift;
        if ((b & 0x80) == 0) {
          return value;
        }
      }
      throw new InvalidProtocolBufferException("a varint is longer than 10 bytes");
    }

    private static InvalidProtocolBufferException truncated() {
      return new InvalidProtocolBufferException("the message ended within a field");
    }
  }
}
