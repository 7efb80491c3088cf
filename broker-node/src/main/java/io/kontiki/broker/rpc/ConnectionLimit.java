package io.kontiki.broker.rpc;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bounds how many connections a listening socket has at a time (promise P18): one too many is
 * closed before anything is read from it. Stands first in the pipeline of the listening channel.
 */
public final class ConnectionLimit extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(ConnectionLimit.class);

  private final int limit;

  /** Connections come on one loop and go on others. */
  private final AtomicInteger open = new AtomicInteger();

  /** So that a flood is one line. */
  private boolean told;

  public ConnectionLimit(int limit) {
    this.limit = limit;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!(message instanceof Channel connection)) {
      context.fireChannelRead(message);
      return;
    }
    if (open.incrementAndGet() > limit) {
      open.decrementAndGet();
      if (!told) {
        told = true;
        LOG.warn(
            "{} refuses connections: {} are open, the limit (connections.max)",
            context.channel().localAddress(),
            limit);
      }
      connection.unsafe().closeForcibly();
      return;
    }
    told = false;
    connection.closeFuture().addListener(closed -> open.decrementAndGet());
    context.fireChannelRead(message);
  }
}
