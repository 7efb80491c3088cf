package io.kontiki.runtime.system;

import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * An exclusive lock on a directory, by a lock on a file in it that holds this process's id (rule
 * R35: taken before anything in the directory is read). The system gives it back when the process
 * dies, however it dies.
 */
public final class DirectoryLock implements AutoCloseable {
  private final FileChannel channel;

  private DirectoryLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock and writes the own process id, with a line end, into the file.
   *
   * @param directory made if it does not exist
   * @param fileName such as {@code kontiki.pid}
   * @throws StorageException LOCKED, with the holder's process id if the file names it, or IO
   */
  public static DirectoryLock acquire(Path directory, String fileName) {
    FileChannel channel = null;
    try {
      Files.createDirectories(directory);
      channel =
          FileChannel.open(
              directory.resolve(fileName),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      if (!tryLock(channel)) {
        String holder = holder(channel);
        throw new StorageException(
            Kind.LOCKED,
            fileName,
            -1,
            directory
                + " is in use by another process"
                + (holder.isEmpty() ? "" : " (pid " + holder + ")")
                + "; stop it, or give this one another data.dir");
      }
      channel.truncate(0);
      String pid = ProcessHandle.current().pid() + "\n";
      channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
      return new DirectoryLock(channel);
    } catch (IOException e) {
      closeQuietly(channel);
      throw new StorageException(Kind.IO, fileName, -1, "cannot lock " + directory, e);
    } catch (StorageException e) {
      closeQuietly(channel);
      throw e;
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      // Held by this same JVM.
      return false;
    }
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(20);
    channel.read(bytes, 0);
    String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII).trim();
    return text.chars().allMatch(Character::isDigit) ? text : "";
  }

  private static void closeQuietly(@org.jspecify.annotations.Nullable FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        // The first failure is the one to report.
      }
    }
  }

  /** Empties the file and gives the lock back. Idempotent. */
  @Override
  public void close() {
    if (channel.isOpen()) {
      try {
        channel.truncate(0);
      } catch (IOException e) {
        // The id in the file only helps people; the lock itself ends with the channel.
      }
      closeQuietly(channel);
    }
  }
}
