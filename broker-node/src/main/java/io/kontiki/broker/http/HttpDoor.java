package io.kontiki.broker.http;

import io.kontiki.broker.rpc.Budget;
import io.kontiki.model.Endpoint;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;

/** Listens for HTTP/1.1. */
public final class HttpDoor implements AutoCloseable {
  /** Greatest body of a request. */
  public static final int MAX_BODY_BYTES = 1 << 20;

  /** Connections at a time; more are closed at once. */
  public static final int MAX_CONNECTIONS = 500;

  private static final int BODIES_BYTES = 16 << 20;
  private static final int MAX_LINE_BYTES = 4096;
  private static final int MAX_HEADER_BYTES = 8192;

  private final Channel listener;

  private HttpDoor(Channel listener) {
    this.listener = listener;
  }

  /**
   * Binds; waits for that, so not to be called on a loop.
   *
   * @param loops where connections live; not those of the data
   * @throws IOException if the address cannot be bound
   */
  public static HttpDoor open(
      Endpoint listen,
      EventLoopGroup loops,
      Class<? extends ServerChannel> channelType,
      HttpRoutes routes)
      throws IOException {
    return open(listen, loops, channelType, routes, HttpConnection.REQUEST_MS);
  }

  static HttpDoor open(
      Endpoint listen,
      EventLoopGroup loops,
      Class<? extends ServerChannel> channelType,
      HttpRoutes routes,
      long requestMs)
      throws IOException {
    AtomicInteger connections = new AtomicInteger();
    Budget bodies = new Budget("bytes in flight", BODIES_BYTES);
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loops)
            .channel(channelType)
            .option(ChannelOption.SO_BACKLOG, 128)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.AUTO_READ, false)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel.closeFuture().addListener(closed -> connections.decrementAndGet());
                    if (connections.incrementAndGet() > MAX_CONNECTIONS) {
                      channel.close();
                      return;
                    }
                    BodyBudget budget = new BodyBudget(bodies, MAX_BODY_BYTES);
                    channel
                        .pipeline()
                        .addLast(
                            new HttpServerCodec(
                                new HttpDecoderConfig()
                                    .setMaxInitialLineLength(MAX_LINE_BYTES)
                                    .setMaxHeaderSize(MAX_HEADER_BYTES)),
                            budget,
                            new HttpObjectAggregator(MAX_BODY_BYTES, true),
                            new HttpConnection(routes, budget, requestMs));
                  }
                });
    var bound = bootstrap.bind(new InetSocketAddress(listen.host(), listen.port()));
    bound.awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException("http.listen = " + listen + " cannot be bound", bound.cause());
    }
    return new HttpDoor(bound.channel());
  }

  /** The port that was bound. */
  public int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  /** Stops listening; connections end with the loops. */
  @Override
  public void close() {
    listener.close().awaitUninterruptibly();
  }
}
