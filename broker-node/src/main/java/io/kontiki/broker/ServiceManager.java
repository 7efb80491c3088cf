package io.kontiki.broker;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the service manager how the process is: starting, ready, alive, stopping (sd_notify(3)).
 * Does nothing where nobody wants to know, which is the case without {@code NOTIFY_SOCKET}.
 *
 * <p>Ready means that the node has recovered its own data and listens; never that it has found a
 * quorum, or nodes that are started one after the other would wait for each other for ever.
 */
final class ServiceManager implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ServiceManager.class);
  private static final long EXTEND_EVERY_MS = 5_000;
  private static final long EXTEND_BY_US = TimeUnit.SECONDS.toMicros(30);
  private static final int CLOSE_MS = 500;

  private final @Nullable EventLoopGroup loop;
  private final @Nullable Channel channel;

  /** 0: nobody watches. */
  private final long watchdogUs;

  private volatile boolean starting = true;
  private volatile boolean stopping;

  private ServiceManager(@Nullable EventLoopGroup loop, @Nullable Channel channel, long watchdog) {
    this.loop = loop;
    this.channel = channel;
    this.watchdogUs = watchdog;
  }

  /**
   * Finds the manager that started this process; asks it for more time until {@link #ready}.
   *
   * @param environment of the process
   * @param pid of the process
   */
  static ServiceManager connect(Map<String, String> environment, long pid) {
    String socket = environment.get("NOTIFY_SOCKET");
    if (socket == null || socket.isEmpty()) {
      return new ServiceManager(null, null, 0);
    }
    if (!Epoll.isAvailable()) {
      LOG.warn("cannot talk to the service manager at {}: no native sockets here", socket);
      return new ServiceManager(null, null, 0);
    }
    EventLoopGroup loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("service-manager", true), EpollIoHandler.newFactory());
    ChannelFuture connected =
        new Bootstrap()
            .group(loop)
            .channel(EpollDomainDatagramChannel.class)
            .handler(new ChannelInboundHandlerAdapter())
            .connect(address(socket))
            .awaitUninterruptibly();
    if (!connected.isSuccess()) {
      LOG.warn(
          "cannot talk to the service manager at {}: {}", socket, connected.cause().toString());
      loop.shutdownGracefully(0, CLOSE_MS, TimeUnit.MILLISECONDS);
      return new ServiceManager(null, null, 0);
    }
    ServiceManager manager =
        new ServiceManager(loop, connected.channel(), watchdog(environment, pid));
    manager.askForTime();
    return manager;
  }

  /** A name that begins with {@code @} has no place in the file system. */
  private static DomainSocketAddress address(String socket) {
    return new DomainSocketAddress(socket.startsWith("@") ? "\0" + socket.substring(1) : socket);
  }

  private static long watchdog(Map<String, String> environment, long pid) {
    String watched = environment.get("WATCHDOG_PID");
    if (watched != null && !watched.isEmpty() && !watched.equals(Long.toString(pid))) {
      return 0;
    }
    String period = environment.getOrDefault("WATCHDOG_USEC", "0");
    try {
      return Math.max(0, Long.parseLong(period));
    } catch (NumberFormatException e) {
      LOG.warn("WATCHDOG_USEC is '{}', which is no number of microseconds", period);
      return 0;
    }
  }

  private void askForTime() {
    if (starting && loop != null) {
      send("EXTEND_TIMEOUT_USEC=" + EXTEND_BY_US + "\nSTATUS=Recovering");
      loop.schedule(this::askForTime, EXTEND_EVERY_MS, TimeUnit.MILLISECONDS);
    }
  }

  /**
   * The node serves what it can.
   *
   * @param trouble asked as often as the watchdog wants; not null: the node does not move, and the
   *     manager hears nothing from it until it restarts it
   */
  void ready(Supplier<@Nullable String> trouble) {
    starting = false;
    send("READY=1\nSTATUS=Serving");
    if (watchdogUs > 0 && loop != null) {
      long every = Math.max(1, watchdogUs / 4);
      loop.scheduleAtFixedRate(() -> feed(trouble), 0, every, TimeUnit.MICROSECONDS);
    }
  }

  private void feed(Supplier<@Nullable String> trouble) {
    String why = trouble.get();
    if (why == null || stopping) {
      send("WATCHDOG=1");
    } else {
      LOG.error("the watchdog is not fed: {}", why);
    }
  }

  /** The node hands over, and ends. */
  void stopping() {
    starting = false;
    stopping = true;
    send("STOPPING=1\nSTATUS=Handing over");
  }

  private void send(String lines) {
    if (channel != null) {
      channel.writeAndFlush(Unpooled.copiedBuffer(lines, StandardCharsets.UTF_8));
    }
  }

  @Override
  public void close() {
    if (loop != null) {
      loop.shutdownGracefully(0, CLOSE_MS, TimeUnit.MILLISECONDS).awaitUninterruptibly(CLOSE_MS);
    }
  }
}
