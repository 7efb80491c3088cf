package io.kontiki.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.group.GroupLine;
import io.kontiki.broker.group.GroupReport;
import io.kontiki.broker.group.Groups;
import io.kontiki.broker.group.MemberListener;
import io.kontiki.broker.group.Membership;
import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.config.Config;
import io.kontiki.config.ConfigSources;
import io.kontiki.config.NodeConfig;
import io.kontiki.group.Assignor;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetCommit;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.system.LoopbackPorts;
import io.kontiki.runtime.system.SystemClock;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Consumer groups on whole nodes in this process. */
class GroupsOnServersTest {
  private static final String GROUP = "billing";

  private final AtomicReference<Throwable> fault = new AtomicReference<>();
  private final List<Node> nodes = new ArrayList<>();
  private final LoopGroup loops =
      new LoopGroup(
          "test",
          1,
          new SystemClock(),
          (what, cause) -> fault.compareAndSet(null, new AssertionError(what, cause)));
  @TempDir Path data;

  private final class Node {
    final int id;
    final int http;
    final int raft;
    final String voters;
    final BrokerServer server;

    Node(int id, String voters, int raft, String... more) throws IOException {
      this.id = id;
      this.http = LoopbackPorts.next();
      this.raft = raft;
      this.voters = voters;
      List<String> settings = new ArrayList<>();
      settings.add("node.id=" + id);
      settings.add("data.dir=" + data.resolve("node-" + id));
      settings.add("cluster.voters=" + voters);
      settings.add("grpc.listen=127.0.0.1:0");
      settings.add("raft.listen=127.0.0.1:" + raft);
      settings.add("http.listen=127.0.0.1:" + http);
      settings.add("replication.listen=127.0.0.1:0");
      settings.addAll(List.of(more));
      Config config = Config.read(NodeConfig.keys(), ConfigSources.NONE.withOverrides(settings));
      server =
          new BrokerServer(
              NodeConfig.from(config),
              config,
              (what, cause) -> fault.compareAndSet(null, new AssertionError(what, cause)),
              () -> {});
      nodes.add(this);
    }

    Groups groups() {
      return server.groups();
    }

    String get(String path) {
      return ask(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http + path)).GET());
    }

    String post(String method, String json) {
      return ask(
          HttpRequest.newBuilder(
                  URI.create("http://127.0.0.1:" + http + "/kontiki.v1.AdminService/" + method))
              .header("content-type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    private String ask(HttpRequest.Builder request) {
      try {
        return HttpClient.newHttpClient()
            .send(
                request.timeout(Duration.ofSeconds(20)).build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
      } catch (IOException e) {
        return e.toString();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    void awaitReady() {
      Awaitility.await()
          .atMost(Duration.ofSeconds(40))
          .until(() -> get("/readyz").trim().equals("ready"));
    }

    void stop() {
      nodes.remove(this);
      server.close();
    }
  }

  /** A member as the edge would hold it. */
  private final class Member implements MemberListener {
    final AtomicReference<MemberState> state = new AtomicReference<>();
    final AtomicReference<ApiError> ended = new AtomicReference<>();
    final TreeMap<PartitionId, Gone> gone = new TreeMap<>();
    private @Nullable Membership membership;

    Member join(Node node, String memberId, String name, long sessionMs, String... topics) {
      CompletableFuture<Membership> joined = new CompletableFuture<>();
      MemberDetails details =
          new MemberDetails(
              "client", "127.0.0.1", 0, 0, List.of(topics), "", Assignor.STICKY, sessionMs, 10_000);
      onLoop(
          call -> joined.complete(node.groups().join(call, GROUP, memberId, name, details, this)));
      membership = get(joined);
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> state.get() != null || ended.get() != null);
      return this;
    }

    Membership membership() {
      Membership made = membership;
      if (made == null) {
        throw new AssertionError("has not joined");
      }
      return made;
    }

    CompletableFuture<Result<GroupAnswer>> commit(PartitionId partition, long offset) {
      CompletableFuture<Result<GroupAnswer>> answer = new CompletableFuture<>();
      onLoop(
          call ->
              membership()
                  .commit(
                      List.of(new OffsetCommit(partition, offset, -1, "", false)),
                      answer::complete));
      return answer;
    }

    int owned() {
      MemberState now = state.get();
      return now == null ? 0 : now.owned().size();
    }

    @Override
    public void changed(MemberState now, SortedMap<PartitionId, Gone> went) {
      gone.putAll(went);
      state.set(now);
      List<PartitionId> revoking =
          now.owned().entrySet().stream()
              .filter(one -> one.getValue().revoking())
              .map(java.util.Map.Entry::getKey)
              .toList();
      if (!revoking.isEmpty() && membership != null) {
        membership.release(revoking);
      }
    }

    @Override
    public void ended(ApiError why) {
      ended.set(why);
    }
  }

  private void onLoop(Consumer<CallContext> task) {
    loops
        .first()
        .execute(
            () -> task.accept(CallContext.within(loops.first(), TimeUnit.SECONDS.toNanos(30))));
  }

  private interface Asked<T> {
    void ask(CallContext call, Completion<Result<T>> completion);
  }

  private <T> Result<T> ask(Asked<T> asked) {
    CompletableFuture<Result<T>> answer = new CompletableFuture<>();
    onLoop(call -> asked.ask(call, answer::complete));
    return get(answer);
  }

  private static <T> T get(CompletableFuture<T> future) {
    try {
      return future.get(40, TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  private static <T> T ok(Result<T> result) {
    return result.fold(
        value -> value,
        error -> {
          throw new AssertionError(error.toString());
        });
  }

  private void topic(Node node, String name, int partitions) {
    String answer =
        node.post("CreateTopic", "{\"name\":\"" + name + "\",\"partitions\":" + partitions + "}");
    assertTrue(answer.contains(name), answer);
  }

  private static PartitionId first(Member member) {
    return member.state.get().owned().firstKey();
  }

  private SortedMap<PartitionId, CommittedOffset> offsets(Node node, PartitionId partition) {
    return ok(
        this.<SortedMap<PartitionId, CommittedOffset>>ask(
            (call, completion) ->
                node.groups().offsets(call, GROUP, new TreeSet<>(List.of(partition)), completion)));
  }

  @AfterEach
  void noNodeBrokeAnInvariant() {
    List.copyOf(nodes).forEach(Node::stop);
    loops.close();
    assertNull(fault.get(), () -> "a fault: " + fault.get());
  }

  @Test
  void aMemberOfOneNodeCommitsAndTheNodeRemembersItAfterARestart() throws IOException {
    int raft = LoopbackPorts.next();
    Node node = new Node(1, "1@127.0.0.1:" + raft, raft);
    node.server.start();
    node.awaitReady();
    topic(node, "orders", 3);

    Member member = new Member().join(node, "", "", 2_000, "orders");
    assertEquals(3, member.owned(), () -> String.valueOf(member.ended.get()));
    PartitionId partition = first(member);
    GroupAnswer answer = ok(get(member.commit(partition, 7)));
    assertTrue(
        answer instanceof GroupAnswer.Committed committed
            && committed.stored().get(partition).offset() == 7,
        answer.toString());
    assertEquals(7, offsets(node, partition).get(partition).offset());
    GroupReport report =
        ok(
            this.<GroupReport>ask(
                (call, completion) -> node.groups().describe(call, GROUP, completion)));
    assertEquals(1, report.coordinatorId());
    assertEquals(List.of(true), List.copyOf(report.attached().values()));
    List<GroupLine> lines =
        ok(this.<List<GroupLine>>ask((call, completion) -> node.groups().list(call, completion)));
    assertEquals(List.of(GROUP), lines.stream().map(GroupLine::group).toList());

    node.stop();
    Node again = new Node(1, "1@127.0.0.1:" + raft, raft);
    again.server.start();
    again.awaitReady();
    assertEquals(7, offsets(again, partition).get(partition).offset());
    // Its broker has registered anew: the member of the process before is fenced at once (G3).
    Member second = new Member().join(again, "", "", 2_000, "orders");
    Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> second.owned() == 3);
  }

  @Test
  void whoSubscribesToATopicThatIsNotThereIsToldSo() throws IOException {
    int raft = LoopbackPorts.next();
    Node node = new Node(1, "1@127.0.0.1:" + raft, raft);
    node.server.start();
    node.awaitReady();
    Member member = new Member().join(node, "", "", 2_000, "nothing");
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, member.ended.get().reason());
    Result<GroupAnswer> answer =
        ask(
            (call, completion) ->
                node.groups().submit(call, new GroupCommand.DeleteGroup(0, "unknown"), completion));
    assertTrue(
        ok(answer) instanceof GroupAnswer.Rejected rejected
            && rejected.error().reason() == ErrorReason.GROUP_NOT_FOUND,
        answer.toString());
  }

  private List<Node> three(String... more) throws IOException {
    List<Integer> ports = List.of(LoopbackPorts.next(), LoopbackPorts.next(), LoopbackPorts.next());
    String voters = "";
    for (int id = 1; id <= 3; id++) {
      voters += (id == 1 ? "" : ",") + id + "@127.0.0.1:" + ports.get(id - 1);
    }
    List<Node> all = new ArrayList<>();
    for (int id = 1; id <= 3; id++) {
      all.add(new Node(id, voters, ports.get(id - 1), more));
    }
    for (Node node : all) {
      node.server.start();
    }
    all.forEach(Node::awaitReady);
    return all;
  }

  @Test
  void commitsGoOnWhenTheCoordinatorStopsAndItsMembersMove() throws IOException {
    List<Node> all = three();
    topic(all.get(0), "orders", 6);
    List<Member> members = new ArrayList<>();
    for (Node node : all) {
      members.add(new Member().join(node, "", "", 20_000, "orders"));
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> members.stream().allMatch(member -> member.owned() == 2));
    GroupReport report =
        ok(
            this.<GroupReport>ask(
                (call, completion) -> all.get(2).groups().describe(call, GROUP, completion)));
    assertEquals(3, report.attached().values().stream().filter(on -> on).count());
    int coordinator = report.coordinatorId();
    // A member gets others besides when one is fenced.
    Map<Member, PartitionId> own = new IdentityHashMap<>();
    members.forEach(member -> own.put(member, first(member)));

    for (int offset = 1; offset <= 20; offset++) {
      List<CompletableFuture<Result<GroupAnswer>>> answers = new ArrayList<>();
      for (Member member : members) {
        answers.add(member.commit(own.get(member), offset));
      }
      if (offset == 10) {
        all.get(coordinator - 1).stop();
        // What its own member still waits for ends with the process.
        members.remove(coordinator - 1);
        answers.remove(coordinator - 1);
      }
      answers.forEach(answer -> ok(get(answer)));
    }
    Node other = all.get(coordinator % 3);
    for (Member member : members) {
      assertNull(member.ended.get());
      assertEquals(20, offsets(other, own.get(member)).get(own.get(member)).offset());
    }
    // The members of the broker that stopped are fenced with it, long before their session (G3).
    Awaitility.await()
        .atMost(Duration.ofSeconds(15))
        .until(() -> members.stream().mapToInt(Member::owned).sum() == 6);
  }

  @Test
  void severalShardsAreLedByDifferentNodesAndShownToOperators() throws IOException {
    List<Node> all = three("group.shards=3");
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              String quorum = all.get(0).post("DescribeQuorum", "{}");
              boolean spread = true;
              for (int shard = 0; shard < 3; shard++) {
                // Shard i belongs to the voter after the i-th.
                int leader = (shard + 1) % 3 + 1;
                spread &=
                    quorum.matches(
                        "(?s).*\"groups-" + shard + "\",\\s*\"leader\":\\s*" + leader + ",.*");
              }
              return spread;
            });
    List<GroupLine> lines =
        ok(
            this.<List<GroupLine>>ask(
                (call, completion) -> all.get(2).groups().list(call, completion)));
    assertEquals(List.of(), lines);
  }

  @Test
  void aVoterThatComesBackWithAnEmptyDiskIsTakenIntoTheShardsAgainBeforeItVotes()
      throws IOException {
    List<Node> all = three();
    topic(all.get(0), "orders", 3);
    Member member = new Member().join(all.get(0), "", "", 20_000, "orders");
    PartitionId partition = first(member);
    ok(get(member.commit(partition, 1)));
    Node third = all.get(2);
    int raft = third.raft;
    String voters = third.voters;
    third.stop();
    ok(get(member.commit(partition, 2)));
    delete(data.resolve("node-3"));
    Node fresh = new Node(3, voters, raft);
    fresh.server.start();
    fresh.awaitReady();
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              String quorum = all.get(0).post("DescribeQuorum", "{}");
              int at = quorum.indexOf("\"groups\",");
              String shard = at < 0 ? "" : quorum.substring(at);
              return shard.split("\"voter\":\\s*true", -1).length - 1 == 3;
            });
    ok(get(member.commit(partition, 3)));
    // With the second node gone the new disk is needed for every commit.
    all.get(1).stop();
    ok(get(member.commit(partition, 4)));
    assertEquals(4, offsets(fresh, partition).get(partition).offset());
  }

  private static void delete(Path directory) throws IOException {
    try (java.util.stream.Stream<Path> files = java.nio.file.Files.walk(directory)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        java.nio.file.Files.delete(file);
      }
    }
  }
}
