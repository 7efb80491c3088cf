package io.kontiki.broker.quorum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.runtime.system.SystemClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Node 1, at whose address a process of node 1 serves its Raft port (R35). */
class SameClusterTest {
  private static final Uid CLUSTER = new Uid(7, 7);
  private static final Uid DIRECTORY = new Uid(1, 1);
  private static final Uid SERVING = new Uid(2, 1);
  private static final Uid COPY = new Uid(2, 2);

  private final AtomicReference<Throwable> fault = new AtomicReference<>();
  private final LoopGroup loops =
      new LoopGroup(
          "node-1", 1, new SystemClock(), (what, cause) -> fault.compareAndSet(null, cause));
  private final Breaking breaking = new Breaking();
  private final BrokerChannels channels = new BrokerChannels(this::channel);
  private final List<String> refusals = new CopyOnWriteArrayList<>();
  private final SortedMap<Integer, Endpoint> voters = new TreeMap<>();
  private Server server;

  /** Calls whose connection breaks before they are answered. */
  private static final class Breaking implements ClientInterceptor {
    final AtomicInteger calls = new AtomicInteger();

    @Override
    public <A, B> ClientCall<A, B> interceptCall(
        MethodDescriptor<A, B> method, CallOptions options, Channel next) {
      if (calls.getAndDecrement() <= 0) {
        return next.newCall(method, options);
      }
      return new ClientCall<>() {
        @Override
        public void start(Listener<B> listener, Metadata headers) {
          listener.onClose(Status.UNAVAILABLE.withDescription("connection reset"), new Metadata());
        }

        @Override
        public void request(int messages) {}

        @Override
        public void cancel(String message, Throwable cause) {}

        @Override
        public void halfClose() {}

        @Override
        public void sendMessage(A message) {}
      };
    }
  }

  private ManagedChannel channel(Endpoint endpoint) {
    return NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
        .intercept(breaking)
        .usePlaintext()
        .build();
  }

  @BeforeEach
  void serve() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(new ClusterGrpcService(identity(SERVING), () -> CLUSTER, loops.first()))
            .build()
            .start();
    voters.put(1, new Endpoint("127.0.0.1", server.getPort()));
  }

  @AfterEach
  void stop() throws InterruptedException {
    channels.close();
    server.shutdownNow().awaitTermination(2, TimeUnit.SECONDS);
    loops.close();
    assertEquals(null, fault.get());
  }

  private NodeIdentity identity(Uid incarnation) {
    return new NodeIdentity(1, DIRECTORY, incarnation, voters);
  }

  private SameCluster sameCluster(Uid incarnation) {
    NodeIdentity identity = identity(incarnation);
    Hellos hellos = new Hellos(identity, CLUSTER, new Peers(channels));
    return new SameCluster(identity, CLUSTER, 0, hellos, loops.first());
  }

  @Test
  void theProcessAtItsAddressGoesOn() throws InterruptedException {
    assertTrue(sameCluster(SERVING).check(refusals::add));
    assertEquals(List.of(), refusals);
  }

  @Test
  void copyIsRefusedAlsoIfItsFirstConnectionsBreak() throws Exception {
    breaking.calls.set(3);
    assertFalse(sameCluster(COPY).check(refusals::add));
    assertTrue(refusals.get(0).contains("node id 1 is in use"), refusals.get(0));

    breaking.calls.set(3);
    CompletableFuture<Boolean> verdict = new CompletableFuture<>();
    sameCluster(COPY).check(refusals::add, verdict::complete);
    assertFalse(verdict.get(10, TimeUnit.SECONDS));
  }

  @Test
  void whereNobodyAnswersForSoLongNobodyIsThere() throws InterruptedException {
    breaking.calls.set(Integer.MAX_VALUE);
    assertTrue(sameCluster(COPY).check(refusals::add));
    assertEquals(List.of(), refusals);
  }
}
