package io.kontiki.broker.shards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.kontiki.broker.coordinator.Coordinator;
import io.kontiki.broker.coordinator.CoordinatorEvents;
import io.kontiki.broker.coordinator.CoordinatorTiming;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.internal.v1.ChangeShardVoterRequest;
import io.kontiki.internal.v1.ChangeShardVoterResponse;
import io.kontiki.internal.v1.ShardVoterStep;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A voter that lost its disk gets into the shards, with a stop between any two steps (M16). */
final class ShardAdmissionTest {
  private static final Uid OLD = new Uid(7, 3);
  private static final Uid FRESH = new Uid(9, 3);

  private final SimulatedTime time = new SimulatedTime();
  private final VirtualLoop loop = time.newLoop("control");
  private final MemoryMetadata metadata = MemoryMetadata.cluster(loop, 3);
  private final TreeMap<Integer, Node> nodes = new TreeMap<>();
  private long admittedAt;

  @BeforeEach
  void twoNodesAndARecordOfTheThirdsNewDirectory() {
    metadata.apply(new MetadataCommand.AdmitVoter(0, 3, OLD, FRESH));
    admittedAt = metadata.image().index();
    for (int id = 1; id <= 2; id++) {
      Node node = new Node(id, new Uid(7, id), new MemoryFileStore());
      nodes.put(id, node);
      node.start(0);
    }
    leader().group().lead(List.of(1, 2, 3));
    time.advanceMs(10);
  }

  @AfterEach
  void closed() {
    nodes.values().forEach(node -> node.channels.close());
  }

  private Node leader() {
    return nodes.get(1);
  }

  @Test
  void itDoesNotStartBeforeAConfigurationWithoutItIsCommitted() {
    Node wiped = wiped();
    time.advanceMs(60_000);
    assertEquals(List.of("remove 3"), leader().group().asked, "and nothing beside that");
    assertTrue(wiped.engine.isEmpty(), "neither votes nor stands: it does not run");
    leader().group().end(false); // nobody knows
    time.advanceMs(1_000);
    assertEquals(List.of("remove 3", "remove 3"), leader().group().asked);
    assertTrue(wiped.engine.isEmpty());
    leader().group().end(true);
    time.advanceMs(100);
    assertTrue(wiped.group().joining, "with no configuration: it votes for nobody");
  }

  @Test
  void itAsksToBeTakenInWhenItHasStarted() {
    Node wiped = wiped();
    time.advanceMs(100);
    leader().group().end(true);
    time.advanceMs(2_000);
    assertEquals(List.of("remove 3", "add 3"), leader().group().asked);
    leader().group().end(false);
    time.advanceMs(3_000);
    assertEquals("add 3", leader().group().asked.get(2), "until it is in");
    leader().group().end(true);
    wiped.group().voters = List.of(1, 2, 3);
    time.advanceMs(60_000);
    assertEquals(3, leader().group().asked.size());
  }

  @Test
  void stoppedBeforeItStartedItHasItselfTakenOutAgain() {
    Node wiped = wiped();
    time.advanceMs(100);
    wiped.stop();
    leader().group().end(true); // committed, and the one who asked is gone
    Node again = restarted(wiped);
    time.advanceMs(100);
    assertEquals(List.of("remove 3", "remove 3"), leader().group().asked);
    assertTrue(again.engine.isEmpty(), "it knows nothing of the first time");
    leader().group().end(true);
    time.advanceMs(100);
    assertTrue(again.group().joining);
  }

  @Test
  void stoppedBetweenBothStepsItStillHasNoConfiguration() {
    Node wiped = wiped();
    time.advanceMs(100);
    leader().group().end(true);
    time.advanceMs(100);
    assertTrue(wiped.group().joining);
    wiped.stop();
    Node again = restarted(wiped);
    time.advanceMs(100);
    assertTrue(again.group().joining, "the voters of the cluster are not its configuration");
    assertEquals(List.of("remove 3"), leader().group().asked, "it has lost nothing since");
    time.advanceMs(2_000);
    assertEquals("add 3", leader().group().asked.get(1));
  }

  @Test
  void stoppedWhileItsFolderWasMadeItHasNotStarted() {
    MemoryFileStore raft = new MemoryFileStore();
    try (var file = raft.child("groups").openOrCreate("shard")) {
      file.sync();
    }
    Node wiped = new Node(3, FRESH, raft);
    nodes.put(3, wiped);
    wiped.start(admittedAt);
    time.advanceMs(1_000);
    assertTrue(wiped.engine.isEmpty());
    assertEquals(List.of("remove 3"), leader().group().asked);
  }

  @Test
  void whoeverIsAskedWithoutLeadingSaysWhoDoes() {
    leader().group().leads = false;
    nodes.get(2).group().lead(List.of(1, 2, 3));
    Node wiped = wiped();
    time.advanceMs(2_000);
    assertEquals(List.of(), leader().group().asked);
    assertEquals(List.of("remove 3"), nodes.get(2).group().asked);
    assertTrue(wiped.engine.isEmpty());
  }

  @Test
  void aConfigurationThatCannotDoWithoutItIsNotChanged() {
    leader().group().lead(List.of(1, 3)); // another is out already
    ChangeShardVoterResponse answer = ask(3, FRESH, admittedAt);
    assertFalse(answer.getDone());
    assertTrue(answer.getWhy().contains("cannot do without node 3"), answer.getWhy());
    assertEquals(List.of(), leader().group().asked);
  }

  @Test
  void aDirectoryThatIsNotOnRecordIsNotListenedTo() {
    ChangeShardVoterResponse answer = ask(3, OLD, admittedAt);
    assertTrue(answer.getWhy().contains("not on record with that directory"), answer.getWhy());
    ChangeShardVoterResponse early = ask(3, FRESH, admittedAt + 1);
    assertTrue(early.getWhy().contains("has not seen yet"), early.getWhy());
    assertEquals(List.of(), leader().group().asked);
  }

  @Test
  void whoIsNoVoterAnyMoreIsTakenOutByTheLeaderM23() {
    removeThird();
    time.advanceMs(3_000);
    assertEquals(List.of("remove 3"), leader().group().asked, "and is asked for once at a time");
    leader().group().end(false);
    time.advanceMs(1_100);
    assertEquals(List.of("remove 3", "remove 3"), leader().group().asked);
    leader().group().end(true);
    leader().group().voters = List.of(1, 2);
    time.advanceMs(5_000);
    assertEquals(2, leader().group().asked.size());
  }

  @Test
  void aLeaderThatIsNoVoterAnyMoreHandsTheShardOverM23() {
    leader().group().leads = false;
    Node third = new Node(3, FRESH, new MemoryFileStore());
    nodes.put(3, third);
    third.start(0);
    third.group().lead(List.of(1, 2, 3));
    removeThird();
    time.advanceMs(1_100);
    assertEquals(List.of(1), third.group().handed, "the next one takes it out");
    assertEquals(List.of(), third.group().asked);
  }

  @Test
  void whoIsNoVoterAnyMoreStopsWhenNoConfigurationCountsItM23() {
    Node third = new Node(3, FRESH, new MemoryFileStore());
    nodes.put(3, third);
    third.start(0);
    long removedAt = removeThird();
    List<String> out = new ArrayList<>();
    loop.run(() -> third.shards.depart(removedAt, () -> out.add("out")));
    time.advanceMs(500);
    assertEquals(List.of("remove 3"), leader().group().asked);
    assertEquals(List.of(), out, "a majority may need it");
    leader().group().end(true);
    time.advanceMs(1_000);
    leader().group().end(true); // it asks until the leader itself has answered
    time.advanceMs(1_000);
    assertEquals(List.of("out"), out);
    loop.run(third.shards::cease);
    third.shards.forget();
    assertEquals(List.of(), third.raft.list(""), "nothing is left of what it voted with");
  }

  @Test
  void aVoterThatIsNoneAnyMoreStillCountsAfterARestartM23() {
    Node third = new Node(3, FRESH, new MemoryFileStore());
    nodes.put(3, third);
    third.start(0);
    third.stop();
    removeThird();
    Node again = new Node(3, FRESH, third.raft);
    nodes.put(3, again);
    again.start(0);
    time.advanceMs(100);
    assertEquals(1, again.engine.size(), "until it is out");
    Node fresh = new Node(3, FRESH, new MemoryFileStore());
    nodes.put(3, fresh);
    fresh.start(0);
    time.advanceMs(100);
    assertTrue(fresh.engine.isEmpty(), "it never took part");
  }

  /** The index of an image in which node 3 is no voter; everybody has it. */
  private long removeThird() {
    metadata.apply(new MetadataCommand.RemoveVoter(0, 3, List.of(1, 2, 3)));
    ClusterImage image = metadata.image();
    nodes.values().forEach(node -> loop.run(() -> node.shards.onImage(image)));
    time.advanceMs(10);
    return image.index();
  }

  private ChangeShardVoterResponse ask(int voter, Uid directory, long index) {
    List<ChangeShardVoterResponse> answers = new ArrayList<>();
    loop.run(
        () ->
            leader()
                .shards
                .voters()
                .onRequest(
                    ChangeShardVoterRequest.newBuilder()
                        .setNodeId(voter)
                        .setDirectoryId(
                            com.google.protobuf.ByteString.copyFrom(directory.toBytes()))
                        .setMetadataIndex(index)
                        .setStep(ShardVoterStep.SHARD_VOTER_STEP_LEAVE)
                        .build(),
                    answers::add));
    time.advanceMs(10);
    return answers.get(0);
  }

  private Node wiped() {
    Node node = new Node(3, FRESH, new MemoryFileStore());
    nodes.put(3, node);
    node.start(admittedAt);
    return node;
  }

  private Node restarted(Node before) {
    Node node = new Node(3, FRESH, before.raft);
    nodes.put(3, node);
    node.start(admittedAt);
    return node;
  }

  /** A voter, as far as shards are concerned. */
  private final class Node {
    final int id;
    final MemoryFileStore raft;
    final List<Group> engine = new ArrayList<>();
    final BrokerChannels channels = new BrokerChannels(Direct::new);
    final GroupShards shards;

    Node(int id, Uid directory, MemoryFileStore raft) {
      this.id = id;
      this.raft = raft;
      this.shards =
          new GroupShards(
              id,
              directory,
              loop,
              (group, voters, joining, machine) -> {
                Group made = new Group(id, joining, voters.keySet());
                engine.add(made);
                return made;
              },
              raft,
              time.newWorker("starts-" + id),
              this::coordinator,
              channels,
              metadata,
              why -> {
                throw new AssertionError(why);
              });
    }

    private Coordinator coordinator(ShardNode shard, RaftGroup group) {
      return new Coordinator(
          id,
          loop,
          CoordinatorTiming.DEFAULT,
          new Coordinator.Shard(group, GroupCommandCodec::encode, shard),
          metadata,
          () -> true,
          new SeededRandom(id),
          new NoEvents());
    }

    void start(long admittedIndex) {
      ClusterImage image = metadata.image();
      loop.execute(() -> shards.onImage(image));
      loop.execute(() -> shards.votes(admittedIndex));
      time.advanceMs(20);
    }

    void stop() {
      loop.run(shards::stop);
    }

    Group group() {
      assertEquals(1, engine.size(), "its part of the shard runs");
      return engine.get(0);
    }
  }

  /** A Raft group whose changes end when a test says so. */
  private static final class Group implements RaftGroup {
    final List<String> asked = new ArrayList<>();
    final List<Integer> handed = new ArrayList<>();
    final boolean joining;
    private final int nodeId;
    private final List<Completion<ChangeEnd>> changes = new ArrayList<>();
    List<Integer> voters;
    boolean leads;

    Group(int nodeId, boolean joining, Iterable<Integer> voters) {
      this.nodeId = nodeId;
      this.joining = joining;
      List<Integer> all = new ArrayList<>();
      voters.forEach(all::add);
      this.voters = joining ? List.of() : all;
    }

    void lead(List<Integer> configuration) {
      leads = true;
      voters = configuration;
    }

    /** The oldest change that is under way ends. */
    void end(boolean done) {
      changes.remove(0).complete(new ChangeEnd(done, done ? "" : "nobody knows"));
    }

    @Override
    public void removeVoter(int voter, Completion<ChangeEnd> completion) {
      asked.add("remove " + voter);
      changes.add(completion);
    }

    @Override
    public void addVoter(int voter, Endpoint endpoint, Completion<ChangeEnd> completion) {
      asked.add("add " + voter);
      changes.add(completion);
    }

    @Override
    public RaftStatus status() {
      return new RaftStatus(
          "groups",
          leads ? nodeId : NO_NODE,
          leads,
          1,
          1,
          1,
          new TreeSet<>(voters)
              .stream()
                  .map(voter -> new Member(voter, new Endpoint("10.0.0." + voter, 7601), 1, 0))
                  .toList());
    }

    @Override
    public void propose(ByteBuffer command, long term, Completion<Proposal> completion) {
      throw new AssertionError("nothing is proposed here");
    }

    @Override
    public void readIndex(Completion<Long> completion) {
      completion.complete(-1L);
    }

    @Override
    public void confirmLeadership(Completion<Long> completion) {
      completion.complete(-1L);
    }

    @Override
    public void transferLeadership() {}

    @Override
    public void transferLeadershipTo(int voter) {
      handed.add(voter);
    }

    @Override
    public void close() {}
  }

  /** Calls the node that listens there, on the loop, without a wire. */
  private final class Direct extends ManagedChannel {
    private final int target;

    Direct(Endpoint endpoint) {
      target = Integer.parseInt(endpoint.host().substring("10.0.0.".length()));
    }

    @Override
    public <A, B> ClientCall<A, B> newCall(MethodDescriptor<A, B> method, CallOptions options) {
      return new ClientCall<>() {
        private @Nullable Listener<B> listener;

        @Override
        public void start(Listener<B> responses, Metadata headers) {
          listener = responses;
        }

        @Override
        public void sendMessage(A message) {
          loop.execute(
              () ->
                  nodes
                      .get(target)
                      .shards
                      .voters()
                      .onRequest((ChangeShardVoterRequest) message, this::answer));
        }

        @SuppressWarnings("unchecked")
        private void answer(ChangeShardVoterResponse response) {
          Listener<B> waiting = listener;
          if (waiting != null) {
            waiting.onMessage((B) response);
            waiting.onClose(Status.OK, new Metadata());
          }
        }

        @Override
        public void request(int count) {}

        @Override
        public void cancel(@Nullable String message, @Nullable Throwable cause) {}

        @Override
        public void halfClose() {}
      };
    }

    @Override
    public String authority() {
      return "node " + target;
    }

    @Override
    public ManagedChannel shutdown() {
      return this;
    }

    @Override
    public boolean isShutdown() {
      return false;
    }

    @Override
    public boolean isTerminated() {
      return false;
    }

    @Override
    public ManagedChannel shutdownNow() {
      return this;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return true;
    }

    @Override
    public io.grpc.ConnectivityState getState(boolean connect) {
      return io.grpc.ConnectivityState.READY;
    }
  }

  private static final class NoEvents implements CoordinatorEvents {
    @Override
    public void onJoined(String group, String memberId, String details) {}

    @Override
    public void onEnded(String group, String memberId, String why) {}

    @Override
    public void onRebalance(String group) {}

    @Override
    public void onCommit(int offsets, long nanos) {}

    @Override
    public void onWentBack(String group, int offsets) {}

    @Override
    public void onNotice(String what) {}
  }
}
