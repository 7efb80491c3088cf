package io.kontiki.kafka;

import io.kontiki.model.Endpoint;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;

/** Speaks the protocol request by request, in any version, and also wrongly. */
final class RawClient implements AutoCloseable {
  private final Socket socket;
  private final DataOutputStream out;
  private final DataInputStream in;
  private int correlation = 100;

  RawClient(Endpoint broker) throws IOException {
    socket = new Socket(broker.host(), broker.port());
    socket.setSoTimeout(30_000);
    socket.setTcpNoDelay(true);
    out = new DataOutputStream(socket.getOutputStream());
    in = new DataInputStream(socket.getInputStream());
  }

  /** The bytes of a request without their length. */
  static byte[] frame(ApiKeys api, short version, int correlation, ApiMessage body) {
    short headerVersion = api.requestHeaderVersion(version);
    ByteBuffer header =
        MessageUtil.toByteBuffer(
            new RequestHeaderData()
                .setRequestApiKey(api.id)
                .setRequestApiVersion(version)
                .setCorrelationId(correlation)
                .setClientId("raw"),
            headerVersion);
    ByteBuffer content = MessageUtil.toByteBuffer(body, version);
    byte[] all = new byte[header.remaining() + content.remaining()];
    int headerBytes = header.remaining();
    header.get(all, 0, headerBytes);
    content.get(all, headerBytes, all.length - headerBytes);
    return all;
  }

  void write(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  void writeInt(int value) throws IOException {
    out.writeInt(value);
    out.flush();
  }

  int send(ApiKeys api, int version, ApiMessage body) throws IOException {
    int id = ++correlation;
    byte[] frame = frame(api, (short) version, id, body);
    out.writeInt(frame.length);
    out.write(frame);
    out.flush();
    return id;
  }

  /** The next frame. */
  ByteBuffer read() throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return ByteBuffer.wrap(bytes);
  }

  /** The next answer, which must belong to the request. */
  <T extends ApiMessage> T read(ApiKeys api, int version, int id, Class<T> type)
      throws IOException {
    ByteBufferAccessor bytes = new ByteBufferAccessor(read());
    ResponseHeaderData header = new ResponseHeaderData();
    header.read(bytes, api.responseHeaderVersion((short) version));
    if (header.correlationId() != id) {
      throw new AssertionError("answer to " + header.correlationId() + " instead of " + id);
    }
    ApiMessage body = api.messageType.newResponse();
    body.read(bytes, (short) version);
    if (bytes.remaining() > 0) {
      throw new AssertionError(bytes.remaining() + " bytes behind the answer");
    }
    return type.cast(body);
  }

  <T extends ApiMessage> T call(ApiKeys api, int version, ApiMessage body, Class<T> type)
      throws IOException {
    return read(api, version, send(api, version, body), type);
  }

  /** Whether the broker has closed the connection, or does so soon. */
  boolean closed() throws IOException {
    try {
      return in.read() < 0;
    } catch (java.net.SocketException e) {
      return true; // reset
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
