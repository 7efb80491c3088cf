package io.kontiki.broker.shards;

import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.coordinator.LinkDialler;
import io.kontiki.broker.coordinator.LinkRequest;
import io.kontiki.internal.v1.CoordinatorServiceGrpc;
import io.kontiki.internal.v1.LinkResponse;
import io.kontiki.runtime.EventLoop;
import org.jspecify.annotations.Nullable;

/** A link to a coordinator on another node. */
final class RemoteLink implements LinkDialler.Link {
  private final EventLoop loop;
  private final LinkDialler.Handler handler;
  private final Context.CancellableContext context = Context.ROOT.withCancellation();
  private @Nullable ClientCallStreamObserver<io.kontiki.internal.v1.LinkRequest> out;
  private boolean closed;

  private RemoteLink(EventLoop loop, LinkDialler.Handler handler) {
    this.loop = loop;
    this.handler = handler;
  }

  /** Opens it; on the control loop. */
  static RemoteLink open(EventLoop loop, ManagedChannel channel, LinkDialler.Handler handler) {
    RemoteLink link = new RemoteLink(loop, handler);
    link.context.run(() -> CoordinatorServiceGrpc.newStub(channel).link(link.new Responses()));
    return link;
  }

  @Override
  public boolean ready() {
    return !closed && out != null && out.isReady();
  }

  @Override
  public void send(LinkRequest request) {
    if (!closed && out != null) {
      out.onNext(LinkCodec.message(request));
    }
  }

  @Override
  public void close() {
    closed = true;
    out = null;
    context.cancel(null);
  }

  /** What comes from there. */
  private final class Responses
      implements ClientResponseObserver<io.kontiki.internal.v1.LinkRequest, LinkResponse> {
    @Override
    public void beforeStart(ClientCallStreamObserver<io.kontiki.internal.v1.LinkRequest> requests) {
      out = requests;
      requests.setOnReadyHandler(() -> home(handler::onReady));
    }

    @Override
    public void onNext(LinkResponse message) {
      home(
          () -> {
            try {
              handler.onEvent(LinkCodec.event(message));
            } catch (IllegalArgumentException e) {
              ended("what it says cannot be read: " + e.getMessage());
            }
          });
    }

    @Override
    public void onError(Throwable failure) {
      loop.execute(() -> ended(String.valueOf(Status.fromThrowable(failure))));
    }

    @Override
    public void onCompleted() {
      loop.execute(() -> ended("the coordinator has ended it"));
    }

    private void home(Runnable task) {
      CallContext.onLoop(
          loop,
          () -> {
            if (!closed) {
              task.run();
            }
          });
    }

    private void ended(String why) {
      if (!closed) {
        close();
        handler.onEnded(why);
      }
    }
  }
}
