package io.kontiki.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.kontiki.config.Config;
import io.kontiki.config.ConfigSources;
import io.kontiki.config.NodeConfig;
import io.kontiki.runtime.system.LoopbackPorts;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.Commit;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.CreateTopicRequest;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.Subscribe;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Consume over the wire, on whole nodes in this process. */
class ConsumeOnServersTest {
  private static final int PARTITIONS = 4;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final AtomicReference<Throwable> fault = new AtomicReference<>();
  private final List<Node> nodes = new ArrayList<>();
  private final TreeSet<String> sent = new TreeSet<>();
  @TempDir Path data;

  private final class Node {
    final ManagedChannel channel;
    final BrokerServer server;

    Node(int id, String voters, int raft) throws IOException {
      int grpc = LoopbackPorts.next();
      Config config =
          Config.read(
              NodeConfig.keys(),
              ConfigSources.NONE.withOverrides(
                  List.of(
                      "node.id=" + id,
                      "data.dir=" + data.resolve("node-" + id),
                      "cluster.voters=" + voters,
                      "grpc.listen=127.0.0.1:" + grpc,
                      "raft.listen=127.0.0.1:" + raft,
                      "http.listen=127.0.0.1:0",
                      "replication.listen=127.0.0.1:0")));
      server =
          new BrokerServer(
              NodeConfig.from(config),
              config,
              (what, cause) -> fault.compareAndSet(null, new AssertionError(what, cause)),
              () -> {});
      channel = NettyChannelBuilder.forAddress("127.0.0.1", grpc).usePlaintext().build();
      nodes.add(this);
    }

    LogServiceGrpc.LogServiceBlockingStub log() {
      return LogServiceGrpc.newBlockingStub(channel)
          .withWaitForReady()
          .withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    void stop() {
      nodes.remove(this);
      server.close();
      channel.shutdownNow();
    }
  }

  /** A client that commits what it gets. */
  private static final class Client implements StreamObserver<ConsumeResponse> {
    final ConcurrentSkipListSet<String> values = new ConcurrentSkipListSet<>();
    final ConcurrentSkipListSet<Integer> owned = new ConcurrentSkipListSet<>();
    volatile boolean told;
    volatile boolean reconnect;
    volatile boolean ended;
    volatile @Nullable Throwable failure;
    private final StreamObserver<ConsumeRequest> requests;

    Client(Node node) {
      requests = LogServiceGrpc.newStub(node.channel).withWaitForReady().consume(this);
      requests.onNext(
          ConsumeRequest.newBuilder()
              .setSubscribe(Subscribe.newBuilder().setGroup("g").addTopics("orders"))
              .build());
    }

    @Override
    public void onNext(ConsumeResponse event) {
      told |= event.hasAssigned();
      reconnect |= event.hasReconnect();
      event.getAssigned().getPartitionsList().forEach(one -> owned.add(one.getPartition()));
      event.getRevoked().getPartitionsList().forEach(one -> owned.remove(one.getPartition()));
      event
          .getRecords()
          .getRecordsList()
          .forEach(record -> values.add(record.getValue().toStringUtf8()));
      if (event.hasRecords()) {
        PartitionOffset position = event.getRecords().getPosition();
        requests.onNext(
            ConsumeRequest.newBuilder()
                .setCommit(Commit.newBuilder().addOffsets(position))
                .build());
      }
    }

    @Override
    public void onError(Throwable error) {
      failure = error;
      ended = true;
    }

    @Override
    public void onCompleted() {
      ended = true;
    }
  }

  private void start() throws IOException {
    List<Integer> ports = List.of(LoopbackPorts.next(), LoopbackPorts.next(), LoopbackPorts.next());
    String voters = "";
    for (int id = 1; id <= 3; id++) {
      voters += (id == 1 ? "" : ",") + id + "@127.0.0.1:" + ports.get(id - 1);
    }
    for (int id = 1; id <= 3; id++) {
      new Node(id, voters, ports.get(id - 1)).server.start();
    }
    Awaitility.await()
        .atMost(PATIENCE)
        .ignoreExceptions()
        .until(
            () ->
                AdminServiceGrpc.newBlockingStub(nodes.get(0).channel)
                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                    .createTopic(
                        CreateTopicRequest.newBuilder()
                            .setName("orders")
                            .setPartitions(PARTITIONS)
                            .build())
                    .isInitialized());
  }

  private void produce(Node node, int from, int to) {
    for (int i = from; i < to; i++) {
      String value = "%04d".formatted(i);
      node.log()
          .produce(
              ProduceRequest.newBuilder()
                  .setTopic("orders")
                  .setPartition(i % PARTITIONS)
                  .addRecords(LogRecord.newBuilder().setValue(ByteString.copyFromUtf8(value)))
                  .build());
      sent.add(value);
    }
  }

  @AfterEach
  void noNodeBrokeAnInvariant() {
    List.copyOf(nodes).forEach(Node::stop);
    assertNull(fault.get(), () -> "a fault: " + fault.get());
  }

  @Test
  void membersOnDifferentBrokersShareATopicAndAPlannedStopSendsThemOn() throws IOException {
    start();
    produce(nodes.get(0), 0, 40);
    Client first = new Client(nodes.get(0));
    Awaitility.await().atMost(PATIENCE).until(() -> first.values.size() == 40);
    Client second = new Client(nodes.get(1));
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> first.owned.size() == 2 && second.owned.size() == 2);
    produce(nodes.get(2), 40, 80);
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> first.values.size() + second.values.size() == 80);
    assertEquals(20, second.values.size(), "nothing that was committed comes again");

    nodes.get(0).stop();
    Awaitility.await().atMost(PATIENCE).until(() -> first.ended);
    assertTrue(first.reconnect);
    assertNull(first.failure, () -> String.valueOf(first.failure));
    Client third = new Client(nodes.get(1));
    Awaitility.await().atMost(PATIENCE).until(() -> third.owned.size() + second.owned.size() == 4);
    produce(nodes.get(0), 80, 120);
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () -> {
              TreeSet<String> all = new TreeSet<>(first.values);
              all.addAll(second.values);
              all.addAll(third.values);
              return all.equals(sent);
            });
    second.requests.onCompleted();
    Awaitility.await().atMost(PATIENCE).until(() -> second.ended && third.owned.size() == 4);
    assertNull(second.failure);
  }
}
