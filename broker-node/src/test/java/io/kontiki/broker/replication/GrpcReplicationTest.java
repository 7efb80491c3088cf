package io.kontiki.broker.replication;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.kontiki.broker.partition.BrokerInfo;
import io.kontiki.broker.partition.Brokers;
import io.kontiki.broker.partition.IsrProposals;
import io.kontiki.broker.partition.LoopPartitions;
import io.kontiki.broker.partition.PartitionAssignment;
import io.kontiki.broker.partition.ReplicationPolicy;
import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.TestBatches;
import io.kontiki.broker.partition.TestConditions;
import io.kontiki.broker.partition.TestLogs;
import io.kontiki.log.LogSettings;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.replication.IsrState;
import io.kontiki.replication.Resignation;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Real sockets between real partitions over logs in memory. */
class GrpcReplicationTest {
  private static final int LEADER = 1;
  private final List<PartitionId> ids = new ArrayList<>();
  private final TreeMap<Integer, Node> nodes = new TreeMap<>();
  private final TreeMap<Integer, BrokerInfo> infos = new TreeMap<>();

  /** Nobody answers. */
  private static final class NoProposals implements IsrProposals {
    @Override
    public void propose(List<IsrProposal> proposals, Completion<List<IsrOutcome>> completion) {}

    @Override
    public void resign(List<Resignation> resignations, Completion<List<IsrOutcome>> completion) {}
  }

  /** A broker: loops, partitions, a server, the logs it opened. */
  private final class Node {
    final int id;
    final List<TestNettyLoop> loops = new ArrayList<>();
    final List<LoopPartitions> partitions = new ArrayList<>();
    final TestLogs logs = new TestLogs(Durability.FSYNC);
    final AtomicInteger dialled = new AtomicInteger();
    Server server;

    Node(int id, int loopCount, int port) throws IOException {
      this.id = id;
      for (int i = 0; i < loopCount; i++) {
        TestNettyLoop loop = new TestNettyLoop();
        loops.add(loop);
        partitions.add(
            new LoopPartitions(
                i,
                loop,
                logs.on(loop),
                new GrpcReplicaTransport(loop, (endpoint, lane) -> dial(loop, endpoint)),
                new NoProposals(),
                () -> true,
                ReplicationPolicy.DEFAULT,
                TestConditions.housekeeping()));
      }
      listen(port);
    }

    private ManagedChannel dial(TestNettyLoop loop, Endpoint endpoint) {
      dialled.incrementAndGet();
      return NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
          .usePlaintext()
          .eventLoopGroup(loop.group)
          .channelType(NioSocketChannel.class)
          .directExecutor()
          .maxInboundMessageSize(ReplicationMethods.MAX_MESSAGE_BYTES)
          .build();
    }

    void listen(int port) throws IOException {
      List<EventLoop> all = List.copyOf(loops);
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", port))
              .bossEventLoopGroup(loops.get(0).group)
              .workerEventLoopGroup(loops.get(0).group)
              .channelType(NioServerSocketChannel.class)
              .directExecutor()
              .addService(new ReplicationGrpcService(all, partitions, this::loopOf).definition())
              .build()
              .start();
    }

    int loopOf(PartitionId partition) {
      return partition.partition() % loops.size();
    }

    void apply(Brokers brokers, List<PartitionAssignment> assignments) {
      for (int i = 0; i < loops.size(); i++) {
        int index = i;
        List<PartitionAssignment> own =
            assignments.stream().filter(a -> loopOf(a.id()) == index).toList();
        loops.get(i).execute(() -> partitions.get(index).apply(brokers, own));
      }
    }

    void stop() {
      server.shutdownNow();
      for (int i = 0; i < loops.size(); i++) {
        LoopPartitions own = partitions.get(i);
        loops.get(i).execute(own::close);
      }
    }

    void close() {
      // Looked at before the loops end: then they refuse what their sockets still bring.
      loops.forEach(loop -> assertNull(loop.failure.get()));
      loops.forEach(TestNettyLoop::close);
    }
  }

  private void start(int leaderLoops, int followerLoops) throws IOException {
    for (int i = 0; i < 12; i++) {
      ids.add(new PartitionId(new TopicId(1, 1), i));
    }
    for (int broker = 1; broker <= 3; broker++) {
      Node node = new Node(broker, broker == LEADER ? leaderLoops : followerLoops, 0);
      nodes.put(broker, node);
      infos.put(
          broker,
          new BrokerInfo(
              broker, 100 + broker, new Endpoint("127.0.0.1", node.server.getPort()), true));
    }
    apply();
  }

  private void apply() {
    IsrState state = new IsrState(LEADER, 1, 1, List.of(1, 2, 3));
    List<PartitionAssignment> assignments =
        ids.stream()
            .map(
                id ->
                    new PartitionAssignment(
                        id,
                        "t",
                        state,
                        List.of(1, 2, 3),
                        2,
                        LogSettings.defaults(Durability.FSYNC),
                        4 << 20))
            .toList();
    nodes
        .values()
        .forEach(
            node ->
                node.apply(
                    new Brokers(new Uid(5, 5), node.id, infos.get(node.id).epoch(), infos),
                    assignments));
  }

  @AfterEach
  void stop() {
    nodes.values().forEach(Node::stop);
    nodes.values().forEach(Node::close);
  }

  private List<Long> produce(int count, int bytes) {
    List<Long> acked = new CopyOnWriteArrayList<>();
    Node leader = nodes.get(LEADER);
    for (int i = 0; i < count; i++) {
      PartitionId id = ids.get(i % ids.size());
      long value = i;
      int loop = leader.loopOf(id);
      leader
          .loops
          .get(loop)
          .execute(
              () ->
                  leader
                      .partitions
                      .get(loop)
                      .partition(id)
                      .append(
                          new Append(-1, Acks.ALL, TestBatches.of(value, 1, bytes), Long.MAX_VALUE),
                          result -> {
                            if (result instanceof Result.Ok) {
                              acked.add(value);
                            }
                          }));
    }
    return acked;
  }

  /** Other builds may keep the machine busy. */
  private static ConditionFactory patiently() {
    return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(20));
  }

  private void awaitEqual(int perPartition) {
    patiently()
        .untilAsserted(
            () -> {
              Map<PartitionId, Long> leader = nodes.get(LEADER).logs.heldEnds();
              ids.forEach(id -> assertEquals(perPartition, leader.get(id)));
              assertEquals(leader, nodes.get(2).logs.heldEnds());
              assertEquals(leader, nodes.get(3).logs.heldEnds());
            });
  }

  @Test
  void recordsOfManyPartitionsReachBothFollowers() throws IOException {
    start(1, 1);
    List<Long> acked = produce(1200, 1000);
    patiently().until(() -> acked.size() == 1200);
    awaitEqual(100);
    assertEquals(1, nodes.get(2).dialled.get());
  }

  @Test
  void brokersWithDifferentNumbersOfLoopsUnderstandEachOther() throws IOException {
    start(3, 2);
    List<Long> acked = produce(600, 100);
    patiently().until(() -> acked.size() == 600);
    awaitEqual(50);
  }

  @Test
  void largeBatchesGoThroughWithinTheBounds() throws IOException {
    start(1, 1);
    List<Long> acked = produce(24, 3 << 19);
    patiently().until(() -> acked.size() == 24);
    awaitEqual(2);
  }

  @Test
  void afterTheServerWasAwayTheStreamComesBack() throws IOException {
    start(1, 1);
    List<Long> first = produce(120, 100);
    patiently().until(() -> first.size() == 120);
    Node leader = nodes.get(LEADER);
    int port = leader.server.getPort();
    leader.server.shutdownNow();
    patiently().until(leader.server::isTerminated);
    List<Long> second = produce(120, 100);
    leader.listen(port);
    patiently().until(() -> second.size() == 120);
    awaitEqual(20);
  }
}
