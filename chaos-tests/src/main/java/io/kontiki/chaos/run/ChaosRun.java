package io.kontiki.chaos.run;

import io.kontiki.chaos.history.Anomaly;
import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.HistoryChecker;
import io.kontiki.chaos.history.Log;
import io.kontiki.chaos.run.cluster.Ability;
import io.kontiki.chaos.run.cluster.Target;
import io.kontiki.chaos.run.load.Workload;
import io.kontiki.cli.admin.AdminError;
import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.model.Durability;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * One run: clients first, then faults one after the other, often the next before the last is quite
 * over; in the end the cluster must be whole, all clients done, and the history without anomalies.
 */
final class ChaosRun {
  private static final Duration START_PATIENCE = Duration.ofMinutes(5);
  private static final Duration WELL_PATIENCE = Duration.ofMinutes(5);
  private static final int MIN_IN_SYNC = 2;
  private static final int SLOTS = 600;

  /** So that a topic is known by a name of its own in a cluster that others use, too. */
  private static final String PREFIX = "chaos-";

  /** One fault of so many comes before the cluster is whole again after the one before. */
  private static final int ONE_IN_HURRY = 3;

  private final ChaosOptions options;
  private final Target target;
  private final Story story;
  private final Random random;
  private final History history = new History();
  private final List<FaultRecord> made = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();
  private final Map<FaultKind, String> skipped = new EnumMap<>(FaultKind.class);
  private final List<FaultKind> possible = new ArrayList<>();

  /** Told what happens. */
  interface Story {
    void tell(String line);
  }

  ChaosRun(ChaosOptions options, Target target, Story story) {
    this.options = options;
    this.target = target;
    this.story = story;
    this.random = new Random(options.seed());
  }

  /**
   * Runs it.
   *
   * @param fresh whether the nodes must be started first
   */
  Result run(boolean fresh) throws InterruptedException {
    choose();
    List<Log> logs = new ArrayList<>();
    String suffix = fresh ? "" : "-" + options.seed();
    for (int partition = 0; partition < 6; partition++) {
      logs.add(new Log(PREFIX + "fsync" + suffix, partition));
    }
    // What is in memory only does not survive the loss of all memories (P2).
    boolean alsoReplicated = !possible.contains(FaultKind.POWER_CUT_ALL);
    for (int partition = 0; alsoReplicated && partition < 2; partition++) {
      logs.add(new Log(PREFIX + "replicated" + suffix, partition));
    }
    Roles roles = new Roles(target, logs, 3);
    if (fresh) {
      target.ids().forEach(target::start);
    }
    create(roles, PREFIX + "fsync" + suffix, 6, Durability.FSYNC);
    if (alsoReplicated) {
      create(roles, PREFIX + "replicated" + suffix, 2, Durability.REPLICATED);
    }
    require(roles.awaitWell(START_PATIENCE));
    logs.stream().map(Log::topic).distinct().forEach(topic -> createGroups(roles, topic));
    story.tell(target.ids().size() + " nodes are ready, seed " + options.seed());
    if (!target.description().isEmpty()) {
      story.tell("between them: " + target.description());
    }

    int[] acks;
    long begin = System.nanoTime();
    long end;
    try (Workload load = new Workload(target, logs, options.perSecond(), options.seed(), history)) {
      load.start();
      awaitAcks(load);
      makeFaults(roles, load);
      story.tell("no more faults; everything is read back");
      try {
        load.finish();
      } catch (IllegalStateException e) {
        problems.add(String.valueOf(e.getMessage()));
      }
      end = System.nanoTime();
      problems.addAll(load.surprises());
      acks = load.acks().perSlot(begin, end, SLOTS);
    }
    List<Event> events = history.events();
    List<Anomaly> anomalies = HistoryChecker.check(events, problems.isEmpty());
    return new Result(
        options, begin, end, made, operations(events), anomalies, problems, acks, skipped, events);
  }

  private void choose() {
    Map<Ability, String> missing = target.missing();
    for (FaultKind kind : options.kinds()) {
      String why = kind.impossible(missing);
      if (why.isEmpty()) {
        possible.add(kind);
      } else {
        skipped.put(kind, why);
        story.tell("*** SKIPPED: " + kind.word() + ": " + why);
      }
    }
    if (possible.isEmpty()) {
      throw CliException.failed("none of the faults can be made here");
    }
  }

  private static void require(String why) {
    if (!why.isEmpty()) {
      throw CliException.failed("the cluster is not whole: " + why);
    }
  }

  private void create(Roles roles, String topic, int partitions, Durability durability) {
    JsonObject request =
        new JsonObject()
            .with("name", topic)
            .with("partitions", partitions)
            .with("replicationFactor", 3)
            .with(
                "config",
                new JsonObject()
                    .with("durability", durability.name().toLowerCase(Locale.ROOT))
                    .with("min.insync.replicas", Integer.toString(MIN_IN_SYNC)));
    insist(roles, "CreateTopic", request);
    history.add(new Event.TopicSet(topic, durability, MIN_IN_SYNC, false));
  }

  /**
   * Lets the groups of the clients begin at the beginning. One that has neither members nor offsets
   * ends (M19), and the next one of its name counts its generations anew: the history would not
   * tell them apart.
   */
  private static void createGroups(Roles roles, String topic) {
    for (String group : Workload.GROUPS) {
      insist(
          roles,
          "ResetGroupOffsets",
          new JsonObject()
              .with("group", group)
              .with("topic", topic)
              .with("to", new JsonObject().with("offset", "0")));
    }
  }

  /** Until it is done, or was done by a try whose answer was lost. */
  private static void insist(Roles roles, String method, JsonObject request) {
    Deadline deadline = Deadline.in(START_PATIENCE);
    while (true) {
      try {
        roles.admin().call(method, request, false, deadline.atMost(Duration.ofSeconds(20)));
        return;
      } catch (AdminError | CliException e) {
        if (String.valueOf(e.getMessage()).contains("TOPIC_EXISTS")) {
          return;
        }
        if (deadline.hasPassed()) {
          throw CliException.failed(method + " " + request + ": " + e.getMessage());
        }
        deadline.pause(200);
      }
    }
  }

  private void awaitAcks(Workload load) {
    Deadline deadline = Deadline.in(START_PATIENCE);
    long acked = history.acked();
    while (history.acked() < acked + 100) {
      if (deadline.hasPassed()) {
        throw CliException.failed("nothing is acknowledged: " + load.surprises());
      }
      deadline.pause(50);
    }
  }

  private void makeFaults(Roles roles, Workload load) {
    Faults faults = new Faults(target, roles, history, random);
    Deadline end = Deadline.in(options.length());
    List<FaultKind> bag = new ArrayList<>();
    boolean whole = true;
    while (!end.hasPassed() && made.size() < options.faults() && problems.isEmpty()) {
      // Each kind once before any comes again.
      if (bag.isEmpty()) {
        bag.addAll(possible);
      }
      FaultKind kind = bag.remove(random.nextInt(bag.size()));
      if (!whole && kind.needsWhole() && !becomeWhole(roles)) {
        break;
      }
      whole = makeOne(kind, faults, roles, load);
    }
    if (problems.isEmpty()) {
      becomeWhole(roles);
    }
  }

  private boolean becomeWhole(Roles roles) {
    String why = roles.awaitWell(WELL_PATIENCE);
    if (!why.isEmpty()) {
      problems.add(
          "the cluster did not become whole within "
              + WELL_PATIENCE.toSeconds()
              + " s after "
              + (made.isEmpty() ? "the start" : made.get(made.size() - 1).what())
              + ": "
              + why);
      story.tell("*** " + problems.get(problems.size() - 1));
    }
    return why.isEmpty();
  }

  /** Returns whether the cluster is known to be whole. */
  private boolean makeOne(FaultKind kind, Faults faults, Roles roles, Workload load) {
    boolean inHurry = random.nextInt(ONE_IN_HURRY) == 0;
    int hurryMs = random.nextInt(1_500);
    long begin = System.nanoTime();
    try {
      faults.make(kind);
    } catch (IllegalStateException e) {
      problems.add(kind.word() + ": " + faults.what() + ": " + e.getMessage());
      story.tell("*** " + problems.get(problems.size() - 1));
    }
    long undone = System.nanoTime();
    boolean whole = false;
    if (inHurry) {
      Deadline.in(Duration.ofMillis(hurryMs)).pause(hurryMs);
    } else if (problems.isEmpty()) {
      whole = becomeWhole(roles);
    }
    long well = System.nanoTime();
    FaultRecord record =
        new FaultRecord(
            kind, faults.what(), begin, undone, well, load.acks().longestGaps(begin, well));
    made.add(record);
    story.tell(
        String.format(
            Locale.ROOT,
            "%d %s: %s; %d ms without acknowledgements, %s",
            made.size(),
            kind.word(),
            record.what(),
            record.unavailableNanos() / 1_000_000,
            whole
                ? String.format(Locale.ROOT, "whole %.1f s later", (well - undone) / 1e9)
                : "the next at once"));
    return whole;
  }

  private static Map<String, Long> operations(List<Event> events) {
    Map<String, Long> counts = new TreeMap<>();
    for (Event event : events) {
      String name = event.getClass().getSimpleName();
      counts.merge(
          event instanceof Event.InGroup one ? name + " (group " + one.group() + ")" : name,
          1L,
          Long::sum);
    }
    return counts;
  }
}
