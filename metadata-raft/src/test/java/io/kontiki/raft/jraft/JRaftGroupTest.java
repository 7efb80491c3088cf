package io.kontiki.raft.jraft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.raft.RaftGroup.Member;
import io.kontiki.raft.RaftGroup.Proposal;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.raft.RecordingMachine;
import io.kontiki.runtime.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JRaftGroupTest {
  @TempDir Path directory;
  private RaftCluster cluster;

  private void startThree(UnaryOperator<JRaftOptions> settings) throws IOException {
    cluster = new RaftCluster("metadata", 3, directory, settings);
    cluster.startAll();
  }

  @AfterEach
  void close() {
    cluster.close();
    assertEquals(List.of(), cluster.faults);
  }

  private static int other(int... ids) {
    for (int id = 1; ; id++) {
      boolean free = true;
      for (int one : ids) {
        free &= one != id;
      }
      if (free) {
        return id;
      }
    }
  }

  @Test
  void threeNodesElectReplicateReadAndHandOver() throws IOException {
    startThree(options -> options);
    int leader = cluster.awaitLeader();
    int follower = other(leader);
    long term = cluster.group(leader).status().term();

    List<String> all = new ArrayList<>(cluster.proposeAll(leader, 0, 200));
    Proposal.Applied done =
        assertInstanceOf(Proposal.Applied.class, cluster.propose(leader, "last", term));
    all.add("last");
    assertEquals(201, done.answer());
    assertTrue(cluster.readIndex(follower) >= done.index(), "ReadIndex covers what was committed");
    assertEquals(all, cluster.machine(follower).commands(), "and waits until it is applied (M4)");

    Proposal stale = cluster.propose(leader, "stale", term - 1);
    assertInstanceOf(Proposal.NotAppended.class, stale, "M3");
    Proposal.NotAppended refused =
        assertInstanceOf(Proposal.NotAppended.class, cluster.propose(follower, "no", -1));
    assertEquals(leader, refused.leaderId());

    Proposal large = cluster.propose(leader, "x".repeat((4 << 20) + 1), -1);
    assertInstanceOf(Proposal.NotAppended.class, large);

    assertEquals(term, cluster.confirm(leader));
    assertEquals(-1, cluster.confirm(follower), "its ReadIndex succeeds, but it does not lead");

    Awaitility.await()
        .atMost(5, TimeUnit.SECONDS)
        .until(
            () ->
                cluster.group(leader).status().voters().stream()
                    .allMatch(m -> m.matchIndex() >= done.index() && m.lastContactMs() >= 0));
    RaftStatus seen = cluster.group(follower).status();
    assertEquals(leader, seen.leaderId());
    assertFalse(seen.leading());
    assertEquals(term, seen.term());
    assertEquals(List.of(1, 2, 3), seen.voters().stream().map(Member::nodeId).toList());

    cluster.group(leader).transferLeadership();
    int next = cluster.awaitLeaderOtherThan(leader);
    assertInstanceOf(Proposal.Applied.class, cluster.propose(next, "after", -1));
    all.add("after");
    for (int id = 1; id <= 3; id++) {
      cluster.awaitCommands(id, all);
    }
    assertTrue(cluster.machine(leader).events().contains("stops " + term));
  }

  @Test
  void snapshotsBoundTheLogAndReachAnEmptyFollower() throws IOException {
    startThree(options -> options.withSnapshotAfter(100, 1 << 20));
    int leader = cluster.awaitLeader();
    int empty = other(leader);
    cluster.stop(empty);
    List<String> all = new ArrayList<>();
    for (int round = 0; round < 5; round++) {
      all.addAll(cluster.proposeAll(leader, 100 * round, 100));
      Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> hasSnapshot(leader));
    }
    Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> logBegins(leader) > 200);
    deleteAll(cluster.home(empty));

    cluster.start(empty);
    cluster.awaitCommands(empty, all);
    assertTrue(cluster.machine(empty).restored() > 0, "it cannot come from the log alone");

    for (int id = 1; id <= 3; id++) {
      cluster.stop(id);
    }
    cluster.startAll();
    int next = cluster.awaitLeader();
    all.addAll(cluster.proposeAll(next, 1000, 10));
    for (int id = 1; id <= 3; id++) {
      cluster.awaitCommands(id, all);
      assertTrue(cluster.machine(id).restored() > 0, "node " + id);
    }
  }

  @Test
  void aDamagedSnapshotStopsTheStart() throws IOException {
    cluster = new RaftCluster("single", 1, directory, one -> one.withSnapshotAfter(10, 1 << 20));
    cluster.startAll();
    cluster.awaitLeader();
    cluster.proposeAll(1, 0, 50);
    Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> hasSnapshot(1));
    cluster.stop(1);
    for (String name : List.of("state", "__raft_snapshot_meta")) {
      Path file = newestSnapshot(1).resolve(name);
      byte[] good = Files.readAllBytes(file);
      byte[] bad = good.clone();
      bad[bad.length / 2] ^= 1;
      Files.write(file, name.equals("state") ? bad : new byte[3]);
      assertThrows(StorageException.class, () -> cluster.start(1), name + " (M9)");
      cluster.stop(1);
      Files.write(file, good);
    }
    cluster.start(1);
    cluster.awaitLeader();
    assertEquals(50, cluster.machine(1).commands().size());
  }

  @Test
  void aLostVoteStopsTheStart() throws IOException {
    cluster = new RaftCluster("single", 1, directory, one -> one);
    cluster.startAll();
    cluster.awaitLeader();
    cluster.proposeAll(1, 0, 5);
    cluster.stop(1);
    Files.delete(cluster.home(1).resolve("raft/vote"));
    assertThrows(StorageException.class, () -> cluster.start(1));
    cluster.stop(1);
  }

  @Test
  void aClosedLeaderIsReplacedAndComesBack() throws IOException {
    startThree(options -> options);
    int leader = cluster.awaitLeader();
    List<String> all = new ArrayList<>(cluster.proposeAll(leader, 0, 20));
    long before = System.nanoTime();
    cluster.group(leader).close();
    long closeMs = (System.nanoTime() - before) / 1_000_000;
    assertTrue(closeMs < 1000, "closing took " + closeMs + " ms");
    assertInstanceOf(Proposal.NotAppended.class, cluster.propose(leader, "late", -1));
    assertEquals(-1, cluster.readIndex(leader));
    assertEquals(-1, cluster.confirm(leader));
    int next = cluster.awaitLeaderOtherThan(leader);
    all.addAll(cluster.proposeAll(next, 100, 20));
    cluster.stop(leader);
    cluster.start(leader);
    cluster.awaitCommands(leader, all);
  }

  @Test
  void theDeathOfTheLeadersProcessIsSeenBeforeTheElectionTimeout() throws IOException {
    // With a timeout of 3 s only the proof of death (M13) can elect anybody so soon.
    startThree(one -> slow(one).withFastElection(true));
    int leader = cluster.awaitLeader();
    cluster.proposeAll(leader, 0, 5);
    long before = System.nanoTime();
    cluster.kill(leader);
    int next = cluster.awaitLeaderOtherThan(leader);
    cluster.proposeAll(next, 5, 1);
    long tookMs = (System.nanoTime() - before) / 1_000_000;
    assertTrue(tookMs < 2_000, "failover took " + tookMs + " ms");
  }

  @Test
  void groupsShareTheTransportAndLeaveNoThreadsBehind() throws IOException {
    startThree(options -> options);
    cluster.awaitLeader();
    Map<Integer, JRaftGroup> second = new TreeMap<>();
    for (int id = 1; id <= 3; id++) {
      second.put(id, cluster.startSecond(id, "groups"));
    }
    Awaitility.await()
        .atMost(15, TimeUnit.SECONDS)
        .until(() -> second.values().stream().anyMatch(one -> one.status().leading()));
    CompletableFuture<Long> index = new CompletableFuture<>();
    second.get(1).readIndex(index::complete);
    assertTrue(RaftCluster.get(index) > 0);
    second.values().forEach(JRaftGroup::close);
    int leader = cluster.awaitLeader();
    cluster.proposeAll(leader, 0, 5);
    cluster.close();
    // What is left belongs to the process: a few timers and JRaft's closure threads.
    Awaitility.await()
        .atMost(5, TimeUnit.SECONDS)
        .untilAsserted(() -> assertEquals(List.of(), threadsOfGroups()));
  }

  private static List<String> threadsOfGroups() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("raft-") || name.startsWith("JRaft-"))
        .filter(name -> !name.startsWith("raft-timer"))
        .filter(name -> !name.matches("JRaft-(Closure|Rpc-Closure|Group-Default)-Executor.*"))
        .sorted()
        .toList();
  }

  @Test
  void aDeposedLeaderConfirmsNothing() throws IOException {
    startThree(options -> options.withReadTimeoutMs(300));
    int old = cluster.awaitLeader();
    cluster.proposeAll(old, 0, 5);
    cluster.cut(old);
    assertTrue(cluster.group(old).status().leading(), "it does not know yet");
    CompletableFuture<Proposal> lost = new CompletableFuture<>();
    cluster.group(old).propose(RecordingMachine.command("lost"), -1, lost::complete);
    assertEquals(-1, cluster.confirm(old), "M14");
    assertEquals(-1, cluster.readIndex(old), "M4");
    int next = cluster.awaitLeaderOtherThan(old);
    assertInstanceOf(Proposal.Unknown.class, RaftCluster.get(lost), "M3");
    cluster.proposeAll(next, 5, 5);
    assertEquals(-1, cluster.confirm(old));
    cluster.heal(old);
    cluster.awaitCommands(old, cluster.machine(next).commands());
    assertEquals(10, cluster.machine(old).commands().size());
  }

  @Test
  void aVoterThatLostItsDiskIsTakenOutAndInAgainM16() throws IOException {
    startThree(options -> options.withSnapshotAfter(30, 1 << 20));
    int leader = cluster.awaitLeader();
    int lost = leader % 3 + 1;
    int other = lost % 3 + 1;
    List<String> all = new ArrayList<>(cluster.proposeAll(leader, 0, 50));
    cluster.stop(lost);
    deleteAll(cluster.home(lost));
    assertTrue(cluster.remove(leader, lost).done());
    assertTrue(cluster.remove(leader, lost).done(), "again");
    List<Integer> rest = Stream.of(leader, other).sorted().toList();
    assertEquals(rest, cluster.configuration(leader));
    assertFalse(cluster.remove(other, lost).done(), "it does not lead");
    all.addAll(cluster.proposeAll(leader, 50, 50));
    // It stands for nothing and votes for nobody, and knows that also after a restart.
    cluster.start(lost, true);
    assertEquals(List.of(), cluster.configuration(lost));
    cluster.stop(lost);
    cluster.start(lost, true);
    Awaitility.await().atMost(15, TimeUnit.SECONDS).until(() -> cluster.add(leader, lost).done());
    assertTrue(cluster.add(leader, lost).done(), "again");
    cluster.awaitCommands(lost, all);
    Awaitility.await()
        .atMost(5, TimeUnit.SECONDS)
        .until(() -> cluster.configuration(lost).equals(List.of(1, 2, 3)));
    // It votes: the two of them go on without the third.
    cluster.kill(leader);
    int next = cluster.awaitLeaderOtherThan(leader);
    all.addAll(cluster.proposeAll(next, 100, 10));
    cluster.awaitCommands(lost, all);
    // From its log, not from what it was started with.
    cluster.stop(lost);
    cluster.start(lost, true);
    cluster.awaitCommands(lost, all);
    assertEquals(List.of(1, 2, 3), cluster.configuration(lost));
  }

  @Test
  void anEntryThatCannotBeAppliedStopsTheGroup() throws IOException {
    cluster = new RaftCluster("single", 1, directory, one -> one);
    cluster.startAll();
    cluster.awaitLeader();
    assertInstanceOf(Proposal.Applied.class, cluster.propose(1, "fine", -1));
    assertInstanceOf(Proposal.Unknown.class, cluster.propose(1, "throw", -1));
    Awaitility.await().atMost(5, TimeUnit.SECONDS).until(() -> !cluster.faults.isEmpty());
    assertTrue(cluster.faults.get(0).contains("(M11)"), cluster.faults.toString());
    assertFalse(cluster.propose(1, "later", -1) instanceof Proposal.Applied);
    assertEquals(List.of("fine"), cluster.machine(1).commands(), "nothing is skipped");
    cluster.faults.clear();
    cluster.stop(1);
    cluster.faults.clear();
  }

  private static JRaftOptions slow(JRaftOptions options) {
    return new JRaftOptions(
        options.group(),
        options.nodeId(),
        options.voters(),
        3_000,
        options.snapshotEntries(),
        options.snapshotBytes(),
        options.readTimeoutMs(),
        options.fastElection(),
        options.joining());
  }

  private boolean hasSnapshot(int id) throws IOException {
    Path snapshots = cluster.home(id).resolve("snapshots");
    if (!Files.isDirectory(snapshots)) {
      return false;
    }
    try (Stream<Path> all = Files.list(snapshots)) {
      return all.anyMatch(path -> path.getFileName().toString().startsWith("snapshot_"));
    }
  }

  private Path newestSnapshot(int id) throws IOException {
    try (Stream<Path> all = Files.list(cluster.home(id).resolve("snapshots"))) {
      return all.filter(path -> path.getFileName().toString().startsWith("snapshot_"))
          .max(Path::compareTo)
          .orElseThrow();
    }
  }

  private long logBegins(int id) throws IOException {
    Path first = cluster.home(id).resolve("raft/log/first");
    return Files.exists(first) ? ByteBuffer.wrap(Files.readAllBytes(first)).getLong(12) : 1;
  }

  private static void deleteAll(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(one);
      }
    }
  }
}
