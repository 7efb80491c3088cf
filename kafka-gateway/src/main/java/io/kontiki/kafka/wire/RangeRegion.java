package io.kontiki.kafka.wire;

import io.kontiki.runtime.FileRange;
import io.netty.channel.FileRegion;
import io.netty.util.AbstractReferenceCounted;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;

/** A range of a log's file on its way into a socket; the file is given back when it is through. */
final class RangeRegion extends AbstractReferenceCounted implements FileRegion {
  private final FileRange.Lent file;
  private final long start;
  private final int count;
  private long transferred;

  private RangeRegion(FileRange.Lent file, long start, int count) {
    this.file = file;
    this.start = start;
    this.count = count;
  }

  /**
   * Borrows the file.
   *
   * @throws IllegalStateException if it is not the one any more that was read
   */
  static RangeRegion of(FileRange range) {
    FileRange.Lent file = range.lend();
    if (file == null) {
      throw new IllegalStateException("what was read has been replaced before it was sent");
    }
    return new RangeRegion(file, file.position(), range.bytes());
  }

  @Override
  public long transferTo(WritableByteChannel to, long from) throws IOException {
    long sent = file.file().transferTo(start + from, count - from, to);
    if (sent > 0) {
      transferred += sent;
    } else if (file.file().size() < start + count) {
      throw new IOException("the log was cut while it was sent: " + file.file().path());
    }
    return sent;
  }

  @Override
  public long position() {
    return start;
  }

  @Override
  public long transferred() {
    return transferred;
  }

  @Override
  @Deprecated
  public long transfered() {
    return transferred;
  }

  @Override
  public long count() {
    return count;
  }

  /** Bytes that the socket has not taken. */
  long left() {
    return count - transferred;
  }

  @Override
  protected void deallocate() {
    file.close();
  }

  @Override
  public RangeRegion retain() {
    super.retain();
    return this;
  }

  @Override
  public RangeRegion retain(int increment) {
    super.retain(increment);
    return this;
  }

  @Override
  public RangeRegion touch() {
    return this;
  }

  @Override
  public RangeRegion touch(Object hint) {
    return this;
  }
}
