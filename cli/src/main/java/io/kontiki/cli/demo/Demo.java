package io.kontiki.cli.demo;

import io.kontiki.cli.admin.AdminClient;
import io.kontiki.cli.admin.AdminError;
import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.cli.base.Table;
import io.kontiki.cli.base.Times;
import io.kontiki.cli.local.LocalCluster;
import io.kontiki.cli.local.NodePorts;
import io.kontiki.cli.local.NodeProcess;
import io.kontiki.cli.local.ReadyWait;
import io.kontiki.model.Endpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * The main job in one go, on a cluster of three that is not started yet: write, read along, kill
 * the leader of a partition, see who takes over, bring the node back, check what was promised.
 */
public final class Demo {
  public static final int NODES = 3;

  private static final String TOPIC = "demo";
  private static final int PARTITIONS = 3;
  private static final int WATCHED = 0;
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration CALL_PATIENCE = Duration.ofSeconds(5);
  private static final Duration LOAD_BEFORE = Duration.ofSeconds(3);
  private static final Duration LOAD_AFTER = Duration.ofSeconds(2);
  private static final long POLL_MS = 20;

  private final LocalCluster cluster;
  private final Story story;
  private final List<Endpoint> grpc;
  private final AdminClient admin;

  /** Prints what happens, with the time since the beginning. */
  public interface Story {
    /** One line. */
    void tell(String line);

    /** Lines that belong to the one before. */
    void show(String lines);
  }

  public Demo(LocalCluster cluster, Story story) {
    this.cluster = cluster;
    this.story = story;
    this.grpc = cluster.nodes().stream().map(NodeProcess::ports).map(NodePorts::grpc).toList();
    List<Endpoint> http =
        cluster.nodes().stream().map(NodeProcess::ports).map(NodePorts::http).toList();
    this.admin = new AdminClient(http, null, PATIENCE);
  }

  /**
   * Runs it; the cluster is left running.
   *
   * @return whether everything that was promised was kept
   * @throws CliException if something that should work does not
   */
  public boolean run() {
    startCluster();
    createTopic();
    try (NumberedLoad load = new NumberedLoad(grpc, TOPIC, PARTITIONS);
        NumberedReads reads = new NumberedReads(grpc, TOPIC)) {
      load.start();
      reads.start();
      story.tell(
          "writing with acks=all, one request at a time per partition, and reading along in group '"
              + NumberedReads.GROUP
              + "'");
      keepGoing(LOAD_BEFORE, load, reads);
      tellProgress(load, reads);

      List<JsonObject> before = described();
      NodeProcess victim = cluster.node((int) before.get(WATCHED).number("leader"));
      killAndSeeTakeover(victim, before, load, reads);
      keepGoing(LOAD_AFTER, load, reads);
      bringBack(victim, load, reads);
      keepGoing(LOAD_AFTER, load, reads);

      story.tell("stopping the load");
      load.stop();
      refuseFailures(load, reads);
      return check(load, reads);
    }
  }

  private void startCluster() {
    for (NodeProcess node : cluster.nodes()) {
      if (!cluster.start(node)) {
        throw CliException.failed("interrupted");
      }
      story.tell("node " + node.id() + " started: pid " + node.pid() + ", " + node.ports().grpc());
    }
    ReadyWait wait = new ReadyWait(cluster);
    await("the nodes to be ready", () -> wait.ask() || refuseEnded(), () -> wait.notReady() + "");
    List<JsonObject> groups = new ArrayList<>();
    await(
        "the quorum to have a leader",
        () -> {
          // Without a leader at that moment the answer is one broker's own view, and has none.
          groups.clear();
          groups.addAll(admin.read("DescribeQuorum", new JsonObject()).objects("groups"));
          return !groups.isEmpty() && groups.stream().allMatch(one -> one.has("leader"));
        },
        () -> "known: " + groups);
    for (JsonObject group : groups) {
      story.tell(
          "quorum '"
              + group.text("name")
              + "' formed: node "
              + group.text("leader")
              + " leads "
              + group.list("members").size()
              + " members in term "
              + group.text("term"));
    }
  }

  /** Always false: for use in conditions. */
  private boolean refuseEnded() {
    NodeProcess ended = cluster.firstEnded();
    if (ended != null) {
      throw CliException.failed(
          "node "
              + ended.id()
              + " ended with exit code "
              + ended.exitCode()
              + "; its log ends:\n"
              + ended.logTail());
    }
    return false;
  }

  private void createTopic() {
    admin.change(
        "CreateTopic",
        new JsonObject()
            .with("name", TOPIC)
            .with("partitions", PARTITIONS)
            .with("replicationFactor", NODES));
    story.tell("topic '" + TOPIC + "': " + PARTITIONS + " partitions, " + NODES + " replicas each");
    showPartitions(described());
  }

  private void killAndSeeTakeover(
      NodeProcess victim, List<JsonObject> before, NumberedLoad load, NumberedReads reads) {
    String also =
        admin.read("DescribeCluster", new JsonObject()).number("controllerId") == victim.id()
            ? ", who also leads the metadata quorum"
            : "";
    story.tell(
        "SIGKILL to node "
            + victim.id()
            + " (pid "
            + victim.pid()
            + "), leader of partition "
            + WATCHED
            + also);
    long killedAt = System.nanoTime();
    try {
      cluster.kill(victim);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw CliException.failed("interrupted");
    }
    Map<Integer, Long> atKill = new HashMap<>();
    for (int partition = 0; partition < PARTITIONS; partition++) {
      atKill.put(partition, load.acknowledgedCount(partition));
    }
    List<JsonObject> now = new ArrayList<>(before);
    await(
        "other nodes to lead",
        () -> {
          refuseFailures(load, reads);
          replace(now, partitions(false));
          return now.stream()
              .allMatch(one -> one.has("leader") && one.number("leader") != victim.id());
        },
        () -> "still led by node " + victim.id());
    JsonObject taken = now.get(WATCHED);
    story.tell(
        "node "
            + taken.text("leader")
            + " leads partition "
            + WATCHED
            + " in epoch "
            + taken.text("leaderEpoch")
            + " (before: node "
            + victim.id()
            + ", epoch "
            + before.get(WATCHED).text("leaderEpoch")
            + "), seen "
            + Times.brief((System.nanoTime() - killedAt) / 1_000_000)
            + " after the kill");
    await(
        "acknowledgements on every partition",
        () -> {
          refuseFailures(load, reads);
          return atKill.entrySet().stream()
              .allMatch(one -> load.acknowledgedCount(one.getKey()) > one.getValue() + 20);
        },
        () -> "no acknowledgement after the kill");
    int worst = 0;
    for (int partition = 1; partition < PARTITIONS; partition++) {
      worst = load.longestGapMs(partition) > load.longestGapMs(worst) ? partition : worst;
    }
    story.tell(
        "records are acknowledged again; longest time without an acknowledgement: "
            + Times.brief(load.longestGapMs(worst))
            + " (partition "
            + worst
            + ")");
    Table gaps = new Table("PARTITION", "LEADER", "EPOCH", "ISR", "LONGEST GAP");
    for (int partition = 0; partition < PARTITIONS; partition++) {
      JsonObject was = before.get(partition);
      JsonObject is = now.get(partition);
      gaps.row(
          partition,
          was.text("leader") + " -> " + is.text("leader"),
          was.text("leaderEpoch") + " -> " + is.text("leaderEpoch"),
          is.joined("isr"),
          Times.brief(load.longestGapMs(partition)));
    }
    story.show(gaps.toString());
  }

  private void bringBack(NodeProcess victim, NumberedLoad load, NumberedReads reads) {
    long startedAt = System.nanoTime();
    cluster.start(victim);
    story.tell("node " + victim.id() + " started again: pid " + victim.pid());
    List<JsonObject> now = new ArrayList<>();
    await(
        "node " + victim.id() + " to be in sync again",
        () -> {
          refuseFailures(load, reads);
          refuseEnded();
          // Its own copy may be as old as its death: only the quorum's word counts.
          replace(now, partitions(true));
          return now.size() == PARTITIONS
              && now.stream().allMatch(one -> one.list("isr").size() == NODES);
        },
        () -> "in-sync sets: " + now.stream().map(one -> one.joined("isr")).toList());
    story.tell(
        "node "
            + victim.id()
            + " has caught up, "
            + Times.brief((System.nanoTime() - startedAt) / 1_000_000)
            + " after its start:");
    showPartitions(now);
  }

  private boolean check(NumberedLoad load, NumberedReads reads) {
    List<HistoryCheck.Entry> acknowledged = load.acknowledged();
    Map<Integer, Long> last = new HashMap<>();
    acknowledged.forEach(entry -> last.merge(entry.partition(), entry.offset(), Math::max));
    Deadline deadline = Deadline.in(PATIENCE);
    // Whoever read along may be a moment behind; that it does not catch up is for the check to say.
    while (!hasSeen(reads.seen(), last) && !deadline.hasPassed()) {
      refuseFailures(load, reads);
      deadline.pause(POLL_MS);
    }
    List<HistoryCheck.Entry> live = reads.seen();
    HistoryCheck.Verdict verdict =
        HistoryCheck.check(load.sent(), acknowledged, reads.readAll(), live);
    story.tell("every record read back and compared:");
    Table table = new Table("RECORDS", "COUNT");
    table.row("acknowledged", verdict.acknowledged());
    table.row("read back", verdict.readBack());
    table.row("  of them never acknowledged", verdict.unacknowledged());
    table.row("lost, doubled, out of order", verdict.violationCount());
    table.row("delivered to the group again", reads.again());
    story.show(table.toString());
    if (!verdict.passed()) {
      story.show(String.join("\n", verdict.violations()) + "\n");
    }
    return verdict.passed();
  }

  private static boolean hasSeen(List<HistoryCheck.Entry> seen, Map<Integer, Long> last) {
    Map<Integer, Long> reached = new HashMap<>();
    seen.forEach(entry -> reached.merge(entry.partition(), entry.offset(), Math::max));
    return last.entrySet().stream()
        .allMatch(one -> reached.getOrDefault(one.getKey(), -1L) >= one.getValue());
  }

  private void tellProgress(NumberedLoad load, NumberedReads reads) {
    story.tell(
        load.acknowledged().size()
            + " records acknowledged, "
            + reads.seen().size()
            + " read along so far");
  }

  private void showPartitions(List<JsonObject> partitions) {
    Table table = new Table("PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR");
    for (JsonObject one : partitions) {
      table.row(
          one.number("partition"),
          one.text("leader"),
          one.text("leaderEpoch"),
          one.joined("replicas"),
          one.joined("isr"));
    }
    story.show(table.toString());
  }

  private List<JsonObject> described() {
    List<JsonObject> partitions = new ArrayList<>();
    await(
        "leaders of all partitions",
        () -> {
          replace(partitions, partitions(true));
          return partitions.size() == PARTITIONS
              && partitions.stream().allMatch(one -> one.has("leader"));
        },
        () -> "known: " + partitions);
    return partitions;
  }

  /** Keeps what is known where there is no news. */
  private static void replace(List<JsonObject> known, List<JsonObject> news) {
    if (!news.isEmpty()) {
      known.clear();
      known.addAll(news);
    }
  }

  /**
   * The topic's partitions by number; empty if no broker answers in time.
   *
   * @param linearizable false: from the copy of whichever broker answers, which needs no quorum
   */
  private List<JsonObject> partitions(boolean linearizable) {
    JsonObject request = new JsonObject().with("name", TOPIC);
    if (!linearizable) {
      request.with("minMetadataIndex", "0");
    }
    try {
      return admin
          .call("DescribeTopic", request, true, Deadline.in(CALL_PATIENCE))
          .object("topic")
          .objects("partitions");
    } catch (AdminError | CliException e) {
      return List.of();
    }
  }

  private void keepGoing(Duration time, NumberedLoad load, NumberedReads reads) {
    Deadline until = Deadline.in(time);
    while (!until.hasPassed()) {
      refuseFailures(load, reads);
      until.pause(POLL_MS);
    }
  }

  private static void refuseFailures(NumberedLoad load, NumberedReads reads) {
    String failure = load.failure();
    if (failure != null) {
      throw CliException.failed("writing failed: " + failure);
    }
    failure = reads.failure();
    if (failure != null) {
      throw CliException.failed("reading failed: " + failure);
    }
  }

  private interface Why {
    String say();
  }

  private static void await(String what, BooleanSupplier condition, Why why) {
    Deadline deadline = Deadline.in(PATIENCE);
    while (!condition.getAsBoolean()) {
      if (deadline.hasPassed()) {
        throw CliException.failed(
            "waited " + PATIENCE.toSeconds() + " s for " + what + "; " + why.say());
      }
      deadline.pause(POLL_MS);
    }
  }
}
