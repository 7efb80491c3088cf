package io.kontiki.log.segment;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Function;
import java.util.zip.CRC32C;

/**
 * A small file that is written whole and read whole, with kind, version and checksum.
 *
 * <pre>
 * offset size field                    (big-endian)
 *      0    4 kind                     four letters
 *      4    2 version
 *      6    2 zero
 *      8    4 payload length
 *     12    4 CRC-32C of bytes 0 to 12 and of the payload
 *     16    … payload
 * </pre>
 *
 * @param kind four letters as a big-endian number
 * @param version the only one that is read and written
 * @param maxBytes of a payload; more is refused before anything is allocated
 */
public record SealedFile(int kind, int version, int maxBytes) {
  /** Bytes before the payload. */
  public static final int HEADER_BYTES = 16;

  /** A format whose kind is four ASCII letters. */
  public static SealedFile of(String letters, int version, int maxBytes) {
    int kind = 0;
    for (int i = 0; i < 4; i++) {
      kind = kind << 8 | letters.charAt(i);
    }
    return new SealedFile(kind, version, maxBytes);
  }

  /** The bytes of a file with this payload, ready to be written. */
  public ByteBuffer seal(ByteBuffer payload) {
    ByteBuffer file = ByteBuffer.allocate(HEADER_BYTES + payload.remaining());
    file.putInt(kind).putShort((short) version).putShort((short) 0).putInt(payload.remaining());
    file.putInt(crc(file, payload)).put(payload.duplicate());
    return file.flip();
  }

  /**
   * Checks a file and parses its payload, which must be used up.
   *
   * @throws StorageException CORRUPT, with the position, if anything is not as it was written,
   *     whatever the bytes are
   */
  public <T> T parse(String path, ByteBuffer file, Function<ByteBuffer, T> parser) {
    if (file.remaining() < HEADER_BYTES) {
      throw corrupt(path, 0, "has " + file.remaining() + " bytes, fewer than a header");
    }
    ByteBuffer bytes = file.slice();
    if (bytes.getInt(0) != kind) {
      throw corrupt(path, 0, "is of another kind: " + Integer.toHexString(bytes.getInt(0)));
    }
    if (bytes.getShort(4) != version) {
      throw corrupt(
          path, 4, "has version " + bytes.getShort(4) + ", this program knows " + version);
    }
    ByteBuffer payload = bytes.slice(HEADER_BYTES, bytes.limit() - HEADER_BYTES);
    if (bytes.getInt(8) != payload.limit() || bytes.getInt(12) != crc(bytes, payload)) {
      throw corrupt(path, 8, "length or checksum is wrong");
    }
    try {
      T value = parser.apply(payload);
      if (payload.hasRemaining()) {
        throw corrupt(
            path, HEADER_BYTES + payload.position(), payload.remaining() + " bytes too many");
      }
      return value;
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new StorageException(
          Kind.CORRUPT, path, HEADER_BYTES + payload.position(), "cannot be read: " + e, e);
    }
  }

  /** Reads a file; empty if there is none. */
  public <T> Optional<T> read(FileStore store, String path, Function<ByteBuffer, T> parser) {
    return store.exists(path) ? Optional.of(readExisting(store, path, parser)) : Optional.empty();
  }

  /** Reads a file that must exist. */
  public <T> T readExisting(FileStore store, String path, Function<ByteBuffer, T> parser) {
    try (FileStore.File file = store.open(path)) {
      long size = file.size();
      if (size > (long) HEADER_BYTES + maxBytes) {
        throw corrupt(path, size, "has " + size + " bytes, at most " + maxBytes + " are expected");
      }
      ByteBuffer bytes = ByteBuffer.allocate((int) size);
      file.read(bytes, 0);
      return parse(path, bytes.flip(), parser);
    }
  }

  /**
   * Replaces a file in one step. Its bytes are durable on return; its name is so once the directory
   * has been synced (rule D2).
   */
  public void write(FileStore store, String path, ByteBuffer payload) {
    String temporary = path + ".tmp";
    try (FileStore.File file = store.openOrCreate(temporary)) {
      file.truncate(0);
      file.write(seal(payload), 0);
      file.sync();
    }
    store.rename(temporary, path);
  }

  /**
   * Reads a count of things that follow in a payload.
   *
   * @throws IllegalArgumentException if they cannot all be there
   */
  public static int count(ByteBuffer payload, int bytesEach) {
    int count = payload.getInt();
    if (count < 0 || (long) count * bytesEach > payload.remaining()) {
      throw new IllegalArgumentException(count + " entries do not fit");
    }
    return count;
  }

  private static int crc(ByteBuffer header, ByteBuffer payload) {
    CRC32C crc = new CRC32C();
    crc.update(header.duplicate().position(0).limit(12));
    crc.update(payload.duplicate());
    return (int) crc.getValue();
  }

  private static StorageException corrupt(String path, long position, String what) {
    return new StorageException(Kind.CORRUPT, path, position, what);
  }
}
