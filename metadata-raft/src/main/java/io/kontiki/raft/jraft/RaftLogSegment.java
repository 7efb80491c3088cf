package io.kontiki.raft.jraft;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One file of the Raft log, {@code <20-digit base index>.log}: a header, then entries without gaps.
 *
 * <pre>
 * header  offset 0   i32  magic "KRLG"
 *                4   i32  version, 1
 *                8   i64  base index: of the first entry
 *               16   i64  generation: how often the log had been reset when the file was made
 *               24   i32  CRC32C of bytes 0 to 23
 * entry   offset 0   i32  n: length of the body in bytes
 *                4   i32  CRC32C of all that follows
 *                8   i64  Raft index
 *               16   i32  k: how many entries of the same write come before this one
 *               20   n    entry in JRaft's V2 log entry format
 * </pre>
 *
 * <p>The header is durable before the first entry is written, and each write before the next one
 * begins. So a bad entry followed by good ones of the same write is torn, and nobody was told that
 * it is held; followed by one of a later write it is damage. Not thread-safe, except that reads of
 * published entries may run beside an append.
 */
final class RaftLogSegment {
  static final int HEADER_BYTES = 28;
  static final int ENTRY_HEADER_BYTES = 20;
  private static final int MAGIC = 0x4b524c47;
  private static final int VERSION = 1;
  private static final String SUFFIX = ".log";

  private final long baseIndex;
  private final long generation;
  private final FileStore.File file;
  private int[] positions = new int[256];
  private int count;
  private int sizeBytes = HEADER_BYTES;

  private RaftLogSegment(long baseIndex, long generation, FileStore.File file) {
    this.baseIndex = baseIndex;
    this.generation = generation;
    this.file = file;
  }

  static boolean isSegment(String name) {
    return name.matches("\\d{20}\\.log");
  }

  /** Makes a file without entries, on stable storage but for its name. */
  static RaftLogSegment create(FileStore store, long baseIndex, long generation) {
    String name = String.format("%020d", baseIndex) + SUFFIX;
    FileStore.File file = store.openOrCreate(name);
    file.truncate(0);
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    header.putInt(MAGIC).putInt(VERSION).putLong(baseIndex).putLong(generation);
    header.putInt(crc(header.array(), 0, HEADER_BYTES - 4)).flip();
    file.write(header, 0);
    file.sync();
    return new RaftLogSegment(baseIndex, generation, file);
  }

  /**
   * Opens a file and checks every entry.
   *
   * @param newest whether this is the newest file, the only one that may end in a torn write
   * @param cutFrom entries from this index on were being cut, and may be in any state
   * @return null for a newest file whose header was torn: nothing was ever written behind it
   * @throws StorageException also when the file is damaged anywhere but in a torn tail: a voter
   *     that forgets entries it has acknowledged could elect a leader that lacks committed ones
   */
  static @Nullable RaftLogSegment open(FileStore store, String name, boolean newest, long cutFrom) {
    FileStore.File file = store.open(name);
    try {
      ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(file.size()));
      file.read(bytes, 0);
      long baseIndex = baseIndex(name);
      if (newest && isTornHeader(bytes.array())) {
        file.close();
        return null;
      }
      checkHeader(name, bytes.array(), baseIndex);
      RaftLogSegment segment = new RaftLogSegment(baseIndex, bytes.getLong(16), file);
      int end = segment.scan(bytes.array());
      if (segment.endIndex() >= cutFrom) {
        segment.truncateTo(cutFrom);
      } else if (end < bytes.capacity()) {
        if (!newest || segment.hasLaterWriteAfter(bytes.array(), end)) {
          throw damaged(name, end, "is damaged at index " + segment.endIndex());
        }
        file.truncate(end);
        file.sync();
      }
      return segment;
    } catch (StorageException e) {
      file.close();
      throw e;
    }
  }

  private static boolean isTornHeader(byte[] bytes) {
    if (bytes.length <= HEADER_BYTES) {
      return bytes.length < HEADER_BYTES || !isHeaderIntact(bytes);
    }
    for (byte one : bytes) {
      if (one != 0) {
        return false;
      }
    }
    return true;
  }

  private static boolean isHeaderIntact(byte[] content) {
    return ByteBuffer.wrap(content).getInt(24) == crc(content, 0, HEADER_BYTES - 4);
  }

  private static void checkHeader(String name, byte[] content, long baseIndex) {
    ByteBuffer bytes = ByteBuffer.wrap(content);
    if (content.length < HEADER_BYTES || bytes.getInt(0) != MAGIC) {
      throw damaged(name, 0, "does not begin with the header of a Raft log segment");
    }
    if (bytes.getInt(4) != VERSION) {
      throw damaged(name, 4, "has version " + bytes.getInt(4) + ", this program reads " + VERSION);
    }
    if (!isHeaderIntact(content) || bytes.getLong(8) != baseIndex) {
      throw damaged(name, 8, "has a damaged header or another name");
    }
  }

  long baseIndex() {
    return baseIndex;
  }

  long generation() {
    return generation;
  }

  static long baseIndex(String name) {
    return Long.parseLong(name.substring(0, name.length() - SUFFIX.length()));
  }

  String name() {
    return file.path();
  }

  /** Exclusive. */
  long endIndex() {
    return baseIndex + count;
  }

  int sizeBytes() {
    return sizeBytes;
  }

  /** Writes the bodies of entries from {@link #endIndex} on; not readable until published. */
  int[] write(List<byte[]> bodies) {
    int total = 0;
    for (byte[] body : bodies) {
      total += ENTRY_HEADER_BYTES + body.length;
    }
    ByteBuffer buffer = ByteBuffer.allocate(total);
    int[] at = new int[bodies.size()];
    for (int i = 0; i < at.length; i++) {
      byte[] body = bodies.get(i);
      int start = buffer.position();
      at[i] = sizeBytes + start;
      buffer.putInt(body.length).putInt(0).putLong(endIndex() + i).putInt(i).put(body);
      buffer.putInt(start + 4, crc(buffer.array(), start + 8, 12 + body.length));
    }
    file.write(buffer.flip(), sizeBytes);
    return at;
  }

  void sync() {
    file.sync();
  }

  /** Makes written entries readable. */
  void publish(int[] at, int bytes) {
    for (int position : at) {
      add(position);
    }
    sizeBytes += bytes;
  }

  /** The body of an entry; the index must be in this segment. */
  byte[] read(long index) {
    int i = Math.toIntExact(index - baseIndex);
    int start = positions[i];
    int end = i + 1 < count ? positions[i + 1] : sizeBytes;
    ByteBuffer buffer = ByteBuffer.allocate(end - start);
    if (file.read(buffer, start) < end - start) {
      throw damaged(name(), start, "ends before index " + index);
    }
    if (crc(buffer.array(), 8, end - start - 8) != buffer.getInt(4) || buffer.getLong(8) != index) {
      throw damaged(name(), start, "is damaged at index " + index);
    }
    return Arrays.copyOfRange(buffer.array(), ENTRY_HEADER_BYTES, end - start);
  }

  /** Cuts the file before an index up to {@link #endIndex}; durable on return. */
  void truncateTo(long endIndex) {
    int keep = Math.toIntExact(endIndex - baseIndex);
    int cut = keep < count ? positions[keep] : sizeBytes;
    file.truncate(cut);
    file.sync();
    count = keep;
    sizeBytes = cut;
  }

  void close() {
    file.close();
  }

  private int scan(byte[] bytes) {
    int at = HEADER_BYTES;
    while (isEntry(bytes, at, endIndex())) {
      add(at);
      at += ENTRY_HEADER_BYTES + ByteBuffer.wrap(bytes).getInt(at);
    }
    sizeBytes = at;
    return at;
  }

  private boolean hasLaterWriteAfter(byte[] bytes, int from) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    for (int at = from + 1; at <= bytes.length - ENTRY_HEADER_BYTES; at++) {
      long index = buffer.getLong(at + 8);
      if (index > endIndex()
          && index <= endIndex() + (bytes.length - from) / ENTRY_HEADER_BYTES
          && index - buffer.getInt(at + 16) > endIndex()
          && isEntry(bytes, at, index)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isEntry(byte[] bytes, int at, long index) {
    if (at + ENTRY_HEADER_BYTES > bytes.length) {
      return false;
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    int length = buffer.getInt(at);
    return length > 0
        && length <= bytes.length - at - ENTRY_HEADER_BYTES
        && buffer.getLong(at + 8) == index
        && crc(bytes, at + 8, 12 + length) == buffer.getInt(at + 4);
  }

  private void add(int position) {
    if (count == positions.length) {
      positions = Arrays.copyOf(positions, count * 2);
    }
    positions[count++] = position;
  }

  private static StorageException damaged(String name, long position, String what) {
    return new StorageException(StorageException.Kind.CORRUPT, name, position, what);
  }

  private static int crc(byte[] bytes, int offset, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, offset, length);
    return (int) crc.getValue();
  }
}
