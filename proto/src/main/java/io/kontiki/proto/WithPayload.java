package io.kontiki.proto;

import com.google.protobuf.MessageLite;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A message whose field 15, its payload, is kept beside it as buffers.
 *
 * <p>The buffers belong to the garbage collector: nobody reuses or changes their bytes after the
 * value was made (D7). Their positions and limits bound what is sent; they are read through
 * duplicates and stay as they are.
 *
 * @param message the message with field 15 not set
 * @param payload the content of field 15, to be read one after the other; empty: not set. A value
 *     that was received holds at most one buffer, on the heap; if it is large the message's other
 *     fields lie beside it, a sixteenth of it at most
 */
public record WithPayload<M extends MessageLite>(M message, List<ByteBuffer> payload) {
  private static final ByteBuffer EMPTY = ByteBuffer.allocate(0).asReadOnlyBuffer();

  public WithPayload {
    payload = List.copyOf(payload);
  }

  /** A message without payload. */
  public static <M extends MessageLite> WithPayload<M> of(M message) {
    return new WithPayload<>(message, List.of());
  }

  /** A message with one buffer. */
  public static <M extends MessageLite> WithPayload<M> of(M message, ByteBuffer payload) {
    return new WithPayload<>(message, List.of(payload));
  }

  /**
   * Bytes of field 15.
   *
   * @throws ArithmeticException if they are more than an int can say
   */
  public int payloadBytes() {
    int bytes = 0;
    for (ByteBuffer buffer : payload) {
      bytes = Math.addExact(bytes, buffer.remaining());
    }
    return bytes;
  }

  /**
   * The payload in one buffer: a duplicate of the only one, an empty one if there is none, a copy
   * if there are several.
   */
  public ByteBuffer joined() {
    if (payload.isEmpty()) {
      return EMPTY.duplicate();
    }
    if (payload.size() == 1) {
      return payload.get(0).duplicate();
    }
    ByteBuffer all = ByteBuffer.allocate(payloadBytes());
    for (ByteBuffer buffer : payload) {
      all.put(buffer.duplicate());
    }
    return all.flip();
  }
}
