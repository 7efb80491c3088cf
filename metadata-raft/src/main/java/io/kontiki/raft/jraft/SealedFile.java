package io.kontiki.raft.jraft;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A small file that is replaced as a whole: written beside the old one, synced, renamed, and the
 * directory synced, so that a crash at any point leaves the old or the new content.
 *
 * <pre>
 * offset 0   i32  magic
 *        4   i32  version
 *        8   i32  n: length of the content in bytes
 *       12   n    content
 *     12+n   i32  CRC32C of everything before
 * </pre>
 */
record SealedFile(FileStore store, String name, int magic, int version) {
  private static final int AROUND_BYTES = 16;
  private static final int MAX_BYTES = 1 << 16;

  /** The content; null when there is no file. Any other content than what was written throws. */
  @Nullable ByteBuffer read() {
    if (!store.exists(name)) {
      return null;
    }
    try (FileStore.File file = store.open(name)) {
      if (file.size() < AROUND_BYTES || file.size() > MAX_BYTES) {
        throw damaged(file.size(), "has " + file.size() + " bytes");
      }
      ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
      file.read(bytes, 0);
      bytes.flip();
      int end = bytes.limit() - 4;
      if (bytes.getInt(0) != magic) {
        throw damaged(0, "does not begin with " + Integer.toHexString(magic));
      }
      if (bytes.getInt(4) != version) {
        throw damaged(4, "has version " + bytes.getInt(4) + ", this program reads " + version);
      }
      if (bytes.getInt(8) != end - 12 || crc(bytes.array(), end) != bytes.getInt(end)) {
        throw damaged(8, "has a wrong length or checksum");
      }
      return bytes.slice(12, end - 12);
    }
  }

  /** When it returns, the content is on stable storage. */
  void write(ByteBuffer content) {
    ByteBuffer bytes = ByteBuffer.allocate(AROUND_BYTES + content.remaining());
    bytes.putInt(magic).putInt(version).putInt(content.remaining()).put(content.duplicate());
    bytes.putInt(crc(bytes.array(), bytes.position())).flip();
    String next = name + ".tmp";
    try (FileStore.File file = store.openOrCreate(next)) {
      file.truncate(0);
      file.write(bytes, 0);
      file.sync();
    }
    store.rename(next, name);
    store.syncDirectory("");
  }

  private StorageException damaged(long position, String what) {
    return new StorageException(StorageException.Kind.CORRUPT, name, position, what);
  }

  private static int crc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
