package io.kontiki.raft.jraft;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Message;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One request, response or error on a Raft stream.
 *
 * <pre>
 * offset 0   u8   kind (0 request, 1 response, 2 error)
 *        1   i64  id: chosen by the client, echoed by the server
 *        9   u8   n: length of the message name, 0 for an error
 *       10   n    message name, ASCII
 *     10+n   ...  protobuf body, or the error text in UTF-8
 * </pre>
 *
 * @param message the body; null exactly when the kind is {@link #ERROR}
 * @param error the text; null unless the kind is {@link #ERROR}
 */
record RaftFrame(byte kind, long id, @Nullable Message message, @Nullable String error) {
  /** The full name of the gRPC service. */
  static final String SERVICE = "kontiki.internal.v1.RaftService";

  static final byte REQUEST = 0;
  static final byte RESPONSE = 1;
  static final byte ERROR = 2;
  private static final int FIXED_BYTES = 10;

  static RaftFrame request(long id, Message message) {
    return new RaftFrame(REQUEST, id, message, null);
  }

  static RaftFrame response(long id, Message message) {
    return new RaftFrame(RESPONSE, id, message, null);
  }

  static RaftFrame error(long id, String text) {
    return new RaftFrame(ERROR, id, null, text);
  }

  static MethodDescriptor<RaftFrame, RaftFrame> sessionMethod(RaftMessages messages) {
    MethodDescriptor.Marshaller<RaftFrame> marshaller = new Marshaller(messages);
    return MethodDescriptor.newBuilder(marshaller, marshaller)
        .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
        .setFullMethodName(SERVICE + "/Session")
        .build();
  }

  private static final int BUFFER_BYTES = 4 << 10;

  private record Marshaller(RaftMessages messages)
      implements MethodDescriptor.Marshaller<RaftFrame> {
    @Override
    public InputStream stream(RaftFrame frame) {
      return new FrameStream(frame);
    }

    @Override
    public RaftFrame parse(InputStream stream) {
      try {
        DataInputStream in = new DataInputStream(stream);
        byte kind = in.readByte();
        long id = in.readLong();
        byte[] name = new byte[in.readUnsignedByte()];
        in.readFully(name);
        if (kind == ERROR) {
          return error(id, new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
        String text = new String(name, StandardCharsets.US_ASCII);
        Message prototype = messages.prototype(text);
        if (prototype == null) {
          throw Status.INVALID_ARGUMENT
              .withDescription("unknown raft message '" + text + "'")
              .asRuntimeException();
        }
        // gRPC tells what is left: a heartbeat does not need a buffer of 4 KiB.
        int buffer = Math.max(1, Math.min(BUFFER_BYTES, in.available()));
        CodedInputStream body = CodedInputStream.newInstance(in, buffer);
        body.setSizeLimit(Integer.MAX_VALUE);
        return new RaftFrame(kind, id, prototype.getParserForType().parseFrom(body), null);
      } catch (IOException e) {
        throw Status.INTERNAL
            .withDescription("unreadable raft frame")
            .withCause(e)
            .asRuntimeException();
      }
    }
  }

  /** Lets gRPC write the message straight into its own buffers; read() serves in-process use. */
  private static final class FrameStream extends InputStream implements Drainable, KnownLength {
    private final RaftFrame frame;
    private final byte[] name;
    private final byte[] errorText;
    private final int totalBytes;
    private boolean drained;
    private @Nullable ByteArrayInputStream copy;

    FrameStream(RaftFrame frame) {
      this.frame = frame;
      Message message = frame.message();
      this.name =
          (message == null ? "" : RaftMessages.name(message)).getBytes(StandardCharsets.US_ASCII);
      this.errorText = Objects.toString(frame.error(), "").getBytes(StandardCharsets.UTF_8);
      int body = message == null ? errorText.length : message.getSerializedSize();
      this.totalBytes = FIXED_BYTES + name.length + body;
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
      DataOutputStream out = new DataOutputStream(target);
      out.writeByte(frame.kind());
      out.writeLong(frame.id());
      out.writeByte(name.length);
      out.write(name);
      Message message = frame.message();
      if (message == null) {
        out.write(errorText);
      } else {
        message.writeTo(out);
      }
      drained = true;
      return totalBytes;
    }

    @Override
    public int available() {
      return copy != null ? copy.available() : drained ? 0 : totalBytes;
    }

    @Override
    public int read() throws IOException {
      return copy().read();
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      return copy().read(target, offset, length);
    }

    private ByteArrayInputStream copy() throws IOException {
      if (copy == null) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(totalBytes);
        drainTo(bytes);
        copy = new ByteArrayInputStream(bytes.toByteArray());
      }
      return copy;
    }
  }
}
