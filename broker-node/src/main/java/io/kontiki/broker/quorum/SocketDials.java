package io.kontiki.broker.quorum;

import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Dials by TCP; names are looked up off the loop, within the time of the dial. */
final class SocketDials implements Dials {
  private static final int DIAL_MS = 100;

  private final LoopGroup control;
  private final EventLoop loop;
  private final HostLookups lookups;

  SocketDials(LoopGroup control) {
    this.control = control;
    this.loop = control.first();
    this.lookups = new HostLookups(loop);
  }

  @Override
  public void dial(Endpoint raft, Completion<Shown> completion) {
    lookups.lookUp(
        raft.host(),
        TimeUnit.MILLISECONDS.toNanos(DIAL_MS),
        address -> {
          if (address.isEmpty()) {
            completion.complete(Shown.NOTHING); // a name without an address proves nothing
          } else {
            connect(new InetSocketAddress(address.get(), raft.port()), completion);
          }
        });
  }

  private void connect(InetSocketAddress address, Completion<Shown> completion) {
    ChannelFuture connecting =
        new Bootstrap()
            .group(control.netty())
            .channel(LoopGroup.channelType())
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, DIAL_MS)
            .handler(new ChannelInboundHandlerAdapter())
            .connect(address);
    connecting.addListener(
        future -> {
          Shown shown = shown(future.isSuccess(), future.cause());
          if (future.isSuccess()) {
            connecting.channel().close();
          }
          loop.execute(() -> completion.complete(shown));
        });
  }

  private static Shown shown(
      boolean connected, @org.jspecify.annotations.Nullable Throwable cause) {
    if (connected) {
      return Shown.ANSWERED;
    }
    boolean refused =
        cause instanceof ConnectException
            && !(cause instanceof ConnectTimeoutException)
            && String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT).contains("refused");
    return refused ? Shown.REFUSED : Shown.NOTHING;
  }
}
