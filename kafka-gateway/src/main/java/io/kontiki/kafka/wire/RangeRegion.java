package io.kontiki.kafka.wire;

import io.kontiki.runtime.FileRange;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.FileRegion;
import io.netty.util.AbstractReferenceCounted;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;

/** A range of a log's file on its way into a socket; the file is given back when it is through. */
final class RangeRegion {
  private RangeRegion() {}

  /**
   * Borrows the file.
   *
   * @throws IllegalStateException if it is not the one any more that was read
   */
  static FileRegion of(FileRange range) {
    FileRange.Lent lent = range.lend();
    if (lent == null) {
      throw new IllegalStateException("what was read has been replaced before it was sent");
    }
    FileChannel channel = lent.file().channel();
    return channel == null
        ? new Copied(lent, range.bytes())
        : new Sent(channel, lent, range.bytes());
  }

  /** Bytes that the socket has not taken. */
  static long left(FileRegion region) {
    return region.count() - region.transferred();
  }

  /**
   * By the system, without a copy. Netty's transport on epoll asks the system for that (sendfile)
   * for its own kind of region alone; every other it has copied by pieces of 8 KiB.
   */
  private static final class Sent extends DefaultFileRegion {
    private final FileRange.Lent lent;

    Sent(FileChannel channel, FileRange.Lent lent, int count) {
      super(channel, lent.position(), count);
      this.lent = lent;
    }

    @Override
    protected void deallocate() {
      lent.close(); // the file stays open for others
    }
  }

  /** From a file that is in memory. */
  private static final class Copied extends AbstractReferenceCounted implements FileRegion {
    private static final int PIECE_BYTES = 64 << 10;

    private final FileRange.Lent lent;
    private final int count;
    private long transferred;

    Copied(FileRange.Lent lent, int count) {
      this.lent = lent;
      this.count = count;
    }

    @Override
    public long transferTo(WritableByteChannel to, long from) throws IOException {
      ByteBuffer piece = ByteBuffer.allocate((int) Math.min(count - from, PIECE_BYTES));
      if (lent.file().read(piece, position() + from) == 0) {
        throw new IOException("the log was cut while it was sent: " + lent.file().path());
      }
      long sent = to.write(piece.flip());
      transferred += Math.max(0, sent);
      return sent;
    }

    @Override
    public long position() {
      return lent.position();
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

    @Override
    protected void deallocate() {
      lent.close();
    }

    @Override
    public Copied retain() {
      super.retain();
      return this;
    }

    @Override
    public Copied retain(int increment) {
      super.retain(increment);
      return this;
    }

    @Override
    public Copied touch() {
      return this;
    }

    @Override
    public Copied touch(Object hint) {
      return this;
    }
  }
}
