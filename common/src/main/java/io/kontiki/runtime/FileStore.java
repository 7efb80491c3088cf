package io.kontiki.runtime;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The files below one directory. Paths are relative to it, with '/' between names; "" is the
 * directory itself. All failures are {@link StorageException}s. Thread-safe; a {@link File} may be
 * used by several threads as its methods say.
 *
 * <p>What survives a power cut: bytes of a file that a finished {@link File#sync} covers; names
 * (creations, renames, deletions) of a directory that a finished {@link #syncDirectory} covers.
 * Anything else survives wholly, partly or not at all, in any order (rules D3, D8, D10).
 */
public interface FileStore {
  /** Opens a file that must exist, for reading and writing. */
  File open(String path);

  /** Opens a file for reading and writing, making an empty one if there is none. */
  File openOrCreate(String path);

  /** Whether a file or directory has this name. */
  boolean exists(String path);

  /** Length of a file in bytes; cheaper than opening it. */
  long sizeBytes(String path);

  /**
   * When a file was last written, or a name in a directory changed, in ms since 1970 by the
   * system's clock; survives restarts.
   */
  long modifiedMs(String path);

  /** Names in a directory, sorted; empty if the directory does not exist. */
  List<String> list(String directory);

  /** Makes a directory and its parents; does nothing if it exists. */
  void createDirectories(String directory);

  /** Deletes a file or an empty directory; does nothing if there is none. */
  void delete(String path);

  /** Deletes a directory and everything below it; does nothing if there is none. */
  void deleteRecursively(String directory);

  /** Gives a file or directory another name, atomically, replacing a file of that name. */
  void rename(String from, String to);

  /** Makes names of a directory durable. */
  void syncDirectory(String directory);

  /** Bytes that this process may still write to the file system. */
  long usableBytes();

  /** Size of the file system in bytes. */
  long totalBytes();

  /** A store of a directory below this one; the directory is made if it does not exist. */
  FileStore child(String directory);

  /** An open file. Positions are absolute and there is no cursor. */
  interface File extends AutoCloseable {
    /** Path in its store. */
    String path();

    /** Present length in bytes. */
    long size();

    /**
     * Reads from a position until {@code into} is full or the file ends; thread-safe.
     *
     * @return bytes read, 0 at or behind the end
     */
    int read(ByteBuffer into, long position);

    /**
     * What the system can send to a socket by itself; only to be read from, and never to be closed.
     *
     * @return null: there is nothing of the kind, {@link #read} is the way
     */
    default @Nullable FileChannel channel() {
      return null;
    }

    /**
     * Writes all remaining bytes of the buffer at a position, extending the file if needed (a gap
     * reads as zeros). The buffer's position moves to its limit. One writer at a time.
     */
    void write(ByteBuffer bytes, long position);

    /** Writes all remaining bytes of all buffers, one behind the other, in one call if it can. */
    void write(List<ByteBuffer> bytes, long position);

    /** Cuts the file to a length not above its size. */
    void truncate(long size);

    /**
     * Makes everything written before the call durable, the length included. A failure means that
     * the file's bytes can no longer be trusted (rule D1).
     */
    void sync();

    /** Releases the file; not a sync. Idempotent. */
    @Override
    void close();
  }
}
