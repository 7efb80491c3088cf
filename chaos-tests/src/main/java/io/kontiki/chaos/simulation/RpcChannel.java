package io.kontiki.chaos.simulation;

import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientStreamTracer;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.kontiki.broker.forward.CallTimeouts;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A gRPC channel from one simulated process to a port of another: the server's own stubs and
 * services talk over it, on virtual time. Each call is a connection of its own.
 */
final class RpcChannel extends ManagedChannel {
  private static final long CONNECT_NANOS = 1_000_000_000L;

  private final SimProcess client;
  private final EventLoop loop;
  private final int server;
  private final int port;
  private final @Nullable ClientInterceptor interceptor;
  private final Channel direct = new Direct();
  private boolean shut;

  RpcChannel(
      SimProcess client,
      EventLoop loop,
      int server,
      int port,
      @Nullable ClientInterceptor interceptor) {
    this.client = client;
    this.loop = loop;
    this.server = server;
    this.port = port;
    this.interceptor = interceptor;
  }

  @Override
  public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
    return interceptor == null
        ? direct.newCall(method, options)
        : interceptor.interceptCall(method, options, direct);
  }

  @Override
  public String authority() {
    return "n" + server + ":" + port;
  }

  @Override
  public ConnectivityState getState(boolean requestConnection) {
    return shut ? ConnectivityState.SHUTDOWN : ConnectivityState.READY;
  }

  @Override
  public ManagedChannel shutdown() {
    shut = true;
    return this;
  }

  @Override
  public ManagedChannel shutdownNow() {
    return shutdown();
  }

  @Override
  public boolean isShutdown() {
    return shut;
  }

  @Override
  public boolean isTerminated() {
    return shut;
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return true;
  }

  private final class Direct extends Channel {
    @Override
    public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
      return new Call<>(method, options);
    }

    @Override
    public String authority() {
      return RpcChannel.this.authority();
    }
  }

  /** The client's end of a call. */
  final class Call<Q, A> extends ClientCall<Q, A> {
    private final MethodDescriptor<Q, A> method;
    private final CallOptions options;
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private ClientCall.@Nullable Listener<A> listener;
    private Network.@Nullable Connection connection;
    private @Nullable RpcServer<Q, A> there;
    private EventLoop.@Nullable Timer deadline;
    private boolean over;

    Call(MethodDescriptor<Q, A> method, CallOptions options) {
      this.method = method;
      this.options = options;
    }

    @Override
    public void start(ClientCall.Listener<A> newListener, Metadata headers) {
      listener = newListener;
      Context.current()
          .addListener(context -> cancel("the caller has ended it", null), Runnable::run);
      Long timeout = options.getOption(CallTimeouts.NANOS);
      if (timeout != null) {
        deadline = loop.schedule(timeout, () -> give(Status.DEADLINE_EXCEEDED, true));
      }
      if (shut) {
        loop.execute(() -> close(Status.UNAVAILABLE.withDescription("the channel is shut")));
        return;
      }
      client
          .network()
          .connect(
              client.machine(),
              server,
              CONNECT_NANOS,
              shown -> loop.execute(() -> connected(shown, headers)));
    }

    private void connected(Network.Shown shown, Metadata headers) {
      if (over) {
        return;
      }
      if (shown != Network.Shown.ANSWERED) {
        close(
            Status.UNAVAILABLE.withDescription(
                shown == Network.Shown.REFUSED ? "connection refused" : "no answer"));
        return;
      }
      for (ClientStreamTracer.Factory factory : options.getStreamTracerFactories()) {
        factory
            .newClientStreamTracer(ClientStreamTracer.StreamInfo.newBuilder().build(), headers)
            .streamCreated(Attributes.EMPTY, headers);
      }
      Network.Connection way = client.network().open(client.machine(), server);
      connection = way;
      way.toClient.onEnd(why -> loop.execute(() -> close(Status.UNAVAILABLE.withDescription(why))));
      RpcServer<Q, A> far = new RpcServer<>(this, way, method, options);
      there = far;
      way.toServer.send(() -> far.arrive(client.world().serving(server, port), headers));
      waiting.forEach(way.toServer::send);
      waiting.clear();
    }

    private void toServer(Runnable arrive) {
      Network.Connection way = connection;
      if (way == null) {
        waiting.add(arrive);
      } else {
        way.toServer.send(arrive);
      }
    }

    private RpcServer<Q, A> there() {
      return java.util.Objects.requireNonNull(there);
    }

    @Override
    public void sendMessage(Q message) {
      if (over) {
        return;
      }
      // Through the marshaller: what the other side does to a buffer is not seen here.
      Q copy = method.parseRequest(method.streamRequest(message));
      toServer(() -> there().message(copy));
    }

    @Override
    public void halfClose() {
      if (!over) {
        toServer(() -> there().halfClosed());
      }
    }

    @Override
    public void cancel(@Nullable String message, @Nullable Throwable cause) {
      give(Status.CANCELLED.withDescription(message).withCause(cause), false);
    }

    /** Ends it from this side. */
    private void give(Status status, boolean onLoop) {
      if (over) {
        return;
      }
      Network.Connection way = connection;
      RpcServer<Q, A> far = there;
      if (way != null && far != null) {
        way.toServer.send(
            () -> {
              way.end();
              far.cancelled();
            });
      }
      if (onLoop) {
        close(status);
      } else {
        over = true;
        loop.execute(() -> tell(status));
      }
    }

    @Override
    public void request(int messages) {
      // The network is the only thing that holds messages back.
    }

    @Override
    public boolean isReady() {
      return !over;
    }

    /** An answer came; on the network's time. */
    void answered(A message) {
      loop.execute(
          () -> {
            if (!over && listener != null) {
              listener.onMessage(message);
            }
          });
    }

    /** The server has ended it. */
    void ended(Status status) {
      loop.execute(() -> close(status));
    }

    private void close(Status status) {
      if (!over) {
        over = true;
        tell(status);
      }
    }

    private void tell(Status status) {
      if (deadline != null) {
        deadline.cancel();
      }
      ClientCall.Listener<A> told = listener;
      if (told != null) {
        listener = null;
        told.onClose(status, new Metadata());
      }
    }
  }
}
