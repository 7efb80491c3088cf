package io.kontiki.runtime.system;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The files below a directory of the machine. */
public final class DiskFileStore implements FileStore {
  private final Path root;

  /**
   * @param root made if it does not exist
   * @throws StorageException IO if it cannot be made
   */
  public DiskFileStore(Path root) {
    this.root = root.toAbsolutePath().normalize();
    attempt("", () -> Files.createDirectories(this.root));
  }

  /** The directory, absolute. */
  public Path root() {
    return root;
  }

  @Override
  public File open(String path) {
    return attempt(
        path,
        () ->
            new DiskFile(
                path,
                FileChannel.open(
                    resolve(path), StandardOpenOption.READ, StandardOpenOption.WRITE)));
  }

  @Override
  public File openOrCreate(String path) {
    return attempt(
        path,
        () ->
            new DiskFile(
                path,
                FileChannel.open(
                    resolve(path),
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.CREATE)));
  }

  @Override
  public boolean exists(String path) {
    return Files.exists(resolve(path));
  }

  @Override
  public long sizeBytes(String path) {
    return attempt(path, () -> Files.size(resolve(path)));
  }

  @Override
  public long modifiedMs(String path) {
    return attempt(path, () -> Files.getLastModifiedTime(resolve(path)).toMillis());
  }

  @Override
  public List<String> list(String directory) {
    return attempt(
        directory,
        () -> {
          // Much cheaper, and null for whatever went wrong.
          String @Nullable [] names = resolve(directory).toFile().list();
          if (names != null) {
            Arrays.sort(names);
            return List.of(names);
          }
          try (Stream<Path> entries = Files.list(resolve(directory))) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
          } catch (NoSuchFileException e) {
            return List.<String>of();
          }
        });
  }

  @Override
  public void createDirectories(String directory) {
    attempt(directory, () -> Files.createDirectories(resolve(directory)));
  }

  @Override
  public void delete(String path) {
    attempt(path, () -> Files.deleteIfExists(resolve(path)));
  }

  @Override
  public void deleteRecursively(String directory) {
    Path top = resolve(directory);
    if (top.equals(root)) {
      throw new IllegalArgumentException("a store does not delete its own root " + root);
    }
    if (Files.exists(top)) {
      attempt(directory, () -> Files.walkFileTree(top, new Deleting()));
    }
  }

  @Override
  public void rename(String from, String to) {
    attempt(from, () -> Files.move(resolve(from), resolve(to), StandardCopyOption.ATOMIC_MOVE));
  }

  @Override
  public void syncDirectory(String directory) {
    try (FileChannel channel = FileChannel.open(resolve(directory), StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      throw failedSync(directory, e);
    }
  }

  @Override
  public long usableBytes() {
    // Asked ten times a second: one system call, where a file store reads the table of mounts. 0
    // may
    // also mean that it failed, which the other way tells.
    long usable = root.toFile().getUsableSpace();
    return usable > 0 ? usable : attempt("", () -> Files.getFileStore(root).getUsableSpace());
  }

  @Override
  public long totalBytes() {
    return attempt("", () -> Files.getFileStore(root).getTotalSpace());
  }

  @Override
  public FileStore child(String directory) {
    return new DiskFileStore(resolve(directory));
  }

  private Path resolve(String path) {
    if (!path.contains("..") && !path.startsWith("/")) {
      // Nothing in it that could lead elsewhere.
      return root.resolve(path);
    }
    Path resolved = root.resolve(path).normalize();
    if (!resolved.startsWith(root)) {
      throw new IllegalArgumentException("'" + path + "' leads out of " + root);
    }
    return resolved;
  }

  private static <T> T attempt(String path, Attempt<T> body) {
    try {
      return body.run();
    } catch (IOException e) {
      throw failure(path, -1, e);
    }
  }

  /** What a failed operation of the system means. */
  static StorageException failure(String path, long position, IOException e) {
    return new StorageException(kindOf(e), path, position, describe(e), e);
  }

  /**
   * Whatever the system says of it, a full disk among it (where blocks are allocated late): the
   * pages may be gone, so that it is never a matter of trying again (rule D1).
   */
  static StorageException failedSync(String path, IOException e) {
    return new StorageException(Kind.IO, path, -1, "sync failed: " + describe(e), e);
  }

  private static String describe(IOException e) {
    return e.getClass().getSimpleName() + ": " + e.getMessage();
  }

  private static Kind kindOf(IOException e) {
    // The JDK has no own exception for ENOSPC and EDQUOT; the text is strerror's.
    @Nullable String message = e.getMessage();
    String text = message == null ? "" : message.toLowerCase(Locale.ROOT);
    boolean noSpace = text.contains("no space left") || text.contains("quota exceeded");
    return noSpace ? Kind.NO_SPACE : Kind.IO;
  }

  @FunctionalInterface
  private interface Attempt<T> {
    T run() throws IOException;
  }

  private static final class Deleting extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.delete(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e)
        throws IOException {
      if (e != null) {
        throw e;
      }
      Files.delete(directory);
      return FileVisitResult.CONTINUE;
    }
  }
}
