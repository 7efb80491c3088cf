package io.kontiki.proto;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A message on its way out: the generated part and the tag in one array, then the payload as is.
 */
final class PayloadOutput extends InputStream implements KnownLength, Drainable {
  private static final int SCRATCH_BYTES = 16 * 1024;

  /**
   * Read-only buffers do not show their array. Memory for the copy is kept by the thread: zeroing
   * it for each message costs as much as the copy. It is used within {@link #drainTo} alone.
   */
  private static final ThreadLocal<byte[]> SCRATCH =
      ThreadLocal.withInitial(() -> new byte[SCRATCH_BYTES]);

  /** What is still to be read, in order; duplicates, so that positions here are ours. */
  private final Deque<ByteBuffer> rest = new ArrayDeque<>();

  PayloadOutput(WithPayload<?> value) {
    int payloadBytes = value.payloadBytes();
    rest.add(ByteBuffer.wrap(head(value, payloadBytes)));
    for (ByteBuffer buffer : value.payload()) {
      rest.add(buffer.duplicate());
    }
    long all = (long) rest.element().remaining() + payloadBytes;
    if (all > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("a message of " + all + " bytes is beyond 2 GiB");
    }
  }

  private static byte[] head(WithPayload<?> value, int payloadBytes) {
    int bytes = value.message().getSerializedSize();
    if (payloadBytes > 0) {
      bytes +=
          CodedOutputStream.computeTagSize(PayloadMarshaller.FIELD)
              + CodedOutputStream.computeUInt32SizeNoTag(payloadBytes);
    }
    byte[] head = new byte[bytes];
    CodedOutputStream out = CodedOutputStream.newInstance(head);
    try {
      value.message().writeTo(out);
      if (payloadBytes > 0) {
        out.writeTag(PayloadMarshaller.FIELD, WireFormat.WIRETYPE_LENGTH_DELIMITED);
        out.writeUInt32NoTag(payloadBytes);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("an array of the computed size was too small", e);
    }
    out.checkNoSpaceLeft();
    return head;
  }

  @Override
  public int drainTo(OutputStream target) throws IOException {
    int written = 0;
    byte[] scratch = null;
    for (ByteBuffer next = rest.poll(); next != null; next = rest.poll()) {
      written += next.remaining();
      if (next.hasArray()) {
        target.write(next.array(), next.arrayOffset() + next.position(), next.remaining());
        continue;
      }
      if (scratch == null) {
        scratch = SCRATCH.get();
      }
      while (next.hasRemaining()) {
        int part = Math.min(next.remaining(), scratch.length);
        next.get(scratch, 0, part);
        target.write(scratch, 0, part);
      }
    }
    return written;
  }

  @Override
  public int available() {
    int bytes = 0;
    for (ByteBuffer buffer : rest) {
      bytes += buffer.remaining();
    }
    return bytes;
  }

  @Override
  public int read() {
    dropRead();
    ByteBuffer next = rest.peek();
    return next == null ? -1 : next.get() & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) {
    if (length == 0) {
      return 0;
    }
    dropRead();
    ByteBuffer next = rest.peek();
    if (next == null) {
      return -1;
    }
    int part = Math.min(length, next.remaining());
    next.get(target, offset, part);
    return part;
  }

  private void dropRead() {
    while (!rest.isEmpty() && !rest.element().hasRemaining()) {
      rest.remove();
    }
  }
}
