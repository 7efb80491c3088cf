package io.kontiki.broker.quorum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.quorum.ProcessDialler.Outcome;
import io.kontiki.internal.v1.ClusterServiceGrpc;
import io.kontiki.internal.v1.HelloRequest;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.runtime.system.LoopbackPorts;
import io.kontiki.runtime.system.SystemClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What dialling a process proves, and what not (R6), over the loopback address. */
class ProcessDiallerTest {
  private static final Uid JUDGED = new Uid(1, 2);

  private final LoopGroup loops =
      new LoopGroup("dial", 1, new SystemClock(), (what, cause) -> cause.printStackTrace());
  private final BrokerChannels channels =
      new BrokerChannels(
          endpoint ->
              NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
                  .eventLoopGroup(loops.netty())
                  .channelType(LoopGroup.channelType())
                  .directExecutor()
                  .usePlaintext()
                  .build());
  private final ProcessDialler dialler =
      new ProcessDialler(loops.first(), new Peers(channels), 9, new SocketDials(loops));

  @AfterEach
  void close() {
    channels.close();
    loops.close();
  }

  private Outcome dial(Endpoint endpoint) throws Exception {
    CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    loops.first().execute(() -> dialler.dial(endpoint, JUDGED, outcome::complete));
    return outcome.get(10, TimeUnit.SECONDS);
  }

  private static Endpoint loopback(int port) {
    return new Endpoint("127.0.0.1", port);
  }

  /** Answers with an incarnation, or never. */
  private static Server serve(Optional<Uid> incarnation) throws IOException {
    BindableService service =
        new ClusterServiceGrpc.ClusterServiceImplBase() {
          @Override
          public void hello(HelloRequest request, StreamObserver<HelloResponse> out) {
            incarnation.ifPresent(
                id -> {
                  out.onNext(HelloResponse.newBuilder().setIncarnation(Peers.bytes(id)).build());
                  out.onCompleted();
                });
          }
        };
    return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
        .addService(service)
        .build()
        .start();
  }

  @Test
  void aPortThatNobodyListensOnRefuses() throws Exception {
    int port = LoopbackPorts.next();
    assertEquals(Outcome.REFUSED, dial(loopback(port)));
    assertEquals(Outcome.REFUSED, dial(new Endpoint("localhost", port)), "by its name");
  }

  @Test
  void aProcessThatIsTooSlowToAnswerIsNotJudgedDead() throws Exception {
    try (ServerSocket deaf = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      assertEquals(Outcome.NOTHING, dial(loopback(deaf.getLocalPort())));
    }
    Server mute = serve(Optional.empty());
    try {
      assertEquals(Outcome.NOTHING, dial(loopback(mute.getPort())));
    } finally {
      mute.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  @Test
  void whoAnswersIsKnownByItsIncarnation() throws Exception {
    Server same = serve(Optional.of(JUDGED));
    Server other = serve(Optional.of(new Uid(1, 3)));
    try {
      // The first call of a cold JVM takes longer than a dial may.
      Outcome first = dial(loopback(same.getPort()));
      for (int i = 0; first == Outcome.NOTHING && i < 50; i++) {
        first = dial(loopback(same.getPort()));
      }
      assertEquals(Outcome.SAME_PROCESS, first);
      Outcome second = dial(loopback(other.getPort()));
      for (int i = 0; second == Outcome.NOTHING && i < 50; i++) {
        second = dial(loopback(other.getPort()));
      }
      assertEquals(Outcome.OTHER_PROCESS, second);
    } finally {
      same.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
      other.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  @Test
  void aNameThatCannotBeLookedUpProvesNothing() throws Exception {
    assertEquals(Outcome.NOTHING, dial(new Endpoint("no-such-host.invalid", 7601)));
  }

  @Test
  void aSlowNameServerHoldsUpNeitherTheLoopNorMoreThanOneThread() throws Exception {
    CountDownLatch answer = new CountDownLatch(1);
    AtomicInteger asked = new AtomicInteger();
    HostLookups lookups =
        new HostLookups(
            loops.first(),
            host -> {
              asked.incrementAndGet();
              try {
                answer.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              return InetAddress.getLoopbackAddress();
            });
    for (int i = 0; i < 20; i++) {
      CompletableFuture<Optional<InetAddress>> found = new CompletableFuture<>();
      loops.first().execute(() -> lookups.lookUp("slow", 1_000_000, found::complete));
      assertNull(found.get(10, TimeUnit.SECONDS).orElse(null));
    }
    assertEquals(1, asked.get());
    CompletableFuture<Optional<InetAddress>> late = new CompletableFuture<>();
    loops.first().execute(() -> lookups.lookUp("slow", 10_000_000_000L, late::complete));
    answer.countDown();
    assertTrue(late.get(10, TimeUnit.SECONDS).isPresent());
  }
}
