package io.kontiki.chaos.simulation;

import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.Comparator;
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
    if (!plan.administrators()) {
      for (int i = FIRST_OF_ADMINISTRATORS; i < KINDS; i++) {
        total -= weights[i];
        weights[i] = 0;
      }
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

  /** Kinds that came later; some seeds have none of them. */
  static Schedule more(SeededRandom random, Plan plan) {
    List<Event> events = new ArrayList<>();
    boolean twins = random.oneIn(3);
    boolean deletions = random.oneIn(2);
    int gapMs = 4 * plan.faultGapMs();
    for (long at = random.nextInt(gapMs);
        at < plan.faultSeconds() * 1_000L;
        at += 1 + random.nextInt(2 * gapMs)) {
      int node = 1 + random.nextInt(plan.brokers());
      int which = random.nextInt(1_000);
      int partition = random.nextInt(1_000);
      long ms = 500 + spell(random);
      boolean flag = random.oneIn(2);
      if (twins && random.oneIn(2)) {
        events.add(new Event(at, new Fault.Twin(node, flag, ms)));
      }
      if (deletions) {
        events.add(
            new Event(
                at, new Fault.DeleteRecords(which, partition, flag ? 100 : random.nextInt(100))));
      }
    }
    return new Schedule(events);
  }

  /** Kinds that came later still; most seeds have none of them. */
  static Schedule yetMore(SeededRandom random, Plan plan) {
    List<Event> events = new ArrayList<>();
    if (plan.impatient()) {
      int gapMs = 3_000;
      for (long at = random.nextInt(gapMs);
          at < plan.faultSeconds() * 1_000L;
          at += 500 + random.nextInt(2 * gapMs)) {
        events.add(
            new Event(
                at, new Fault.Impatience(500 + random.nextInt(4_000), 100 + random.nextInt(400))));
      }
    }
    return new Schedule(events);
  }

  /** With the events of another one. */
  Schedule and(Schedule other) {
    List<Event> all = new ArrayList<>(events);
    all.addAll(other.events);
    all.sort(Comparator.comparingLong(Event::atMs));
    return new Schedule(all);
  }

  /** Without some of its events. */
  public Schedule without(int from, int to) {
    List<Event> left = new ArrayList<>(events.subList(0, from));
    left.addAll(events.subList(to, events.size()));
    return new Schedule(left);
  }

  private static final int KINDS = 26;
  private static final int FIRST_OF_ADMINISTRATORS = 23;

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
      case 15 ->
          new Fault.WallJump(
              node, (random.nextInt(2) * 2 - 1) * (1L + random.nextInt(3_600_000)), ms);
      case 16 -> new Fault.Wipe(node, ms);
      case 17 -> new Fault.OldDisk(node, 1_000 + ms);
      case 18 -> new Fault.DiskError(node, operation(random), random.nextInt(20), 500 + ms);
      case 19 -> new Fault.FullDisk(node, random.nextInt(600_000), ms);
      case 20 ->
          new Fault.Rot(
              1 + plan.brokers() / 2,
              random.nextInt(1_000),
              random.nextInt(16_384),
              1 << random.nextInt(8));
      case 21 -> new Fault.SlowQuorum(random.nextInt(random.oneIn(3) ? 3_000 : 500), 500 + 2 * ms);
      case 22 -> new Fault.Garble(node, 1 + random.nextInt(10), ms);
      default -> administer(random, plan, node, ms);
    };
  }

  private static MemoryFileStore.Operation operation(SeededRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> MemoryFileStore.Operation.READ;
      case 1 -> MemoryFileStore.Operation.WRITE;
      default -> MemoryFileStore.Operation.SYNC;
    };
  }

  private static Fault administer(SeededRandom random, Plan plan, int node, long ms) {
    int which = random.nextInt(1_000);
    int partition = random.nextInt(1_000);
    return switch (random.nextInt(9)) {
      case 0 -> new Fault.Create(Plan.topic(random, "x" + random.nextInt(6), plan.brokers()));
      case 1 -> new Fault.Delete(which);
      case 2 -> new Fault.Expand(which, 1 + random.nextInt(2));
      case 3, 4, 5 -> new Fault.Reassign(which, partition, some(random, plan), !random.oneIn(4));
      case 6 -> new Fault.CancelMove(which, partition);
      case 7 -> new Fault.ElectPreferred(which, partition);
      default -> new Fault.Fence(node, ms);
    };
  }

  /** Brokers in any order, at least one. */
  private static List<Integer> some(SeededRandom random, Plan plan) {
    List<Integer> all = new ArrayList<>();
    for (int i = 1; i <= plan.brokers(); i++) {
      all.add(random.nextInt(all.size() + 1), i);
    }
    return List.copyOf(all.subList(0, 1 + random.nextInt(all.size())));
  }

  private static long spell(SeededRandom random) {
    return random.nextInt(random.oneIn(8) ? 8_000 : random.oneIn(2) ? 2_500 : 400);
  }
}
