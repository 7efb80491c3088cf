package io.kontiki.broker.rpc;

import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import java.net.InetSocketAddress;
import java.net.SocketAddress;

/** Who calls, for operators. */
record ClientInfo(String userAgent, String host) {
  static final ClientInfo UNKNOWN = new ClientInfo("", "");
  static final Context.Key<ClientInfo> KEY = Context.keyWithDefault("client", UNKNOWN);

  private static final Metadata.Key<String> USER_AGENT =
      Metadata.Key.of("user-agent", Metadata.ASCII_STRING_MARSHALLER);
  private static final int MAX_AGENT_CHARS = 255;

  static ClientInfo of(ServerCall<?, ?> call, Metadata headers) {
    String agent = headers.get(USER_AGENT);
    SocketAddress from = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    return new ClientInfo(
        agent == null ? "" : agent.substring(0, Math.min(MAX_AGENT_CHARS, agent.length())),
        from instanceof InetSocketAddress ip ? ip.getAddress().getHostAddress() : "");
  }
}
