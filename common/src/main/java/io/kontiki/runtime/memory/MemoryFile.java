package io.kontiki.runtime.memory;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import io.kontiki.runtime.memory.MemoryFileStore.Operation;
import java.nio.ByteBuffer;
import java.util.List;

/** An open file of a disk in memory. */
final class MemoryFile implements FileStore.File {
  private final MemoryDisk disk;
  private final MemoryFileData data;
  private final String diskPath;
  private final String path;
  private final int life;
  private boolean closed;

  MemoryFile(MemoryDisk disk, MemoryFileData data, String diskPath, String path, int life) {
    this.disk = disk;
    this.data = data;
    this.diskPath = diskPath;
    this.path = path;
    this.life = life;
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public long size() {
    synchronized (disk) {
      return data.size();
    }
  }

  @Override
  public int read(ByteBuffer into, long position) {
    synchronized (disk) {
      check(Operation.READ);
      return data.read(into, position);
    }
  }

  @Override
  public void write(ByteBuffer bytes, long position) {
    write(List.of(bytes), position);
  }

  @Override
  public void write(List<ByteBuffer> bytes, long position) {
    synchronized (disk) {
      long total = 0;
      for (ByteBuffer buffer : bytes) {
        total += buffer.remaining();
      }
      try {
        check(Operation.WRITE);
      } catch (StorageException e) {
        put(bytes, position, total / 2);
        throw e;
      }
      long growth = Math.max(0, position + total - data.size());
      long room = data.unlinked ? Long.MAX_VALUE : disk.usableBytes();
      if (growth > room) {
        put(bytes, position, total - (growth - room));
        throw new StorageException(
            Kind.NO_SPACE, path, data.size(), "no space left: " + (growth - room) + " bytes more");
      }
      put(bytes, position, total);
    }
  }

  /** Writes the first bytes of all, as far as {@code count} goes. */
  private void put(List<ByteBuffer> bytes, long position, long count) {
    data.modifiedMs = disk.wallMs();
    long before = data.size();
    long at = position;
    long left = count;
    for (ByteBuffer buffer : bytes) {
      if (left <= 0) {
        break;
      }
      int part = (int) Math.min(left, buffer.remaining());
      int limit = buffer.limit();
      buffer.limit(buffer.position() + part);
      data.write(buffer, at);
      buffer.limit(limit);
      at += part;
      left -= part;
    }
    if (!data.unlinked) {
      disk.use(data.size() - before);
    }
  }

  @Override
  public void truncate(long size) {
    synchronized (disk) {
      check(Operation.TRUNCATE);
      long before = data.size();
      data.truncate(size);
      if (!data.unlinked) {
        disk.use(data.size() - before);
      }
    }
  }

  @Override
  public void sync() {
    synchronized (disk) {
      try {
        check(Operation.SYNC);
      } catch (StorageException e) {
        data.failSync();
        throw e;
      }
      data.sync();
    }
  }

  @Override
  public void close() {
    synchronized (disk) {
      closed = true;
    }
  }

  private void check(Operation operation) {
    disk.checkAlive(life, diskPath);
    if (closed) {
      throw new StorageException(Kind.IO, path, -1, "is closed");
    }
    disk.check(operation, diskPath);
  }
}
