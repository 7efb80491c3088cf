package io.kontiki.runtime.system;

import io.kontiki.runtime.FileStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;

/**
 * A file of the machine. The length is kept here, so that asking for it costs no system call and
 * the channel's own cursor serves gathering writes alone.
 */
final class DiskFile implements FileStore.File {
  private final String path;
  private final FileChannel channel;
  private volatile long size;
  private volatile boolean cut;

  DiskFile(String path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.size = channel.size();
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public int read(ByteBuffer into, long position) {
    int total = 0;
    try {
      while (into.hasRemaining()) {
        int count = channel.read(into, position + total);
        if (count < 0) {
          break;
        }
        total += count;
      }
      return total;
    } catch (IOException e) {
      throw DiskFileStore.failure(path, position + total, e);
    }
  }

  @Override
  public FileChannel channel() {
    return channel;
  }

  @Override
  public void write(ByteBuffer bytes, long position) {
    long at = position;
    try {
      while (bytes.hasRemaining()) {
        at += channel.write(bytes, at);
      }
    } catch (IOException e) {
      throw DiskFileStore.failure(path, at, e);
    } finally {
      size = Math.max(size, at);
    }
  }

  @Override
  public void write(List<ByteBuffer> bytes, long position) {
    if (bytes.size() == 1) {
      write(bytes.get(0), position);
      return;
    }
    ByteBuffer[] array = bytes.toArray(ByteBuffer[]::new);
    long left = 0;
    for (ByteBuffer buffer : array) {
      left += buffer.remaining();
    }
    long at = position;
    try {
      channel.position(position);
      int first = 0;
      while (left > 0) {
        long count = channel.write(array, first, array.length - first);
        at += count;
        left -= count;
        while (first < array.length && !array[first].hasRemaining()) {
          first++;
        }
      }
    } catch (IOException e) {
      throw DiskFileStore.failure(path, at, e);
    } finally {
      size = Math.max(size, at);
    }
  }

  @Override
  public void truncate(long newSize) {
    try {
      channel.truncate(newSize);
      size = channel.size();
      cut = true;
    } catch (IOException e) {
      throw DiskFileStore.failure(path, newSize, e);
    }
  }

  @Override
  public void sync() {
    try {
      // fdatasync writes a grown length, which is needed to read the data back; a cut one is not
      // "needed" for that, so after a truncation (rule D8) it takes a whole fsync.
      boolean metadata = cut;
      cut = false;
      channel.force(metadata);
    } catch (IOException e) {
      throw DiskFileStore.failedSync(path, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw DiskFileStore.failure(path, -1, e);
    }
  }
}
