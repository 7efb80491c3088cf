package io.kontiki.proto;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.io.InputStream;

/**
 * Moves messages whose field 15 is a large {@code bytes} field without making a ByteString of it:
 * buffers go straight into gRPC's frames, and one copy leads from gRPC's buffers to the heap.
 *
 * <pre>
 *   +------------------------+------+----------------+------------------+
 *   | fields 1 to 14, others | 0x7a | varint: length | length bytes     |
 *   | as generated code      | tag  | of the payload | field 15         |
 *   +------------------------+------+----------------+------------------+
 * </pre>
 *
 * <p>The bytes are those of ordinary protobuf for the same message, and any order of fields is
 * read; of several fields 15 the last one counts, as in protobuf. An empty payload is not written.
 * Any thread.
 *
 * @param <M> generated type of the message; its own field 15 stays unset on both sides
 */
public final class PayloadMarshaller<M extends MessageLite>
    implements MethodDescriptor.Marshaller<WithPayload<M>> {
  /** Number of the payload's field: the largest whose tag is one byte. */
  public static final int FIELD = 15;

  private final Parser<M> parser;
  private final int maxBytes;

  /**
   * A marshaller of one type.
   *
   * @param defaultInstance of the type
   * @param maxBytes largest message to read, payload included; what is larger ends the call with
   *     RESOURCE_EXHAUSTED, before memory is taken for it
   */
  public PayloadMarshaller(M defaultInstance, int maxBytes) {
    if (maxBytes <= 0) {
      throw new IllegalArgumentException("maxBytes is " + maxBytes + " and must be positive");
    }
    @SuppressWarnings("unchecked") // a generated message's parser makes messages of its own type
    Parser<M> own = (Parser<M>) defaultInstance.getParserForType();
    this.parser = own;
    this.maxBytes = maxBytes;
  }

  @Override
  public InputStream stream(WithPayload<M> value) {
    return new PayloadOutput(value);
  }

  @Override
  public WithPayload<M> parse(InputStream stream) {
    try {
      PayloadInput input = PayloadInput.read(stream, maxBytes);
      M message = parser.parseFrom(input.message(), input.from(), input.to() - input.from());
      return new WithPayload<>(message, input.payload());
    } catch (PayloadInput.TooLargeException e) {
      throw Status.RESOURCE_EXHAUSTED.withDescription(e.getMessage()).asRuntimeException();
    } catch (InvalidProtocolBufferException e) {
      throw Status.INTERNAL
          .withDescription("invalid protobuf bytes: " + e.getMessage())
          .withCause(e)
          .asRuntimeException();
    } catch (IOException e) {
      throw Status.INTERNAL
          .withDescription("cannot read a message: " + e.getMessage())
          .withCause(e)
          .asRuntimeException();
    }
  }
}
