package io.kontiki.broker;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainDatagramPacket;
import io.netty.channel.unix.DomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
class ServiceManagerTest {
  private static final long PID = 4711;

  private final List<String> heard = new CopyOnWriteArrayList<>();
  private EventLoopGroup loop;

  @TempDir Path directory;

  @BeforeEach
  void listen() {
    assertTrue(Epoll.isAvailable());
    loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  }

  @AfterEach
  void close() {
    loop.shutdownGracefully().syncUninterruptibly();
  }

  private Channel listenAt(DomainSocketAddress address) {
    return new Bootstrap()
        .group(loop)
        .channel(EpollDomainDatagramChannel.class)
        .handler(
            new SimpleChannelInboundHandler<DomainDatagramPacket>() {
              @Override
              protected void channelRead0(
                  ChannelHandlerContext context, DomainDatagramPacket told) {
                heard.add(told.content().toString(StandardCharsets.UTF_8));
              }
            })
        .bind(address)
        .syncUninterruptibly()
        .channel();
  }

  private boolean heardOf(String what) {
    return heard.stream().anyMatch(line -> line.startsWith(what));
  }

  private ServiceManager connect(String socket, String watchdogPid) {
    return ServiceManager.connect(
        Map.of("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "40000", "WATCHDOG_PID", watchdogPid),
        PID);
  }

  @Test
  void theManagerHearsOfStartReadinessLifeAndStop() {
    Path socket = directory.resolve("notify");
    listenAt(new DomainSocketAddress(socket.toString()));
    try (ServiceManager manager = connect(socket.toString(), Long.toString(PID))) {
      await().until(() -> heardOf("EXTEND_TIMEOUT_USEC="));
      assertFalse(heardOf("READY=1"));
      manager.ready(() -> null);
      await().until(() -> heard.stream().filter("WATCHDOG=1"::equals).count() >= 3);
      assertTrue(heardOf("READY=1"));
      manager.stopping();
      await().until(() -> heardOf("STOPPING=1"));
    }
  }

  @Test
  void aNodeThatStandsStillDoesNotFeedTheWatchdog() {
    Path socket = directory.resolve("notify");
    listenAt(new DomainSocketAddress(socket.toString()));
    AtomicReference<String> trouble = new AtomicReference<>();
    try (ServiceManager manager = connect(socket.toString(), "")) {
      manager.ready(
          () -> {
            String now = trouble.get();
            heard.add("asked: " + now);
            return now;
          });
      await().until(() -> heard.contains("WATCHDOG=1"));
      trouble.set("loop 0 has not moved");
      await().until(() -> heard.contains("asked: loop 0 has not moved"));
      int from = heard.indexOf("asked: loop 0 has not moved");
      await().until(() -> heard.size() >= from + 5);
      // One that was sent before may still be read after the question.
      assertFalse(heard.subList(from + 2, heard.size()).contains("WATCHDOG=1"), heard::toString);
    }
  }

  @Test
  void aSocketWithoutAPlaceInTheFileSystemServesToo() {
    String name = "kontiki-test-" + directory.getFileName();
    listenAt(new DomainSocketAddress("\0" + name));
    try (ServiceManager manager = connect("@" + name, "1")) {
      manager.ready(() -> null);
      await().until(() -> heardOf("READY=1"));
      manager.stopping();
      await().until(() -> heardOf("STOPPING=1"));
      assertFalse(heardOf("WATCHDOG=1"), "another process is watched");
    }
  }

  @Test
  void whereNobodyListensTheNodeStartsAllTheSame() {
    try (ServiceManager none = ServiceManager.connect(Map.of(), PID);
        ServiceManager gone = connect(directory.resolve("gone").toString(), "")) {
      none.ready(() -> null);
      gone.ready(() -> null);
      none.stopping();
      gone.stopping();
    }
    assertEquals(List.of(), heard);
  }
}
