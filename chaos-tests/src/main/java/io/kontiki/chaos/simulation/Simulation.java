package io.kontiki.chaos.simulation;

import io.kontiki.model.PartitionId;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One seed, played. */
public final class Simulation {
  private Simulation() {}

  /**
   * How a run ended.
   *
   * @param faults that happened
   * @param uncleanElections among what came of them
   * @param compacted batches that were found with less than was appended
   * @param virtualMs that passed
   * @param violation null: none
   * @param hash of all that happened
   */
  public record Outcome(
      long seed,
      int faults,
      long events,
      long virtualMs,
      long acked,
      int uncleanElections,
      long compacted,
      long hash,
      @Nullable Violation violation,
      String state) {}

  private static SeededRandom random(long seed, int use) {
    return new SeededRandom(seed * 0x9e3779b97f4a7c15L + use);
  }

  /** The plan of a seed. */
  public static Plan plan(long seed) {
    return Plan.of(random(seed, 1))
        .more(random(seed, 3))
        .yetMore(random(seed, 5))
        .thinClients(random(seed, 7));
  }

  /** What goes wrong in a seed. */
  public static Schedule schedule(long seed) {
    Plan plan = plan(seed);
    return Schedule.of(random(seed, 2), plan)
        .and(Schedule.more(random(seed, 4), plan))
        .and(Schedule.yetMore(random(seed, 6), plan));
  }

  /** Plays a seed. */
  public static Outcome run(long seed, Trace trace) {
    return run(seed, plan(seed), schedule(seed), trace);
  }

  /** Plays a seed with another plan or schedule. */
  public static Outcome run(long seed, Plan plan, Schedule schedule, Trace trace) {
    World world = new World(seed, plan, trace);
    Violation violation = null;
    int faults = 0;
    try {
      world.startAll();
      List<PartitionId> all = new ArrayList<>();
      plan.topics().forEach(topic -> all.addAll(world.partitions(topic.name())));
      for (ProducerPlan producer : plan.producers()) {
        world.producer(producer, all, 15);
      }
      for (int i = 0; i < plan.consumers(); i++) {
        world.consumer(all);
      }
      world.runMs(500);
      long begin = world.now();
      for (Schedule.Event event : schedule.events()) {
        world.runMs(Math.max(0, event.atMs() - (world.now() - begin) / 1_000_000));
        trace.add(4, event.atMs(), () -> "FAULT " + event.fault());
        event.fault().happen(world);
        faults++;
      }
      world.healAndCheck();
    } catch (Violation e) {
      violation = e;
    } catch (RuntimeException e) {
      violation = new Violation("the simulator itself", e);
    }
    return new Outcome(
        seed,
        faults,
        world.events(),
        world.now() / 1_000_000,
        world.seen().acked(),
        world.seen().uncleanElections(),
        world.seen().compacted(),
        trace.hash(),
        violation,
        violation == null ? "" : world.state());
  }

  /** The same run with as few faults as still break a rule, tried for a while. */
  public static Schedule shrink(long seed, Plan plan, Schedule schedule, String rule, int tries) {
    Schedule best = schedule;
    int left = tries;
    int size = Math.max(1, best.events().size() / 2);
    while (left > 0) {
      boolean shrunk = false;
      for (int from = 0; from < best.events().size() && left > 0; left--) {
        Schedule less = best.without(from, Math.min(best.events().size(), from + size));
        Violation found = run(seed, plan, less, new Trace(false)).violation();
        if (found != null && found.rule().equals(rule)) {
          best = less;
          shrunk = true;
        } else {
          from += size;
        }
      }
      if (!shrunk && size == 1) {
        break;
      }
      size = Math.max(1, size / 2);
    }
    return best;
  }

  /** Faults as text, one a line. */
  static String text(Schedule schedule) {
    return schedule.events().stream()
        .map(event -> String.format("%8d ms  %s", event.atMs(), event.fault()))
        .collect(Collectors.joining("\n"));
  }
}
