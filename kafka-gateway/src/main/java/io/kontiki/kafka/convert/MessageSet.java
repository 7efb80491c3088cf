package io.kontiki.kafka.convert;

import io.kontiki.record.Compression;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.RecordBatchBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import org.apache.kafka.common.utils.BufferSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A message set as clients before 0.11 write it, checked and made into one batch of version 2.
 * Whatever the bytes are, nothing but {@link InvalidBatchException} comes out.
 *
 * <pre>
 * entry   = offset (8), size (4), message                 (big-endian)
 * message = crc (4, CRC-32 of what follows), magic (1: 0 or 1), attributes (1: bits 0-2 codec,
 *           3 append time), timestamp (8, magic 1 alone), key length or -1 (4), key,
 *           value length or -1 (4), value
 * </pre>
 *
 * <p>A message with a codec is a wrapper: its value is a compressed message set of plain messages.
 */
public final class MessageSet {
  static final int ENTRY_BYTES = 12;

  /** Of a message of version 0 without key and value. */
  static final int LEAST_MESSAGE_BYTES = 14;

  private static final int CODEC = 0x07;
  private static final long NO_TIMESTAMP = -1;

  private final int limitBytes;
  private final ByteBuffer bytes;
  private Compression compression = Compression.NONE;
  private @Nullable RecordBatchBuilder batch;
  private int count;

  private MessageSet(ByteBuffer bytes, int limitBytes) {
    this.bytes = bytes.slice();
    this.limitBytes = limitBytes;
  }

  /**
   * The batch, compressed as the first message is.
   *
   * @param bytes the remaining ones are the set; their position does not move
   * @param limitBytes what the messages may take when decompressed, all together
   */
  public static ByteBuffer toBatch(ByteBuffer bytes, int limitBytes) {
    MessageSet set = new MessageSet(bytes, limitBytes);
    set.readAll(set.bytes, false);
    RecordBatchBuilder batch = set.batch;
    if (batch == null) {
      throw new InvalidBatchException(0, "no message");
    }
    return batch.build();
  }

  private void readAll(ByteBuffer from, boolean wrapped) {
    while (from.hasRemaining()) {
      if (from.remaining() < ENTRY_BYTES) {
        throw new InvalidBatchException(
            from.position(), from.remaining() + " bytes behind the last message");
      }
      from.getLong(); // the producer's own count
      int size = from.getInt();
      if (size < LEAST_MESSAGE_BYTES || size > from.remaining()) {
        throw new InvalidBatchException(
            from.position(), "a message of " + size + " bytes in " + from.remaining());
      }
      read(from.slice(from.position(), size), wrapped);
      from.position(from.position() + size);
    }
  }

  private void read(ByteBuffer message, boolean wrapped) {
    CRC32 crc = new CRC32();
    crc.update(message.slice(Integer.BYTES, message.remaining() - Integer.BYTES));
    int told = message.getInt();
    if ((int) crc.getValue() != told) {
      throw new InvalidBatchException(
          0,
          "the CRC of a message is "
              + crc.getValue()
              + ", its header says "
              + Integer.toUnsignedLong(told));
    }
    byte magic = message.get();
    if (magic != 0 && magic != 1) {
      throw new InvalidBatchException(4, "a message of version " + magic + "; 0 and 1 are known");
    }
    int codec = message.get() & CODEC;
    long timestamp = NO_TIMESTAMP;
    if (magic == 1) {
      if (message.remaining() < Long.BYTES) {
        throw new InvalidBatchException(6, "a message without a whole timestamp");
      }
      timestamp = message.getLong();
      if (timestamp < NO_TIMESTAMP) {
        throw new InvalidBatchException(6, "timestamp " + timestamp + " is negative");
      }
    }
    ByteBuffer key = field(message);
    ByteBuffer value = field(message);
    if (message.hasRemaining()) {
      throw new InvalidBatchException(
          message.position(), message.remaining() + " bytes behind a message's value");
    }
    if (codec == 0) {
      add(timestamp, key, value);
    } else {
      unwrap(magic, codec, value, wrapped);
    }
  }

  private static @Nullable ByteBuffer field(ByteBuffer message) {
    if (message.remaining() < Integer.BYTES) {
      throw new InvalidBatchException(message.position(), "a message without a whole length");
    }
    int length = message.getInt();
    if (length < -1 || length > message.remaining()) {
      throw new InvalidBatchException(
          message.position(), "a length of " + length + " with " + message.remaining() + " left");
    }
    if (length == -1) {
      return null;
    }
    ByteBuffer field = message.slice(message.position(), length);
    message.position(message.position() + length);
    return field;
  }

  private void unwrap(byte magic, int codec, @Nullable ByteBuffer value, boolean wrapped) {
    Compression found = Compression.byId(codec);
    if (found == null || found == Compression.ZSTD) {
      throw new InvalidBatchException(5, "codec " + codec + " in a message of version " + magic);
    }
    if (wrapped || value == null) {
      throw new InvalidBatchException(
          5, wrapped ? "a wrapper in a wrapper" : "a wrapper without a value");
    }
    if (count == 0) {
      compression = found;
    }
    readAll(
        found == Compression.LZ4 && magic == 0
            ? oldLz4(value)
            : found.decompress(value, room()).slice(),
        true);
  }

  private int room() {
    RecordBatchBuilder started = batch;
    return Math.max(0, limitBytes - (started == null ? 0 : started.sizeBytes()));
  }

  /** Frames of clients that computed the checksum of the header wrongly (KAFKA-3160). */
  private ByteBuffer oldLz4(ByteBuffer value) {
    byte[] out = new byte[Math.min(room(), 64 << 10)];
    int size = 0;
    try (InputStream in =
        org.apache.kafka.common.compress.Compression.lz4()
            .build()
            .wrapForInput(value, (byte) 0, BufferSupplier.NO_CACHING)) {
      while (true) {
        if (size == out.length) {
          int more = in.read();
          if (more < 0) {
            break;
          }
          if (size >= room()) {
            throw new InvalidBatchException(0, "more than " + room() + " bytes when decompressed");
          }
          out = Arrays.copyOf(out, (int) Math.min(room(), 2L * out.length));
          out[size++] = (byte) more;
        }
        int read = in.read(out, size, out.length - size);
        if (read < 0) {
          break;
        }
        size += read;
      }
    } catch (IOException | RuntimeException e) {
      if (e instanceof InvalidBatchException known) {
        throw known;
      }
      throw new InvalidBatchException(0, "no LZ4 frame: " + e.getMessage());
    }
    return ByteBuffer.wrap(out, 0, size).slice();
  }

  private void add(long timestamp, @Nullable ByteBuffer key, @Nullable ByteBuffer value) {
    RecordBatchBuilder into = batch;
    if (into == null) {
      into = new RecordBatchBuilder(compression, bytes.remaining());
      batch = into;
    }
    if (into.sizeBytes() > limitBytes) {
      throw new InvalidBatchException(0, "more than " + limitBytes + " bytes when decompressed");
    }
    into.append(timestamp, array(key), array(value), List.of());
    count++;
  }

  private static byte @Nullable [] array(@Nullable ByteBuffer field) {
    if (field == null) {
      return null;
    }
    byte[] bytes = new byte[field.remaining()];
    field.get(bytes);
    return bytes;
  }
}
