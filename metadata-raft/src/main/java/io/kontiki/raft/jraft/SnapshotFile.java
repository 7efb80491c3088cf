package io.kontiki.raft.jraft;

import io.kontiki.raft.StateMachine;
import io.kontiki.runtime.StorageException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;

/**
 * The content of a snapshot in one file, checked as a whole before a byte of it reaches the state
 * machine: a bad snapshot must never be read as an empty or half a state (rule M9).
 *
 * <pre>
 * offset 0   i32  magic "KSNP"
 *        4   i32  version, 1
 *        8   i64  n: length of the content in bytes
 *       16   i32  CRC32C of the content
 *       20   i32  CRC32C of bytes 0 to 19
 *       24   n    content, by the state machine
 * </pre>
 */
final class SnapshotFile {
  /** Its name in a snapshot's directory. */
  static final String NAME = "state";

  static final int HEADER_BYTES = 24;
  private static final int MAGIC = 0x4b534e50;
  private static final int VERSION = 1;
  private static final int BUFFER_BYTES = 1 << 16;

  private SnapshotFile() {}

  /** Writes a file that does not exist; on stable storage on return, but for its name. */
  static void write(Path path, StateMachine.SnapshotSource source) throws IOException {
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.position(HEADER_BYTES);
      CRC32C content = new CRC32C();
      OutputStream out =
          new BufferedOutputStream(
              new CheckedOutputStream(Channels.newOutputStream(channel), content), BUFFER_BYTES);
      source.writeTo(out);
      out.flush();
      ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
      header.putInt(MAGIC).putInt(VERSION).putLong(channel.position() - HEADER_BYTES);
      header.putInt((int) content.getValue());
      header.putInt(headerCrc(header)).flip();
      while (header.hasRemaining()) {
        channel.write(header, header.position());
      }
      channel.force(true);
    }
  }

  /**
   * Checks all of a file.
   *
   * @throws StorageException if it is not what was written, or of another version
   * @throws IOException if it cannot be read
   */
  static void check(Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      ByteBuffer header = ByteBuffer.wrap(in.readNBytes(HEADER_BYTES));
      if (header.remaining() < HEADER_BYTES || header.getInt(0) != MAGIC) {
        throw damaged(path, 0, "does not begin with the header of a snapshot");
      }
      if (header.getInt(4) != VERSION) {
        throw damaged(
            path, 4, "has version " + header.getInt(4) + ", this program reads " + VERSION);
      }
      if (header.getInt(20) != headerCrc(header)) {
        throw damaged(path, 0, "has a damaged header");
      }
      CRC32C crc = new CRC32C();
      byte[] buffer = new byte[BUFFER_BYTES];
      long length = 0;
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        crc.update(buffer, 0, n);
        length += n;
      }
      if (length != header.getLong(8) || (int) crc.getValue() != header.getInt(16)) {
        throw damaged(path, HEADER_BYTES, "has a wrong length or checksum");
      }
    }
  }

  /** The content of a checked file. */
  static InputStream content(Path path) throws IOException {
    InputStream in = Files.newInputStream(path);
    in.skipNBytes(HEADER_BYTES);
    return new BufferedInputStream(in, BUFFER_BYTES);
  }

  private static int headerCrc(ByteBuffer header) {
    CRC32C crc = new CRC32C();
    crc.update(header.slice(0, HEADER_BYTES - 4));
    return (int) crc.getValue();
  }

  private static StorageException damaged(Path path, long position, String what) {
    return new StorageException(StorageException.Kind.CORRUPT, path.toString(), position, what);
  }
}
