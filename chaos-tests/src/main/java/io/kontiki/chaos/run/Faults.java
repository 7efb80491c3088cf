package io.kontiki.chaos.run;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.chaos.run.cluster.Cut;
import io.kontiki.chaos.run.cluster.Lane;
import io.kontiki.chaos.run.cluster.Target;
import io.kontiki.cli.admin.AdminError;
import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Makes faults: harm, a while, and everything undone. Who is hit and for how long, the seed says.
 * One thread.
 */
final class Faults {
  private static final Duration WELL_PATIENCE = Duration.ofMinutes(5);
  private static final Duration SNAPSHOT_PATIENCE = Duration.ofSeconds(15);
  private static final String EXTRA_TOPIC = "chaos-extra-";

  private final Target target;
  private final Roles roles;
  private final History history;
  private final Random random;
  private int topics;
  private String what = "";

  Faults(Target target, Roles roles, History history, Random random) {
    this.target = target;
    this.roles = roles;
    this.history = history;
    this.random = random;
  }

  /** What the fault that was made last, or is being made, does to whom. */
  String what() {
    return what;
  }

  /**
   * Makes one, and undoes it.
   *
   * @throws IllegalStateException if something does not work that should
   */
  void make(FaultKind kind) {
    what = kind.meaning();
    switch (kind) {
      case KILL -> kill(List.of(anyNode()));
      case KILL_LEADER -> kill(List.of(partitionLeader()));
      case KILL_METADATA_LEADER -> kill(List.of(metadataLeader()));
      case KILL_TWO -> kill(some(2));
      case KILL_ALL -> kill(target.ids());
      case KILL_STARTING -> killStarting();
      case KILL_WHILE_CREATING -> killWhileCreating();
      case KILL_WHILE_WRITING_SNAPSHOT -> killWhileWritingSnapshot();
      case FREEZE_SHORT -> freeze(anyNode(), 100 + random.nextInt(900));
      case FREEZE_LONG -> freeze(leaderOfEither(), 2_000 + random.nextInt(6_000));
      case RESTART -> restart(anyNode());
      case RESTART_ROLLING -> restartRolling();
      case WIPE -> wipe();
      case WIPE_WHILE_ONE_IS_DOWN -> wipeWhileOneIsDown();
      case CUT_NODE -> cutNode();
      case CUT_FROM_QUORUM -> cutLane(Lane.QUORUM, "the quorum");
      case CUT_FROM_FOLLOWERS -> cutLane(Lane.REPLICATION, "its followers");
      case CUT_ONE_WAY -> cutOneWay();
      case CUT_PAIR -> cutPair();
      case SLOW_NETWORK -> slowNetwork();
      case LOSSY_NETWORK -> lossyNetwork();
      case DISK_FULL -> diskFull();
      case POWER_CUT -> powerCut(List.of(leaderOfEither()));
      case POWER_CUT_ALL -> powerCut(target.ids());
      case CLOCK_JUMP -> clockJump();
      case FSYNC_SLOW -> fsyncSlow();
      case FSYNC_FAILS -> fsyncFails();
    }
  }

  // ------------------------------------------------------------------------------------ who, how
  // long

  private int anyNode() {
    return target.ids().get(random.nextInt(target.ids().size()));
  }

  private List<Integer> some(int count) {
    List<Integer> ids = new ArrayList<>(target.ids());
    while (ids.size() > Math.min(count, target.ids().size())) {
      ids.remove(random.nextInt(ids.size()));
    }
    return ids;
  }

  private int partitionLeader() {
    List<Integer> leaders = new ArrayList<>(new TreeSet<>(roles.leaders().values()));
    return leaders.isEmpty() ? anyNode() : leaders.get(random.nextInt(leaders.size()));
  }

  private int metadataLeader() {
    return roles.metadataLeader().orElseGet(this::anyNode);
  }

  private int leaderOfEither() {
    return random.nextBoolean() ? partitionLeader() : metadataLeader();
  }

  private List<Integer> others(int id) {
    return target.ids().stream().filter(other -> other != id).toList();
  }

  private void pause(int ms) {
    Deadline.in(Duration.ofMillis(ms)).pause(ms);
  }

  /** A node with what it leads, for people. */
  private String named(Collection<Integer> ids) {
    Map<Log, Integer> leaders = roles.leaders();
    int metadata = roles.metadataLeader().orElse(0);
    return ids.stream()
        .map(
            id -> {
              List<String> leads =
                  leaders.entrySet().stream()
                      .filter(entry -> entry.getValue().equals(id))
                      .map(entry -> entry.getKey().toString())
                      .collect(Collectors.toCollection(ArrayList::new));
              String text = "node " + id + " (leads " + leads.size() + " partitions";
              return text + (id == metadata ? " and the metadata)" : ")");
            })
        .collect(Collectors.joining(", "));
  }

  // --------------------------------------------------------------------------------------
  // processes

  private void kill(List<Integer> ids) {
    what = "SIGKILL to " + named(ids);
    target.kill(ids);
    pause(300 + random.nextInt(3_000));
    ids.forEach(target::start);
  }

  private void killStarting() {
    int id = anyNode();
    int afterMs = 100 + random.nextInt(2_500);
    what = "SIGKILL to " + named(List.of(id)) + ", and again " + afterMs + " ms after its start";
    target.kill(List.of(id));
    target.start(id);
    pause(afterMs);
    target.kill(List.of(id));
    target.start(id);
  }

  private void freeze(int id, int ms) {
    what = "SIGSTOP for " + ms + " ms to " + named(List.of(id));
    target.freeze(id);
    pause(ms);
    target.thaw(id);
  }

  private void restart(int id) {
    what = "restart of " + named(List.of(id));
    target.stop(id);
    target.start(id);
  }

  private void restartRolling() {
    what = "rolling restart";
    for (int id : target.ids()) {
      target.stop(id);
      target.start(id);
      String why = roles.awaitWell(WELL_PATIENCE);
      if (!why.isEmpty()) {
        throw new IllegalStateException("after the restart of node " + id + ": " + why);
      }
    }
  }

  // ------------------------------------------------------------------------------------- moments

  private void killWhileCreating() {
    String topic = EXTRA_TOPIC + ++topics;
    int id = metadataLeader();
    int afterMs = random.nextInt(60);
    what = "SIGKILL to " + named(List.of(id)) + " " + afterMs + " ms after 'create " + topic + "'";
    Thread creation =
        new Thread(
            () -> change("CreateTopic", new JsonObject().with("name", topic).with("partitions", 4)),
            "create-" + topic);
    creation.setDaemon(true);
    creation.start();
    pause(afterMs);
    target.kill(List.of(id));
    pause(300 + random.nextInt(2_000));
    target.start(id);
    try {
      creation.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
    change("DeleteTopic", new JsonObject().with("name", topic));
  }

  /** Refused, or with an unknown outcome: both happen, and neither matters here. */
  private void change(String method, JsonObject request) {
    try {
      roles.admin().call(method, request, false, Deadline.in(Duration.ofSeconds(10)));
    } catch (AdminError | CliException e) {
      // As said.
    }
  }

  private void killWhileWritingSnapshot() {
    int id = anyNode();
    Deadline deadline = Deadline.in(SNAPSHOT_PATIENCE);
    Set<Path> before = snapshotFiles(id);
    Thread churn =
        new Thread(
            () -> {
              while (!deadline.hasPassed() && !Thread.currentThread().isInterrupted()) {
                String topic = EXTRA_TOPIC + ++topics;
                change("CreateTopic", new JsonObject().with("name", topic));
                change("DeleteTopic", new JsonObject().with("name", topic));
              }
            },
            "churn");
    churn.setDaemon(true);
    churn.start();
    boolean seen = false;
    while (!seen && !deadline.hasPassed()) {
      seen = !snapshotFiles(id).equals(before);
      pause(1);
    }
    what =
        (seen ? "SIGKILL while it wrote a snapshot: " : "SIGKILL, and no snapshot began: ")
            + "node "
            + id;
    target.kill(List.of(id));
    churn.interrupt();
    pause(300);
    target.start(id);
    try {
      churn.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private Set<Path> snapshotFiles(int id) {
    Path raft = target.data(id).resolve("raft");
    try (Stream<Path> paths = Files.walk(raft)) {
      return paths
          .filter(path -> raft.relativize(path).toString().contains("snapshot"))
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException | java.io.UncheckedIOException e) {
      return Set.of(); // it changes under our eyes: that is what is looked for
    }
  }

  // ---------------------------------------------------------------------------------------- disks

  private void wipe() {
    int id = anyNode();
    what = "deletion of all data of " + named(List.of(id));
    target.kill(List.of(id));
    history.add(new Event.DisksLost(1));
    target.wipe(id);
    pause(300 + random.nextInt(2_000));
    target.start(id);
  }

  private void wipeWhileOneIsDown() {
    List<Integer> two = some(2);
    int empty = two.get(random.nextInt(2));
    int down = two.get(0) == empty ? two.get(1) : two.get(0);
    what = "deletion of all data of node " + empty + " while node " + down + " is down";
    target.kill(two);
    history.add(new Event.DisksLost(1));
    target.wipe(empty);
    target.start(empty);
    pause(2_000 + random.nextInt(3_000));
    target.start(down);
  }

  private void diskFull() {
    int id = leaderOfEither();
    int ms = 2_000 + random.nextInt(6_000);
    what = "no room for " + ms + " ms on the disk of " + named(List.of(id));
    target.fillDisk(id);
    pause(ms);
    target.freeDisk(id);
    // Where not even the Raft log finds room, a node ends by itself (D1) and its supervisor starts
    // it again: here that is us. What it was at when the room came back it has done by then.
    pause(1_000);
    if (!target.isAlive(id)) {
      what += ", which ended by itself";
      target.start(id);
    }
  }

  private void powerCut(List<Integer> ids) {
    what = "power cut of " + named(ids);
    history.add(new Event.LossyStop(ids.size()));
    target.cutPower(ids);
    pause(300 + random.nextInt(2_000));
    ids.forEach(target::start);
  }

  // -------------------------------------------------------------------------------------- network

  private void cutNode() {
    int id = leaderOfEither();
    int ms = cutMs();
    what = "off the network for " + ms + " ms: " + named(List.of(id));
    target.cutOff(id);
    pause(ms);
    target.heal();
  }

  private int cutMs() {
    return 500 + random.nextInt(7_000);
  }

  /** Between a partition leader and all others, both ways, for one kind of traffic. */
  private void cutLane(Lane lane, String from) {
    int id = partitionLeader();
    int ms = cutMs();
    what = "cut from " + from + " only for " + ms + " ms: " + named(List.of(id));
    List<Cut> cuts = new ArrayList<>();
    for (int other : others(id)) {
      cuts.add(new Cut(id, other, lane));
      cuts.add(new Cut(other, id, lane));
    }
    target.cut(cuts);
    pause(ms);
    target.heal();
  }

  private void cutOneWay() {
    int id = leaderOfEither();
    int ms = cutMs();
    boolean mute = random.nextBoolean();
    what =
        (mute ? "hears and is not heard for " : "is heard and does not hear for ")
            + ms
            + " ms: "
            + named(List.of(id));
    List<Cut> cuts = new ArrayList<>();
    for (int other : others(id)) {
      for (Lane lane : Lane.values()) {
        cuts.add(mute ? new Cut(id, other, lane) : new Cut(other, id, lane));
      }
    }
    target.cut(cuts);
    pause(ms);
    target.heal();
  }

  private void cutPair() {
    List<Integer> two = some(2);
    int ms = cutMs();
    what = "do not reach each other for " + ms + " ms: " + named(two);
    List<Cut> cuts = new ArrayList<>();
    for (Lane lane : Lane.values()) {
      cuts.add(new Cut(two.get(0), two.get(1), lane));
      cuts.add(new Cut(two.get(1), two.get(0), lane));
    }
    target.cut(cuts);
    pause(ms);
    target.heal();
  }

  private void slowNetwork() {
    int id = leaderOfEither();
    int ms = cutMs();
    what = "little throughput for " + ms + " ms: " + named(List.of(id));
    target.slowNetwork(id);
    pause(ms);
    target.heal();
  }

  private void lossyNetwork() {
    int id = leaderOfEither();
    int ms = cutMs();
    what = "delay and loss for " + ms + " ms: " + named(List.of(id));
    target.lossyNetwork(id);
    pause(ms);
    target.heal();
  }

  // ---------------------------------------------------------------------------- clocks, system
  // calls

  private void clockJump() {
    int id = leaderOfEither();
    long[] jumps = {3_600, -3_600, 86_400 * 3_650L, -86_400 * 365L, 120, -120};
    long seconds = jumps[random.nextInt(jumps.length)];
    what = "the clock jumps by " + seconds + " s, and back: " + named(List.of(id));
    target.setClock(id, seconds);
    pause(2_000 + random.nextInt(4_000));
    target.setClock(id, 0);
  }

  private void fsyncSlow() {
    int id = leaderOfEither();
    int seconds = 3 + random.nextInt(4);
    what = "syncs take 0.3 s for " + seconds + " s: " + named(List.of(id));
    target.hinder(id, "fdatasync,fsync:delay_enter=300000", seconds);
  }

  private void fsyncFails() {
    int id = leaderOfEither();
    what = "a sync fails: " + named(List.of(id));
    target.hinder(id, "fdatasync:error=EIO:when=1", 2);
    target.kill(List.of(id));
    target.start(id);
  }
}
