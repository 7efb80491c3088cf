package io.kontiki.kafka.convert;

import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatches;
import io.kontiki.record.RecordReader;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Batches of the log as messages of version 0 or 1, one by one and not compressed: that every
 * client of that age can read, whatever the codec was. Headers are lost, as the format has none.
 * The size is exact, nothing stands behind the last message.
 */
public final class OldMessages {
  private static final int APPEND_TIME = 0x08;
  private static final int FIRST_BYTES = 16 << 10;

  private final byte magic;
  private final int mostBytes;
  private final int limitBytes;
  private byte[] out = new byte[FIRST_BYTES];
  private int size;

  /**
   * @param records messages, perhaps none
   * @param nextOffset behind the last record that was looked at
   */
  public record Converted(ByteBuffer records, long nextOffset) {}

  private OldMessages(byte magic, int mostBytes, int limitBytes) {
    this.magic = magic;
    this.mostBytes = mostBytes;
    this.limitBytes = limitBytes;
  }

  /**
   * Converts.
   *
   * @param magic 0 or 1
   * @param fromOffset records before it are left out
   * @param mostBytes of the result; at least one message, if there is a record
   * @param limitBytes what a batch may become when decompressed
   * @throws InvalidBatchException if a batch cannot be read
   */
  public static Converted of(
      List<ByteBuffer> batches, byte magic, long fromOffset, int mostBytes, int limitBytes) {
    return new OldMessages(magic, mostBytes, limitBytes).convert(batches, fromOffset);
  }

  private Converted convert(List<ByteBuffer> batches, long fromOffset) {
    long next = fromOffset;
    for (ByteBuffer buffer : batches) {
      for (RecordBatch batch : new RecordBatches(buffer)) {
        if (batch.nextOffset() <= fromOffset) {
          continue;
        }
        if (!batch.isControl()) {
          RecordReader records = RecordReader.open(batch, limitBytes);
          while (records.hasNext()) {
            Record record = records.next();
            if (record.offset() < fromOffset) {
              continue;
            }
            if (!add(record, batch.isAppendTime())) {
              return new Converted(ByteBuffer.wrap(out, 0, size).slice(), next);
            }
            next = record.offset() + 1;
          }
        }
        next = Math.max(next, batch.nextOffset());
      }
    }
    return new Converted(ByteBuffer.wrap(out, 0, size).slice(), next);
  }

  private boolean add(Record record, boolean appendTime) {
    byte[] key = record.key();
    byte[] value = record.value();
    long message =
        MessageSet.LEAST_MESSAGE_BYTES
            + (magic == 0 ? 0L : Long.BYTES)
            + (key == null ? 0 : key.length)
            + (value == null ? 0 : value.length);
    long end = size + MessageSet.ENTRY_BYTES + message;
    if (size > 0 && end > mostBytes) {
      return false;
    }
    if (end > out.length) {
      out = Arrays.copyOf(out, (int) Math.max(end, Math.min(2L * out.length, mostBytes)));
    }
    ByteBuffer to = ByteBuffer.wrap(out, size, (int) (end - size));
    to.putLong(record.offset()).putInt((int) message);
    int crcAt = to.position();
    to.putInt(0).put(magic).put((byte) (magic == 1 && appendTime ? APPEND_TIME : 0));
    if (magic == 1) {
      to.putLong(record.timestampMs());
    }
    put(to, key);
    put(to, value);
    CRC32 crc = new CRC32();
    crc.update(out, crcAt + Integer.BYTES, (int) message - Integer.BYTES);
    to.putInt(crcAt, (int) crc.getValue());
    size = (int) end;
    return true;
  }

  private static void put(ByteBuffer to, byte @Nullable [] bytes) {
    if (bytes == null) {
      to.putInt(-1);
    } else {
      to.putInt(bytes.length).put(bytes);
    }
  }
}
