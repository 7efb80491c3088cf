package io.kontiki.broker;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The metadata's files on a disk that others fill (rules M12, P15): what finds no room gives up the
 * ballast and is done again, at once. The watch of the disk alone would come too late for a vote or
 * an entry that has to be stored within its tenth of a second, and a node that cannot store its
 * vote stops.
 */
final class BallastedStore implements FileStore {
  private final FileStore store;
  private final Ballast ballast;

  BallastedStore(FileStore store, Ballast ballast) {
    this.store = store;
    this.ballast = ballast;
  }

  private <T> T rescued(Supplier<T> operation) {
    try {
      return operation.get();
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.NO_SPACE || !ballast.giveUp()) {
        throw e;
      }
      return operation.get();
    }
  }

  private void rescued(Runnable operation) {
    rescued(
        () -> {
          operation.run();
          return true;
        });
  }

  @Override
  public File open(String path) {
    return new BallastedFile(store.open(path));
  }

  @Override
  public File openOrCreate(String path) {
    return new BallastedFile(rescued(() -> store.openOrCreate(path)));
  }

  @Override
  public boolean exists(String path) {
    return store.exists(path);
  }

  @Override
  public long sizeBytes(String path) {
    return store.sizeBytes(path);
  }

  @Override
  public long modifiedMs(String path) {
    return store.modifiedMs(path);
  }

  @Override
  public List<String> list(String directory) {
    return store.list(directory);
  }

  @Override
  public void createDirectories(String directory) {
    rescued(() -> store.createDirectories(directory));
  }

  @Override
  public void delete(String path) {
    store.delete(path);
  }

  @Override
  public void deleteRecursively(String directory) {
    store.deleteRecursively(directory);
  }

  @Override
  public void rename(String from, String to) {
    rescued(() -> store.rename(from, to));
  }

  @Override
  public void syncDirectory(String directory) {
    store.syncDirectory(directory);
  }

  @Override
  public long usableBytes() {
    return store.usableBytes();
  }

  @Override
  public long totalBytes() {
    return store.totalBytes();
  }

  @Override
  public FileStore child(String directory) {
    return new BallastedStore(rescued(() -> store.child(directory)), ballast);
  }

  private final class BallastedFile implements File {
    private final File file;

    private BallastedFile(File file) {
      this.file = file;
    }

    @Override
    public String path() {
      return file.path();
    }

    @Override
    public long size() {
      return file.size();
    }

    @Override
    public int read(ByteBuffer into, long position) {
      return file.read(into, position);
    }

    @Override
    public @Nullable FileChannel channel() {
      return file.channel();
    }

    @Override
    public void write(ByteBuffer bytes, long position) {
      write(List.of(bytes), position);
    }

    /** A write that failed has taken a part from the buffers: what is left goes behind that. */
    @Override
    public void write(List<ByteBuffer> bytes, long position) {
      long end = position + remaining(bytes);
      rescued(() -> file.write(bytes, end - remaining(bytes)));
    }

    private static long remaining(List<ByteBuffer> bytes) {
      long sum = 0;
      for (ByteBuffer buffer : bytes) {
        sum += buffer.remaining();
      }
      return sum;
    }

    @Override
    public void truncate(long size) {
      file.truncate(size);
    }

    @Override
    public void sync() {
      file.sync();
    }

    @Override
    public void close() {
      file.close();
    }
  }
}
