package io.kontiki.log.journal;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One record of the journal.
 *
 * <pre>
 * offset size field                    (big-endian)
 *      0    4 length                   of the whole record, 72 and more
 *      4    4 CRC-32C                  of bytes 8 to the end
 *      8    8 generation               of the journal: raised at each open
 *     16    8 sequence                 one more than the record before; SWITCH: the next one's
 *     24    8 first of commit          sequence of the first record of the same commit
 *     32   16 topic id
 *     48    4 partition
 *     52    1 kind
 *     53    1 version                  1
 *     54    2 zero
 *     56    8 a                        as the kind says
 *     64    8 b                        as the kind says
 *     72    … payload
 * </pre>
 *
 * @param a see {@link Kind}
 * @param b see {@link Kind}
 * @param payload from position to limit; not changed, not kept longer than until the commit
 * @param logEnd of DATA: the log end behind it; not stored
 */
public record JournalEntry(
    PartitionId partition, Kind kind, long a, long b, ByteBuffer payload, long logEnd) {
  /** Bytes before the payload. */
  public static final int HEADER_BYTES = 72;

  private static final byte VERSION = 1;
  private static final PartitionId NOBODY = new PartitionId(new TopicId(0, 0), 0);
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0).asReadOnlyBuffer();

  /** What a record says; with its number on disk, never given twice. */
  public enum Kind {
    /** Payload are bytes of the segment with base offset a, at its position b. */
    DATA(1),
    /** Leader epoch b began at offset a. */
    EPOCH(2),
    /** All from offset a on is gone; the payload is a segment's base offset, b where it ends. */
    TRUNCATE(3),
    /** The log starts at a. */
    LOG_START(4),
    /** All is gone; the log starts again, empty, at a; b: its start, if within the first batch. */
    RESTART(5),
    /** A new, empty log at offset 0; b is 1 for fsync; the payload is the topic's name. */
    NEW_PARTITION(6),
    /** Its directory was given up. */
    GONE(7),
    /** The journal goes on in the file a. */
    SWITCH(8),
    /**
     * All of the partition's bytes below offset a are durable in its own files (bypass); the
     * payload is a segment's base offset, b where they end in it.
     */
    MARK(9),
    /** Its old directory is gone durably; what has its name is of a later log with the same id. */
    CLEARED(10);

    private static final Kind[] ALL = values();

    private final byte number;

    Kind(int number) {
      this.number = (byte) number;
    }

    static @Nullable Kind of(int number) {
      for (Kind kind : ALL) {
        if (kind.number == number) {
          return kind;
        }
      }
      return null;
    }
  }

  /** Anything but DATA. */
  public JournalEntry(PartitionId partition, Kind kind, long a, long b, ByteBuffer payload) {
    this(partition, kind, a, b, payload, -1);
  }

  /** Without payload. */
  public static JournalEntry of(PartitionId partition, Kind kind, long a, long b) {
    return new JournalEntry(partition, kind, a, b, NOTHING);
  }

  /** What stands in the journal for these DATA once the segments are durable. */
  JournalEntry mark() {
    ByteBuffer segment = ByteBuffer.allocate(Long.BYTES).putLong(a).flip();
    return new JournalEntry(partition, Kind.MARK, logEnd, b + payload.remaining(), segment);
  }

  static JournalEntry switchTo(int slot) {
    return of(NOBODY, Kind.SWITCH, slot, 0);
  }

  /** Of TRUNCATE and MARK: base offset of the segment that is spoken of; -1: none. */
  public long segment() {
    return payload.remaining() < Long.BYTES ? -1 : payload.getLong(payload.position());
  }

  /** Bytes in the journal. */
  public int sizeBytes() {
    return HEADER_BYTES + payload.remaining();
  }

  /** Whether it must be carried out in the files before a checkpoint may pass it (rule D8). */
  public boolean isBarrier() {
    return kind == Kind.TRUNCATE || kind == Kind.RESTART || kind == Kind.GONE;
  }

  /** Writes the header at the buffer's position. */
  void putHeader(ByteBuffer into, long generation, long sequence, long firstOfCommit) {
    int start = into.position();
    into.putInt(sizeBytes()).putInt(0);
    into.putLong(generation).putLong(sequence).putLong(firstOfCommit);
    into.putLong(partition.topicId().high()).putLong(partition.topicId().low());
    into.putInt(partition.partition());
    into.put(kind.number).put(VERSION).putShort((short) 0);
    into.putLong(a).putLong(b);
    CRC32C crc = new CRC32C();
    crc.update(into.duplicate().position(start + 8).limit(start + HEADER_BYTES));
    crc.update(payload.duplicate());
    into.putInt(start + 4, (int) crc.getValue());
  }

  /** Where a record of the journal stands. */
  record Stored(JournalEntry entry, long sequence, long firstOfCommit) {}

  /**
   * Reads the record at the buffer's position and moves behind it.
   *
   * @return null, with the position unmoved, if there is no whole valid record of this generation
   */
  static @Nullable Stored read(ByteBuffer from, long generation) {
    int start = from.position();
    if (from.remaining() < HEADER_BYTES) {
      return null;
    }
    int length = from.getInt(start);
    Kind kind = Kind.of(from.get(start + 52));
    if (length < HEADER_BYTES
        || length > from.remaining()
        || from.getLong(start + 8) != generation
        || kind == null
        || from.get(start + 53) != VERSION) {
      return null;
    }
    CRC32C crc = new CRC32C();
    crc.update(from.duplicate().position(start + 8).limit(start + length));
    if ((int) crc.getValue() != from.getInt(start + 4)) {
      return null;
    }
    TopicId topic = new TopicId(from.getLong(start + 32), from.getLong(start + 40));
    JournalEntry entry =
        new JournalEntry(
            new PartitionId(topic, from.getInt(start + 48)),
            kind,
            from.getLong(start + 56),
            from.getLong(start + 64),
            from.slice(start + HEADER_BYTES, length - HEADER_BYTES));
    from.position(start + length);
    return new Stored(entry, from.getLong(start + 16), from.getLong(start + 24));
  }
}
