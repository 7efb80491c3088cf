package io.kontiki.runtime.system;

import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * An exclusive lock on a directory, by a lock on a file in it that holds this process's id (rule
 * R35: taken before anything in the directory is read). The system gives it back when the process
 * dies, however it dies.
 */
public final class DirectoryLock implements AutoCloseable {
  // Of this JVM. POSIX gives all locks of a process on a file back when it closes any descriptor of
  // that file, so a second attempt from here must fail before it opens the file.
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final FileChannel channel;
  private final Path file;

  private DirectoryLock(FileChannel channel, Path file) {
    this.channel = channel;
    this.file = file;
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
    Path file = directory.resolve(fileName);
    boolean held = false;
    try {
      Files.createDirectories(directory);
      file = directory.toRealPath().resolve(fileName);
      held = HELD.add(file);
      if (!held) {
        throw inUse(directory, fileName, String.valueOf(ProcessHandle.current().pid()));
      }
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      if (channel.tryLock() == null) {
        throw inUse(directory, fileName, holder(channel));
      }
      channel.truncate(0);
      String pid = ProcessHandle.current().pid() + "\n";
      channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
      return new DirectoryLock(channel, file);
    } catch (IOException | StorageException e) {
      closeQuietly(channel);
      if (held) {
        HELD.remove(file);
      }
      if (e instanceof StorageException failure) {
        throw failure;
      }
      throw new StorageException(Kind.IO, fileName, -1, "cannot lock " + directory, e);
    }
  }

  private static StorageException inUse(Path directory, String fileName, String holder) {
    return new StorageException(
        Kind.LOCKED,
        fileName,
        -1,
        directory
            + " is in use"
            + (holder.isEmpty() ? " by another process" : " by process " + holder)
            + "; stop that one, or give this one another data.dir");
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(20);
    channel.read(bytes, 0);
    String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII).trim();
    return text.chars().allMatch(Character::isDigit) ? text : "";
  }

  private static void closeQuietly(@Nullable FileChannel channel) {
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
      HELD.remove(file);
    }
  }
}
