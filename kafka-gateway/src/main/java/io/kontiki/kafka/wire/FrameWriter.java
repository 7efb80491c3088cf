package io.kontiki.kafka.wire;

import io.kontiki.runtime.FileRange;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.ReferenceCountUtil;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.Writable;
import org.apache.kafka.common.record.BaseRecords;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.utils.ByteUtils;

/** Makes the frame of one answer; records stay where they are, also in files. */
final class FrameWriter implements Writable {
  /** Less is copied: a component of its own costs more than that. */
  private static final int COPY_BYTES = 1024;

  private static final int FIRST_BYTES = 64 << 10;

  private final ByteBufAllocator allocator;
  private final List<Object> pieces = new ArrayList<>();
  private List<ByteBuf> parts = new ArrayList<>();
  private long written;
  private ByteBuf current;

  private FrameWriter(ByteBufAllocator allocator, int expectedBytes) {
    this.allocator = allocator;
    this.current = allocator.buffer(Math.min(FIRST_BYTES, expectedBytes));
  }

  /**
   * Length, header, body.
   *
   * @return to be released by whom it is given to
   */
  static Frame frame(
      ByteBufAllocator allocator,
      ApiMessage header,
      short headerVersion,
      ApiMessage body,
      short version) {
    ObjectSerializationCache headerCache = new ObjectSerializationCache();
    ObjectSerializationCache cache = new ObjectSerializationCache();
    int size = header.size(headerCache, headerVersion) + body.size(cache, version);
    FrameWriter writer = new FrameWriter(allocator, Integer.BYTES + size);
    try {
      writer.writeInt(size);
      header.write(writer, headerCache, headerVersion);
      body.write(writer, cache, version);
      return writer.finish(Integer.BYTES + size);
    } catch (RuntimeException e) {
      writer.release();
      throw e;
    }
  }

  private Frame finish(int expectedBytes) {
    closeBuffers();
    if (written != expectedBytes) {
      throw new IllegalStateException(
          "an answer of " + written + " bytes, of which " + expectedBytes + " were announced");
    }
    return new Frame(pieces);
  }

  /** What was written since the last range becomes one piece. */
  private void closeBuffers() {
    parts.add(current);
    current = Unpooled.EMPTY_BUFFER;
    List<ByteBuf> all = parts;
    parts = new ArrayList<>();
    ByteBuf piece =
        all.size() == 1
            ? all.get(0)
            : allocator.compositeBuffer(all.size()).addComponents(true, all);
    written += piece.readableBytes();
    pieces.add(piece);
  }

  private void range(FileRange range) {
    closeBuffers();
    pieces.add(RangeRegion.of(range));
    written += range.bytes();
    current = allocator.buffer(256);
  }

  private void release() {
    pieces.forEach(ReferenceCountUtil::release);
    parts.forEach(ByteBuf::release);
    current.release();
  }

  private void view(ByteBuffer bytes) {
    if (bytes.remaining() <= COPY_BYTES) {
      current.writeBytes(bytes.duplicate());
      return;
    }
    parts.add(current);
    parts.add(Unpooled.wrappedBuffer(bytes));
    current = allocator.buffer(256);
  }

  @Override
  public void writeRecords(BaseRecords records) {
    if (records instanceof StoredRecords stored) {
      FileRange range = stored.range();
      if (range != null) {
        range(range);
      } else {
        stored.batches().forEach(this::view);
      }
    } else if (records instanceof MemoryRecords memory) {
      view(memory.buffer());
    } else {
      throw new IllegalArgumentException("records of " + records.getClass());
    }
  }

  @Override
  public void writeByte(byte value) {
    current.writeByte(value);
  }

  @Override
  public void writeShort(short value) {
    current.writeShort(value);
  }

  @Override
  public void writeInt(int value) {
    current.writeInt(value);
  }

  @Override
  public void writeLong(long value) {
    current.writeLong(value);
  }

  @Override
  public void writeDouble(double value) {
    current.writeDouble(value);
  }

  @Override
  public void writeByteArray(byte[] value) {
    current.writeBytes(value);
  }

  @Override
  public void writeUnsignedVarint(int value) {
    ByteBuffer bytes = ByteBuffer.allocate(5);
    ByteUtils.writeUnsignedVarint(value, bytes);
    current.writeBytes(bytes.flip());
  }

  @Override
  public void writeByteBuffer(ByteBuffer value) {
    view(value);
  }

  @Override
  public void writeVarint(int value) {
    ByteBuffer bytes = ByteBuffer.allocate(5);
    ByteUtils.writeVarint(value, bytes);
    current.writeBytes(bytes.flip());
  }

  @Override
  public void writeVarlong(long value) {
    ByteBuffer bytes = ByteBuffer.allocate(10);
    ByteUtils.writeVarlong(value, bytes);
    current.writeBytes(bytes.flip());
  }
}
