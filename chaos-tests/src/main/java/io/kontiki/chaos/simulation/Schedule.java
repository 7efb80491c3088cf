package io.kontiki.chaos.simulation;

import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * What goes wrong when, decided before a run begins: so a run can be played again with less of it.
 *
 * @param events by time
 */
public record Schedule(List<Event> events) {
  public Schedule {
    events = List.copyOf(events);
  }

  /**
   * A fault and its time.
   *
   * @param atMs since the faults began
   */
  public record Event(long atMs, Fault fault) {}

  /** As a seed has it: some kinds often, some never (swarm). */
  public static Schedule of(SeededRandom random, Plan plan) {
    int[] weights = new int[KINDS];
    int total = 0;
    for (int i = 0; i < KINDS; i++) {
      weights[i] = random.oneIn(3) ? 0 : 1 + random.nextInt(8);
      total += weights[i];
    }
    if (total == 0) {
      weights[0] = total = 1;
    }
    List<Event> events = new ArrayList<>();
    long at = 0;
    while (true) {
      at += 1 + random.nextInt(2 * plan.faultGapMs());
      if (at >= plan.faultSeconds() * 1_000L) {
        return new Schedule(events);
      }
      int pick = random.nextInt(total);
      int kind = 0;
      while (pick >= weights[kind]) {
        pick -= weights[kind++];
      }
      events.add(new Event(at, make(kind, random, plan)));
    }
  }

  /** Without some of its events. */
  public Schedule without(int from, int to) {
    List<Event> left = new ArrayList<>(events.subList(0, from));
    left.addAll(events.subList(to, events.size()));
    return new Schedule(left);
  }

  private static final int KINDS = 16;

  private static Fault make(int kind, SeededRandom random, Plan plan) {
    int node = 1 + random.nextInt(plan.brokers());
    int other = 1 + (node - 1 + 1 + random.nextInt(plan.brokers() - 1)) % plan.brokers();
    long ms = spell(random);
    return switch (kind) {
      case 0 -> new Fault.Kill(node, random.oneIn(3) ? random.nextInt(50) : ms);
      case 1 -> new Fault.PowerCut(node, ms);
      case 2 -> random.oneIn(4) ? new Fault.PowerCutOfAll(ms) : new Fault.PowerCut(node, ms);
      case 3 -> new Fault.Pause(node, ms);
      case 4 -> new Fault.Stop(node, 500 + ms);
      case 5 -> new Fault.Cut(node, other, ms);
      case 6 -> new Fault.Isolate(node, ms);
      case 7 -> new Fault.Break(1 + random.nextInt(4));
      case 8 -> new Fault.Slow(node, other, random.nextInt(300), random.nextInt(20), ms);
      case 9 -> new Fault.StuckDisk(node, random.oneIn(4) ? 8_000 : ms);
      case 10 -> new Fault.SlowDisk(node, random.nextInt(random.oneIn(4) ? 3_000 : 100), ms);
      case 11 -> new Fault.SlowApply(node, random.nextInt(200), ms);
      case 12 -> new Fault.OldImage(node, ms, random.oneIn(2));
      case 13 -> new Fault.MoveController();
      case 14 -> new Fault.Drift(node, 0.9 + random.nextInt(200) / 1_000.0, ms);
      default ->
          new Fault.WallJump(
              node, (random.nextInt(2) * 2 - 1) * (1L + random.nextInt(3_600_000)), ms);
    };
  }

  private static long spell(SeededRandom random) {
    return random.nextInt(random.oneIn(8) ? 8_000 : random.oneIn(2) ? 2_500 : 400);
  }
}
