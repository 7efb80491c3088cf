package io.kontiki.broker.shards;

import io.kontiki.broker.coordinator.Coordinator;
import io.kontiki.broker.coordinator.LinkDialler;
import io.kontiki.broker.coordinator.LinkEvent;
import io.kontiki.broker.coordinator.LinkOut;
import io.kontiki.broker.coordinator.LinkRequest;
import io.kontiki.runtime.EventLoop;
import org.jspecify.annotations.Nullable;

/** A link to the coordinator on this node: both ends on the control loop, a turn apart. */
final class LocalLink implements LinkDialler.Link, LinkOut {
  private final EventLoop loop;
  private final LinkDialler.Handler handler;
  private Coordinator.@Nullable Incoming incoming;
  private boolean closed;
  private boolean ended;

  private LocalLink(EventLoop loop, LinkDialler.Handler handler) {
    this.loop = loop;
    this.handler = handler;
  }

  /**
   * Opens it.
   *
   * @param coordinator null: there is none here, and the link ends
   */
  static LocalLink open(
      EventLoop loop, @Nullable Coordinator coordinator, LinkDialler.Handler handler) {
    LocalLink link = new LocalLink(loop, handler);
    if (coordinator == null) {
      link.end();
    } else {
      link.incoming = coordinator.accept(link);
    }
    return link;
  }

  @Override
  public boolean ready() {
    return !closed && !ended;
  }

  @Override
  public void send(LinkRequest request) {
    loop.execute(
        () -> {
          if (!closed && incoming != null) {
            incoming.onRequest(request);
          }
        });
  }

  @Override
  public void close() {
    closed = true;
    loop.execute(
        () -> {
          if (incoming != null) {
            incoming.onBroken();
          }
        });
  }

  @Override
  public void send(LinkEvent event) {
    loop.execute(
        () -> {
          if (!closed) {
            handler.onEvent(event);
          }
        });
  }

  @Override
  public void end() {
    ended = true;
    loop.execute(
        () -> {
          if (!closed) {
            closed = true;
            handler.onEnded("the coordinator has ended it");
          }
        });
  }
}
