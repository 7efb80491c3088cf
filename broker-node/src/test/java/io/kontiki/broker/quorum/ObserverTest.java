package io.kontiki.broker.quorum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.kontiki.broker.api.NodeReports.ConfigLine;
import io.kontiki.broker.api.NodeReports.ConfigOrigin;
import io.kontiki.broker.api.NodeReports.LogDir;
import io.kontiki.broker.api.OwnReports;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.session.ControllerSessions;
import io.kontiki.broker.session.LeaderBalance;
import io.kontiki.broker.session.ReassignmentDriver;
import io.kontiki.broker.session.SessionTiming;
import io.kontiki.config.Config;
import io.kontiki.config.ConfigSources;
import io.kontiki.config.NodeConfig;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.raft.memory.MemoryRaft;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.system.LoopbackPorts;
import io.kontiki.runtime.system.SystemClock;
import io.kontiki.runtime.system.ThreadWorker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A broker that does not vote beside three that do, over loopback (rule M22). */
class ObserverTest {
  private static final int OBSERVER = 9;

  private final SystemClock clock = new SystemClock();
  private final AtomicReference<Throwable> fault = new AtomicReference<>();
  private final SeededRandom random = new SeededRandom(5);
  private final SortedMap<Integer, Endpoint> addresses = new TreeMap<>();
  private final SortedMap<Integer, Uid> directories = new TreeMap<>();
  private final SortedMap<Integer, Voter> voters = new TreeMap<>();
  private final LoopGroup control = loops("observer");
  private final BrokerChannels channels =
      new BrokerChannels(endpoint -> channel(endpoint, control));
  private final MetadataClient client = new MetadataClient(control.first());
  private final List<String> refusals = new CopyOnWriteArrayList<>();
  private final List<Long> indexes = new CopyOnWriteArrayList<>();
  private final SessionTiming timing;
  private @Nullable MemoryRaft raft;
  private @Nullable ObserverNode observer;

  ObserverTest() {
    Config config =
        Config.read(
            NodeConfig.keys(),
            ConfigSources.NONE.withOverrides(
                List.of("node.id=1", "data.dir=/nowhere", "cluster.voters=1@127.0.0.1:7601")));
    timing = SessionTiming.of(NodeConfig.from(config).liveness());
  }

  private LoopGroup loops(String name) {
    return new LoopGroup(name, 1, clock, (what, cause) -> fault.compareAndSet(null, cause));
  }

  private static ManagedChannel channel(Endpoint endpoint, LoopGroup loops) {
    return NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
        .eventLoopGroup(loops.netty())
        .channelType(LoopGroup.channelType())
        .directExecutor()
        .usePlaintext()
        .build();
  }

  /** A voter with its own loop, port and worker, over the shared group. */
  private final class Voter {
    final int id;
    final LoopGroup loops;
    final ThreadWorker worker;
    final BrokerChannels peers;
    final VoterNode node;
    final ClusterGrpcService service;
    final Server server;

    Voter(int id) throws IOException {
      this.id = id;
      Endpoint address = addresses.get(id);
      loops = loops("voter-" + id);
      worker =
          new ThreadWorker(
              "apply-" + id, 10_000, (what, cause) -> fault.compareAndSet(null, cause));
      peers = new BrokerChannels(endpoint -> channel(endpoint, loops));
      Peers others = new Peers(peers);
      NodeIdentity identity = new NodeIdentity(id, directories.get(id), new Uid(8, id), addresses);
      MetadataClient metadata = new MetadataClient(loops.first());
      service = new ClusterGrpcService(identity, () -> metadata.image().clusterId(), loops.first());
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress(address.host(), address.port()))
              .bossEventLoopGroup(loops.netty())
              .workerEventLoopGroup(loops.netty())
              .channelType(LoopGroup.serverChannelType())
              .directExecutor()
              .addService(service)
              .build()
              .start();
      node =
          new VoterNode(
              identity,
              metadata,
              loops.first(),
              random,
              new FormingFile.Stored(directories, 0),
              1,
              new Hellos(identity, Uid.NONE, others),
              machine -> raft.start(id, machine, worker),
              (group, image) ->
                  new ControllerShell(
                      new ControllerSessions(timing, id),
                      new LeaderBalance(Long.MAX_VALUE),
                      new ReassignmentDriver(),
                      group,
                      new ProcessDialler(loops.first(), others, id, new SocketDials(loops)),
                      loops.first(),
                      image),
              new VoterNode.Ends(leader -> {}, refusals::add));
      service.tell(
          new OwnReports(
              id,
              () -> List.of(new LogDir("/log-" + id, LogDir.State.ONLINE, 10, 5, 1)),
              List.of(new ConfigLine("loops", "" + id, "0", ConfigOrigin.FILE, "", "Loops."))));
      loops
          .first()
          .execute(
              () -> {
                metadata.connect(new VoterAccess(node.group(), others, loops.first()));
                service.serveAs(node);
              });
      voters.put(id, this);
    }

    void stop() throws InterruptedException {
      voters.remove(id);
      server.shutdownNow().awaitTermination(2, TimeUnit.SECONDS);
      CompletableFuture<Boolean> stopped = new CompletableFuture<>();
      loops
          .first()
          .execute(
              () -> {
                node.stop();
                stopped.complete(true);
              });
      stopped.join();
      node.close();
      peers.close();
      worker.close();
      loops.close();
    }
  }

  @BeforeEach
  void startVoters() throws IOException {
    for (int id = 1; id <= 3; id++) {
      addresses.put(id, new Endpoint("127.0.0.1", LoopbackPorts.next()));
      directories.put(id, new Uid(7, id));
    }
    raft = new MemoryRaft("metadata", addresses, (what, cause) -> fault.compareAndSet(null, cause));
    for (int id = 1; id <= 3; id++) {
      new Voter(id);
    }
    await(() -> voters.get(1).node.image().formed());
  }

  @AfterEach
  void stopAll() throws InterruptedException {
    if (observer != null) {
      control.first().execute(observer::close);
    }
    for (Voter voter : List.copyOf(voters.values())) {
      voter.stop();
    }
    channels.close();
    control.close();
    assertNull(fault.get(), () -> "a fault: " + fault.get());
    List<Long> sorted = new ArrayList<>(indexes);
    sorted.sort(Long::compare);
    assertEquals(sorted, indexes, "never back (M22)");
  }

  private static void await(java.util.concurrent.Callable<Boolean> condition) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(5))
        .until(condition);
  }

  private void observe(Uid directoryCluster) {
    observe(directoryCluster, addresses);
  }

  private void observe(Uid directoryCluster, SortedMap<Integer, Endpoint> listed) {
    client.listen(image -> indexes.add(image.index()));
    MetadataStateMachine machine = new MetadataStateMachine(new Following(client));
    NodeIdentity identity =
        new NodeIdentity(OBSERVER, new Uid(7, OBSERVER), new Uid(8, OBSERVER), listed);
    ObserverNode node =
        new ObserverNode(
            identity,
            directoryCluster,
            machine,
            client,
            new Peers(channels),
            control.first(),
            new ObserverNode.Ends(
                (what, cause) -> fault.compareAndSet(null, cause), refusals::add));
    observer = node;
    control
        .first()
        .execute(
            () -> {
              client.connect(node);
              node.start();
            });
  }

  private <T> T ask(Consumer<Completion<T>> question) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    question.accept(answer::complete);
    return answer.orTimeout(15, TimeUnit.SECONDS).join();
  }

  private long soon() {
    return clock.nanoTime() + TimeUnit.SECONDS.toNanos(5);
  }

  /** Brings a command to the leader by way of the observer. */
  private long allocate() {
    Result<io.kontiki.broker.api.Metadata.Submitted> end =
        ask(
            done ->
                client.submit(new MetadataCommand.AllocateProducerIds(1, false, 10), soon(), done));
    return end.fold(
        submitted -> ((CommandOutcome.Number) submitted.outcome()).value(),
        error -> {
          throw new AssertionError(error.toString());
        });
  }

  @Test
  void itFollowsByCommandsAndSeesItsOwnChangesAtOnce() {
    observe(Uid.NONE);
    long first = allocate();
    assertTrue(client.image().nextProducerId() > first);
    assertEquals(first + 10, allocate());
    Result<ClusterImage> latest = ask(done -> client.readLatest(soon(), done));
    assertEquals(
        client.image().nextProducerId(), latest.fold(ClusterImage::nextProducerId, error -> -1L));
  }

  @Test
  void itIsFedASnapshotWhereTheCommandsAreGone() throws Exception {
    CompletableFuture<Object> ended = new CompletableFuture<>();
    voters
        .get(1)
        .node
        .group()
        .propose(
            io.kontiki.metadata.codec.MetadataCommandCodec.encode(
                new MetadataCommand.AllocateProducerIds(1, false, 10)),
            -1,
            ended::complete);
    ended.orTimeout(5, TimeUnit.SECONDS).join();
    raft.compact(1);
    voters.get(2).stop();
    new Voter(2); // has seen nothing but the snapshot
    Endpoint second = addresses.get(2);
    observe(Uid.NONE, new TreeMap<>(java.util.Map.of(2, second)));
    await(() -> client.image().nextProducerId() == 10);
    assertEquals(10, allocate());
  }

  @Test
  void whenItsVoterDiesAnotherFeedsIt() throws Exception {
    observe(Uid.NONE);
    allocate();
    voters.get(1).stop();
    long second = allocate();
    new Voter(1);
    voters.get(2).stop();
    assertEquals(second + 10, allocate());
  }

  @Test
  void aVoterThatHoldsItsConnectionsAndSaysNothingKeepsNoChange() throws Exception {
    observe(Uid.NONE);
    allocate();
    raft.elect(1);
    voters.get(3).stop();
    Endpoint third = addresses.get(3);
    ServerSocket silent = new ServerSocket(third.port(), 50, InetAddress.getByName(third.host()));
    try (silent) {
      for (int i = 0; i < 8; i++) {
        raft.elect(1 + i % 2);
        allocate(); // fails where its end is not known
      }
    }
  }

  @Test
  void aVoterThatIsCutOffIsLeftForOneThatIsNot() {
    observe(Uid.NONE);
    allocate();
    raft.elect(3);
    raft.isolate(1);
    CompletableFuture<RaftStatus> ended = new CompletableFuture<>();
    MetadataCommand command = new MetadataCommand.AllocateProducerIds(1, false, 10);
    voters
        .get(3)
        .node
        .group()
        .propose(
            io.kontiki.metadata.codec.MetadataCommandCodec.encode(command),
            -1,
            end -> ended.complete(voters.get(3).node.group().status()));
    long index = ended.orTimeout(5, TimeUnit.SECONDS).join().committedIndex();
    Result<ClusterImage> latest = ask(done -> client.readLatest(soon(), done));
    assertTrue(
        latest.<Boolean>fold(image -> image.index() >= index - 1, error -> false),
        latest.toString());
    raft.heal(1);
  }

  @Test
  void anotherClusterRefusesItBeforeItHasTakenAnything() {
    observe(new Uid(66, 66));
    await(() -> !refusals.isEmpty());
    assertTrue(refusals.get(0).contains("belongs to cluster"), refusals.get(0));
    assertEquals(0, client.image().index());
  }

  @Test
  void itTellsTheLeadersViewOfTheQuorum() {
    observe(Uid.NONE);
    allocate();
    raft.elect(2);
    Awaitility.await()
        .atMost(Duration.ofSeconds(5))
        .until(
            () -> {
              RaftStatus status = ask(done -> client.leaderView(soon(), done));
              return status.leaderId() == 2 && status.voters().get(0).matchIndex() >= 0;
            });
  }

  @Test
  void brokersTellOfThemselvesAndTheDeadAreUnreachable() throws Exception {
    ClusterReports reports =
        new ClusterReports(
            OBSERVER, new OwnReports(OBSERVER, List::of, List.of()), new Peers(channels), clock);
    List<LogDir> dirs = ok(ask(done -> reports.logDirs(broker(2), soon(), done)));
    assertEquals("/log-2", dirs.get(0).path());
    List<ConfigLine> lines = ok(ask(done -> reports.config(broker(3), soon(), done)));
    assertEquals(
        List.of(new ConfigLine("loops", "3", "0", ConfigOrigin.FILE, "", "Loops.")), lines);
    voters.get(3).stop();
    Result<List<LogDir>> gone = ask(done -> reports.logDirs(broker(3), soon(), done));
    assertEquals(
        ErrorReason.BROKER_UNREACHABLE,
        gone.fold(
            known -> {
              throw new AssertionError(known.toString());
            },
            error -> error.reason()));
  }

  private static <T> T ok(Result<T> result) {
    return result.fold(
        value -> value,
        error -> {
          throw new AssertionError(error.toString());
        });
  }

  private BrokerImage broker(int id) {
    Endpoint raftEndpoint = addresses.get(id);
    return new BrokerImage(
        id,
        1,
        directories.get(id),
        new Uid(8, id),
        new BrokerImage.Endpoints(raftEndpoint, raftEndpoint, raftEndpoint, raftEndpoint, null),
        BrokerImage.State.ACTIVE,
        0,
        "test",
        BrokerImage.Wish.NONE,
        0);
  }

  private ProcessDialler.Outcome dial(Endpoint endpoint, Uid incarnation) {
    ProcessDialler dialler =
        new ProcessDialler(
            control.first(), new Peers(channels), OBSERVER, new SocketDials(control));
    return ask(done -> control.first().execute(() -> dialler.dial(endpoint, incarnation, done)));
  }

  /** The first dial that proves something: 100 ms may be too little on a busy machine. */
  private ProcessDialler.Outcome proof(Endpoint endpoint, Uid incarnation) {
    ProcessDialler.Outcome outcome = dial(endpoint, incarnation);
    for (int i = 0; i < 20 && outcome == ProcessDialler.Outcome.NOTHING; i++) {
      outcome = dial(endpoint, incarnation);
    }
    return outcome;
  }

  @Test
  void aDialTellsTheSameProcessFromAnotherAndFromNone() throws Exception {
    Endpoint there = addresses.get(2);
    assertEquals(ProcessDialler.Outcome.SAME_PROCESS, proof(there, new Uid(8, 2)));
    assertEquals(ProcessDialler.Outcome.OTHER_PROCESS, proof(there, new Uid(8, 77)));
    voters.get(2).stop();
    assertEquals(ProcessDialler.Outcome.REFUSED, proof(there, new Uid(8, 2)));
  }

  @Test
  void aListenerThatSaysNothingProvesNothing() throws IOException {
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"))) {
      Endpoint there = new Endpoint("127.0.0.1", silent.getLocalPort());
      long began = clock.nanoTime();
      assertEquals(ProcessDialler.Outcome.NOTHING, dial(there, new Uid(8, 2)));
      assertTrue(clock.nanoTime() - began < TimeUnit.SECONDS.toNanos(2));
    }
  }
}
