package io.kontiki.chaos.simulation;

import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.kontiki.broker.forward.CallTimeouts;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.TreeMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The server's end of a call. */
final class RpcServer<Q, A> extends ServerCall<Q, A> {
  /** Of contexts with a deadline: the client's end keeps the time. */
  private static final ScheduledExecutorService NEVER =
      (ScheduledExecutorService)
          Proxy.newProxyInstance(
              RpcServer.class.getClassLoader(),
              new Class<?>[] {ScheduledExecutorService.class},
              (proxy, method, arguments) -> null);

  private final RpcChannel.Call<Q, A> client;
  private final Network.Connection way;
  private final MethodDescriptor<Q, A> method;
  private final CallOptions options;
  private final ArrayDeque<Runnable> early = new ArrayDeque<>();
  private @Nullable EventLoop loop;
  private ServerCall.@Nullable Listener<Q> listener;
  private Context.CancellableContext context = Context.ROOT.withCancellation();
  private boolean over;
  private boolean cancelled;

  /** What a process serves at a port: on which loop, and which methods. */
  record Port(EventLoop loop, Clock clock, TreeMap<String, ServerMethodDefinition<?, ?>> methods) {}

  RpcServer(
      RpcChannel.Call<Q, A> client,
      Network.Connection way,
      MethodDescriptor<Q, A> method,
      CallOptions options) {
    this.client = client;
    this.way = way;
    this.method = method;
    this.options = options;
  }

  /** The call has come to the machine. */
  void arrive(@Nullable Port port, Metadata headers) {
    if (port == null) {
      way.reset("nobody listens");
      return;
    }
    loop = port.loop();
    way.toServer.onEnd(why -> cancelled());
    port.loop().execute(() -> begin(port, headers));
  }

  @SuppressWarnings("unchecked") // methods with one name have one type
  private void begin(Port port, Metadata headers) {
    ServerMethodDefinition<Q, A> found =
        (ServerMethodDefinition<Q, A>) port.methods().get(method.getFullMethodName());
    if (found == null) {
      close(Status.UNIMPLEMENTED, new Metadata());
      return;
    }
    Long timeout = options.getOption(CallTimeouts.NANOS);
    if (timeout != null) {
      Deadline.Ticker ticker =
          new Deadline.Ticker() {
            @Override
            public long nanoTime() {
              return port.clock().nanoTime();
            }
          };
      context =
          Context.ROOT.withDeadline(Deadline.after(timeout, TimeUnit.NANOSECONDS, ticker), NEVER);
    }
    context.run(() -> listener = found.getServerCallHandler().startCall(this, headers));
    ServerCall.Listener<Q> started = listener;
    if (started != null) {
      context.run(started::onReady);
    }
    early.forEach(Runnable::run);
    early.clear();
  }

  private void onLoop(Runnable task) {
    EventLoop target = loop;
    if (target != null) {
      target.execute(
          () -> {
            if (listener == null) {
              early.add(() -> context.run(task));
            } else {
              context.run(task);
            }
          });
    }
  }

  void message(Q message) {
    onLoop(
        () -> {
          if (!over && listener != null) {
            listener.onMessage(message);
          }
        });
  }

  void halfClosed() {
    onLoop(
        () -> {
          if (!over && listener != null) {
            listener.onHalfClose();
          }
        });
  }

  void cancelled() {
    onLoop(
        () -> {
          if (!over && listener != null) {
            over = true;
            cancelled = true;
            listener.onCancel();
          }
        });
  }

  @Override
  public void request(int messages) {
    // The network is the only thing that holds messages back.
  }

  @Override
  public void sendHeaders(Metadata headers) {
    // Nobody looks at them.
  }

  @Override
  public void sendMessage(A message) {
    if (!over) {
      A copy = method.parseResponse(method.streamResponse(message));
      way.toClient.send(() -> client.answered(copy));
    }
  }

  @Override
  public void close(Status status, Metadata trailers) {
    if (over) {
      return;
    }
    over = true;
    way.toClient.send(
        () -> {
          way.end();
          client.ended(status);
        });
    ServerCall.Listener<Q> told = listener;
    EventLoop target = loop;
    if (told != null && target != null) {
      target.execute(() -> context.run(told::onComplete));
    }
  }

  @Override
  public boolean isCancelled() {
    return cancelled;
  }

  @Override
  public boolean isReady() {
    return !over;
  }

  @Override
  public MethodDescriptor<Q, A> getMethodDescriptor() {
    return method;
  }
}
