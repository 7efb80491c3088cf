package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.kontiki.client.GroupConsumer;
import io.kontiki.client.GroupConsumerOptions;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Voters are added and removed online (rule M23), while records and commits go on. */
final class QuorumChangesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 3;
  private static final Map<String, String> TWO_SHARDS = Map.of("group.shards", "2");

  @Test
  void voterAfterVoterIsReplacedTheLeaderToo() {
    try (ProcessCluster cluster = ProcessCluster.start("quorum-replace", 3, 2, TWO_SHARDS)) {
      String clusterId = clusterId(cluster.node(1));
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 2);
          Commits commits = new Commits(cluster)) {
        load.awaitAcked(100);
        commits.awaitMore();
        assertEquals(List.of(1, 2, 3, 4), change(cluster, "AddQuorumVoter", 4));
        awaitGroups(cluster, 1, 2, 3, 4);
        int leader = cluster.awaitMetadataLeader();
        TreeSet<Integer> rest = new TreeSet<>(List.of(1, 2, 3, 4));
        rest.remove(leader);
        assertEquals(List.copyOf(rest), change(cluster, "RemoveQuorumVoter", leader));
        awaitGroups(cluster, rest.toArray(Integer[]::new));
        awaitFollower(cluster.node(leader));
        load.awaitAllGoOn();
        commits.awaitMore();
        // The new one votes: without another one of the three there is still a majority.
        int other = rest.first();
        cluster.node(other).kill();
        load.awaitAllGoOn();
        commits.awaitMore();
        refused(cluster, "AddQuorumVoter", 5, "WOULD_LOSE_QUORUM");
        cluster.startAll();
        refused(cluster, "AddQuorumVoter", 4, "IS_VOTER");
        refused(cluster, "AddQuorumVoter", 9, "BROKER_NOT_FOUND");
        refused(cluster, "RemoveQuorumVoter", leader, "VOTER_NOT_FOUND");
        // cluster.voters is what it was; on all nodes.
        cluster.killAll();
        cluster.startAll();
        awaitGroups(cluster, rest.toArray(Integer[]::new));
        load.awaitAllGoOn();
        commits.awaitMore();
        // Who was removed comes back with the same data.
        change(cluster, "AddQuorumVoter", leader);
        awaitGroups(cluster, 1, 2, 3, 4);
        change(cluster, "RemoveQuorumVoter", 4);
        awaitGroups(cluster, 1, 2, 3);
        awaitFollower(cluster.node(4));
        cluster.node(leader % 3 + 1).kill();
        load.awaitAllGoOn();
        commits.awaitMore();
        cluster.startAll();
        for (ServerNode node : cluster.nodes()) {
          assertEquals(clusterId, clusterId(node));
        }
        assertEquals(List.of(), load.finish());
      }
    }
  }

  @Test
  void theOneVoterIsReplacedByTwoAndNobodyFormsAnotherCluster() {
    try (ProcessCluster cluster = ProcessCluster.start("quorum-moves", 1, 3, Map.of())) {
      String clusterId = clusterId(cluster.node(1));
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      refused(cluster, "RemoveQuorumVoter", 1, "WOULD_LOSE_QUORUM");
      change(cluster, "AddQuorumVoter", 2);
      change(cluster, "AddQuorumVoter", 3);
      assertEquals(List.of(2, 3), change(cluster, "RemoveQuorumVoter", 1));
      awaitGroups(cluster, 2, 3);
      awaitFollower(cluster.node(1));
      // All know of node 1 alone by their configuration.
      cluster.killAll();
      cluster.node(1).start();
      cluster.node(4).start();
      await("the node is up")
          .atMost(PATIENCE)
          .until(() -> cluster.node(1).logLines("node 1 is up").size() == 2);
      await("who was the only voter waits for those that are")
          .during(Duration.ofSeconds(5))
          .atMost(Duration.ofSeconds(30))
          .until(() -> cluster.node(1).isAlive() && !hasLeader(cluster.node(1)));
      cluster.startAll();
      awaitGroups(cluster, 2, 3);
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 2)) {
        load.awaitAcked(100);
        for (ServerNode node : cluster.nodes()) {
          assertEquals(clusterId, clusterId(node));
        }
        assertEquals(List.of(), load.finish());
      }
    }
  }

  @Test
  void aDeadVoterIsRemovedAndFollowsWhenItComesBack() {
    try (ProcessCluster cluster = ProcessCluster.start("quorum-dead", 3, 1, TWO_SHARDS)) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 2)) {
        load.awaitAcked(100);
        cluster.node(3).kill();
        load.awaitAllGoOn();
        awaitChange(cluster, "RemoveQuorumVoter", 3);
        awaitGroups(cluster, 1, 2);
        awaitChange(cluster, "AddQuorumVoter", 4);
        awaitGroups(cluster, 1, 2, 4);
        cluster.node(3).start();
        cluster.awaitReady();
        awaitFollower(cluster.node(3));
        cluster.awaitInSync(TOPIC, PARTITIONS, 3);
        cluster.node(1).kill();
        load.awaitAllGoOn();
        cluster.startAll();
        // Frozen while it is removed, it hears of nothing, and asks.
        cluster.node(2).freeze();
        load.awaitAllGoOn();
        awaitChange(cluster, "RemoveQuorumVoter", 2);
        awaitGroups(cluster, 1, 4);
        cluster.node(2).thaw();
        awaitFollower(cluster.node(2));
        cluster.awaitReady();
        assertEquals(List.of(), load.finish());
      }
    }
  }

  @Test
  void aChangeGoesOnWhenNodesDieInTheMiddleOfIt() {
    try (ProcessCluster cluster = ProcessCluster.start("quorum-kills", 3, 1, TWO_SHARDS)) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      try (Load load = Load.start(cluster, TOPIC, PARTITIONS, 2)) {
        for (int round = 0; round < 3; round++) {
          load.awaitAcked(50);
          int leader = cluster.awaitMetadataLeader();
          Thread adding = inBackground(() -> change(cluster, "AddQuorumVoter", 4));
          awaitRecord(cluster, 4, true);
          cluster.node(round == 0 ? leader : 4).kill();
          load.awaitAllGoOn();
          cluster.startAll();
          join(adding);
          awaitGroups(cluster, 1, 2, 3, 4);
          leader = cluster.awaitMetadataLeader();
          Thread removing = inBackground(() -> change(cluster, "RemoveQuorumVoter", 4));
          awaitRecord(cluster, 4, false);
          cluster.node(round == 1 ? leader : 4).kill();
          load.awaitAllGoOn();
          cluster.startAll();
          join(removing);
          awaitGroups(cluster, 1, 2, 3);
          awaitFollower(cluster.node(4));
        }
        assertEquals(List.of(), load.finish());
      }
    }
  }

  /** What it answers does not matter: the node that works on it may be the one that is killed. */
  private static Thread inBackground(Runnable work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (UncheckedIOException e) {
                // the change goes on
              }
            },
            "change");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private static void join(Thread thread) {
    try {
      thread.join(PATIENCE.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    assertFalse(thread.isAlive());
  }

  private static JsonObject node(int id) {
    JsonObject request = new JsonObject();
    request.addProperty("nodeId", id);
    return request;
  }

  /** The voters afterwards. */
  private static List<Integer> change(ProcessCluster cluster, String method, int id) {
    return cluster.change(method, node(id)).getAsJsonArray("voters").asList().stream()
        .map(JsonElement::getAsInt)
        .toList();
  }

  /** Repeated while the leaders have not noticed yet who is down and who leads. */
  private static void awaitChange(ProcessCluster cluster, String method, int id) {
    await(method + " " + id)
        .atMost(PATIENCE)
        .ignoreExceptions()
        .until(() -> !change(cluster, method, id).isEmpty());
  }

  /**
   * Repeated while it is refused for another reason: a leader is not known, or not its judgement.
   */
  private static void refused(ProcessCluster cluster, String method, int id, String reason) {
    await(method + " " + id + " refused: " + reason)
        .atMost(PATIENCE)
        .until(
            () -> {
              try {
                change(cluster, method, id);
                return false; // without a leader's word a voter is waited for as if just added
              } catch (UncheckedIOException refusal) {
                return String.valueOf(refusal.getMessage()).contains(reason);
              }
            });
  }

  private static String clusterId(ServerNode node) {
    try {
      return node.admin("DescribeCluster", new JsonObject()).get("clusterId").getAsString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean hasLeader(ServerNode node) {
    try {
      return node.admin("DescribeQuorum", new JsonObject())
          .getAsJsonArray("groups")
          .get(0)
          .getAsJsonObject()
          .has("leader");
    } catch (IOException e) {
      return false;
    }
  }

  /** Waits until the image names a voter, or does not. */
  private static void awaitRecord(ProcessCluster cluster, int id, boolean voter) {
    await("node " + id + (voter ? " on record" : " removed"))
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(5))
        .ignoreExceptions()
        .until(
            () ->
                cluster
                    .node(1)
                    .admin("ListBrokers", new JsonObject())
                    .getAsJsonArray("brokers")
                    .asList()
                    .stream()
                    .map(JsonElement::getAsJsonObject)
                    .filter(broker -> broker.get("brokerId").getAsInt() == id)
                    .anyMatch(
                        broker ->
                            voter == (broker.has("voter") && broker.get("voter").getAsBoolean())));
  }

  /** Waits until exactly these vote in every group, and the leader has heard of all lately. */
  private static void awaitGroups(ProcessCluster cluster, Integer... voters) {
    TreeSet<Integer> wanted = new TreeSet<>(List.of(voters));
    await("voters " + wanted)
        .atMost(PATIENCE)
        .ignoreExceptions()
        .untilAsserted(
            () -> {
              Map<String, TreeSet<Integer>> groups = groups(cluster);
              assertFalse(groups.isEmpty());
              groups.forEach((name, members) -> assertEquals(wanted, members, name));
            });
  }

  private static Map<String, TreeSet<Integer>> groups(ProcessCluster cluster) {
    Map<String, TreeSet<Integer>> groups = new TreeMap<>();
    JsonObject answer = cluster.ask("DescribeQuorum", new JsonObject()).orElseThrow();
    for (JsonElement group : answer.getAsJsonArray("groups")) {
      TreeSet<Integer> voters = new TreeSet<>();
      for (JsonElement element : group.getAsJsonObject().getAsJsonArray("members")) {
        JsonObject member = element.getAsJsonObject();
        if (member.has("voter") && member.get("voter").getAsBoolean() && isHeardOf(member)) {
          voters.add(member.get("nodeId").getAsInt());
        }
      }
      groups.put(group.getAsJsonObject().get("name").getAsString(), voters);
    }
    return groups;
  }

  /** Lately enough that it counts as up where voters are changed (rule M23). */
  private static boolean isHeardOf(JsonObject member) {
    if (!member.has("matchIndex") || !member.has("lastContact")) {
      return false;
    }
    Duration ago = Duration.parse("PT" + member.get("lastContact").getAsString());
    return ago.compareTo(Duration.ofSeconds(1)) < 0;
  }

  /** Waits until a node has said that it votes no more, and is ready. */
  private static void awaitFollower(ServerNode node) {
    await("node " + node.id() + " follows")
        .atMost(PATIENCE)
        .until(() -> !isVoting(node.logLines("vot")) && node.unreadiness().isEmpty());
  }

  private static boolean isVoting(List<String> lines) {
    boolean votes = true;
    for (String line : lines) {
      if (line.contains("votes no more")) {
        votes = false;
      } else if (line.contains("votes from here on")) {
        votes = true;
      }
    }
    return votes;
  }

  /** A member of a group that commits what it reads. */
  private static final class Commits implements AutoCloseable {
    private final AtomicLong done = new AtomicLong();
    private final Thread thread;
    private volatile String refusal = "none";
    private volatile boolean closed;

    Commits(ProcessCluster cluster) {
      String bootstrap = String.join(",", cluster.bootstrap());
      thread = new Thread(() -> work(bootstrap), "commits");
      thread.setDaemon(true);
      thread.start();
    }

    private void work(String bootstrap) {
      try (KontikiClient client = KontikiClient.connect(bootstrap);
          GroupConsumer consumer =
              client.newGroupConsumer(GroupConsumerOptions.of("billing").withManualCommit())) {
        consumer.subscribe(List.of(TOPIC));
        while (!closed) {
          try {
            if (!consumer.poll(Duration.ofMillis(200)).isEmpty()) {
              consumer.commit();
              done.incrementAndGet();
            }
          } catch (KontikiException e) {
            refusal = e.toString();
            consumer.subscribe(List.of(TOPIC)); // of a member that was refused for good
          }
        }
      }
    }

    void awaitMore() {
      long before = done.get();
      await("more commits")
          .atMost(PATIENCE)
          .untilAsserted(
              () -> assertTrue(done.get() >= before + 3, () -> "last refusal: " + refusal));
    }

    @Override
    public void close() {
      closed = true;
      join(thread);
    }
  }
}
