package io.kontiki.broker.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.group.ConsumeFixture.TestClient;
import io.kontiki.broker.group.ConsumeFixture.Wish;
import io.kontiki.group.GroupImage;
import io.kontiki.group.MemberState;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.record.Record;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Clients that are slow, commit late, seek back, pause, leave and break, over a log whose leaders
 * go and a coordinator that moves: nothing is skipped, order and window are kept, and what comes
 * again comes from the last commit (P9, P10).
 */
class ConsumePropertyTest {
  private static final int SEEDS = 60;
  private static final int STEPS = 300;
  private static final String TOPIC = "orders";

  @Test
  void nothingIsSkippedWhateverBreaks() {
    for (long seed = 1; seed <= SEEDS; seed++) {
      try {
        new World(seed).run();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
      }
    }
  }

  /** One seed; for the mutation suite. */
  static void playSeed(long seed) {
    new World(seed).run();
  }

  /** What one client knows of a partition that is its own. */
  private static final class Held {
    long next;
    long highest;
    boolean revoking;
    final ArrayDeque<long[]> uncommitted = new ArrayDeque<>();
  }

  private static final class World {
    private final Random random;
    private final ConsumeFixture fixture = new ConsumeFixture();
    private final int partitions;
    private final List<Client> clients = new ArrayList<>();
    private final Map<Named, BitSet> delivered = new TreeMap<>();
    private final Map<Named, Long> ends = new TreeMap<>();
    private final Map<Named, Long> committedAtMost = new TreeMap<>();
    private final boolean[] failing;

    World(long seed) {
      random = new Random(seed);
      partitions = 1 + random.nextInt(6);
      failing = new boolean[partitions];
      fixture.topic(TOPIC, partitions);
      fixture.groups.delayNanos = () -> random.nextInt(20) * 1_000_000L;
      fixture.groups.lagNanos = () -> random.nextInt(4) == 0 ? random.nextInt(300) * 1_000_000L : 0;
      fixture.partitions.fetchNanos = () -> random.nextInt(80) * 1_000_000L;
      for (int p = 0; p < partitions; p++) {
        int partition = p;
        delivered.put(new Named(TOPIC, p), new BitSet());
        ends.put(new Named(TOPIC, p), 0L);
        fixture.partitions.failing(
            fixture.id(TOPIC, p),
            () ->
                failing[partition]
                    ? ApiError.retriable(ErrorReason.LEADER_UNAVAILABLE, "no leader", 100)
                    : null);
      }
    }

    void run() {
      for (int step = 0; step < STEPS; step++) {
        step();
        fixture.ms(random.nextInt(60));
        check();
      }
      settle();
    }

    private void step() {
      int dice = random.nextInt(100);
      if (dice < 40) {
        append(random.nextInt(partitions), 1 + random.nextInt(4));
      } else if (dice < 48 && clients.size() < 5) {
        clients.add(new Client());
      } else if (dice < 52) {
        int p = random.nextInt(partitions);
        failing[p] = !failing[p];
      } else if (dice < 54) {
        boolean away = random.nextBoolean();
        fixture.home.run(() -> fixture.groups.away(away));
      } else if (!clients.isEmpty()) {
        clients.get(random.nextInt(clients.size())).act();
      }
    }

    private void append(int partition, int records) {
      String[] values = new String[records];
      for (int i = 0; i < records; i++) {
        values[i] = "x".repeat(random.nextInt(20) == 0 ? 150 : random.nextInt(20));
      }
      fixture.put(TOPIC, partition, values);
      ends.merge(new Named(TOPIC, partition), (long) records, Long::sum);
    }

    /** What is stored was committed by somebody, and nobody owns what another one does. */
    private void check() {
      clients.removeIf(client -> client.over());
      GroupImage group = fixture.groups.group("g");
      if (group == null) {
        return;
      }
      Map<PartitionId, String> owners = new TreeMap<>();
      for (MemberState member : group.members().values()) {
        for (PartitionId id : member.owned().keySet()) {
          assertTrue(owners.put(id, member.id()) == null, "two owners of " + id);
        }
      }
      committedAtMost.forEach(
          (name, most) ->
              assertTrue(
                  fixture.groups.committed("g", fixture.id(TOPIC, name.partition())) <= most,
                  "stored what nobody committed"));
    }

    private void settle() {
      for (int p = 0; p < partitions; p++) {
        failing[p] = false;
      }
      fixture.home.run(() -> fixture.groups.away(false));
      clients.forEach(client -> client.stream.breaks());
      fixture.ms(40_000);
      clients.clear();
      Client last = new Client();
      clients.add(last);
      fixture.ms(1000);
      for (int i = 0; i < 2000 && !done(); i++) {
        last.commitAll();
        fixture.ms(20);
      }
      for (Named name : ends.keySet()) {
        long end = ends.get(name);
        assertEquals(
            end,
            fixture.groups.committed("g", fixture.id(TOPIC, name.partition())),
            () -> "" + name);
        assertEquals(end, delivered.get(name).cardinality(), "every record was delivered");
      }
    }

    private boolean done() {
      for (Named name : ends.keySet()) {
        long stored = fixture.groups.committed("g", fixture.id(TOPIC, name.partition()));
        long end = ends.get(name);
        if (stored != end && !(end == 0 && stored < 0)) {
          return false;
        }
        if (end == 0) {
          fixture.put(TOPIC, name.partition(), "one");
          ends.put(name, 1L);
          return false;
        }
      }
      return true;
    }

    /** A client, and what it has been told. */
    private final class Client {
      private final TestClient stream;
      private final long window = random.nextInt(4) == 0 ? 100 : 40 + random.nextInt(1000);
      private final Map<Named, Held> held = new TreeMap<>();
      private boolean leaving;
      private boolean broken;
      private boolean alwaysReady = true;

      Client() {
        stream = fixture.open();
        stream.onEvent = this::onEvent;
        Wish wish = ConsumeFixture.subscribe("g", TOPIC);
        wish.window = window;
        wish.sessionMs = random.nextInt(2000);
        wish.revokeMs = 1000 + random.nextInt(2000);
        stream.send(new ConsumeAction.Subscribe(wish.build()));
      }

      boolean over() {
        return broken || stream.ends > 0 || stream.failure != null;
      }

      /** What it is told, it is told when it happens. */
      boolean knowsAll() {
        return !over() && !leaving && alwaysReady;
      }

      void act() {
        if (over() || leaving) {
          return;
        }
        int dice = random.nextInt(100);
        if (dice < 60) {
          commitSome();
        } else if (dice < 70 && !held.isEmpty()) {
          seekBack();
        } else if (dice < 78) {
          alwaysReady = false;
          stream.ready(random.nextInt(3) > 0);
        } else if (dice < 84) {
          List<Named> some = some();
          stream.send(
              random.nextInt(3) == 0
                  ? new ConsumeAction.Pause(some)
                  : new ConsumeAction.Resume(List.copyOf(held.keySet())));
        } else if (dice < 88) {
          stream.send(new ConsumeAction.Release(some()));
        } else if (dice < 91) {
          leaving = true;
          stream.halfClose();
        } else if (dice < 94) {
          broken = true;
          stream.breaks();
        } else if (dice < 95) {
          fixture.home.execute(() -> stream.session.closing(1000));
        }
      }

      private List<Named> some() {
        return held.keySet().stream().filter(name -> random.nextBoolean()).toList();
      }

      private void commitSome() {
        for (Named name : some()) {
          Held mine = held.get(name);
          if (mine != null && !mine.uncommitted.isEmpty()) {
            int count = 1 + random.nextInt(mine.uncommitted.size());
            commit(name, mine, count);
          }
        }
      }

      void commitAll() {
        held.forEach(
            (name, mine) -> {
              if (!mine.uncommitted.isEmpty()) {
                commit(name, mine, mine.uncommitted.size());
              }
            });
      }

      private void commit(Named name, Held mine, int count) {
        long offset = mine.next;
        for (int i = 0; i < count; i++) {
          offset = mine.uncommitted.remove()[0];
        }
        committedAtMost.merge(name, offset, Math::max);
        stream.send(new ConsumeAction.Commit(List.of(new Place(name, offset, -1, ""))));
      }

      private void seekBack() {
        List<Named> names = List.copyOf(held.keySet());
        Named name = names.get(random.nextInt(names.size()));
        long to = held.get(name).highest - random.nextInt(5);
        if (to >= 0) {
          stream.send(new ConsumeAction.Seek(name, new StartSpec.AtOffset(to)));
        }
      }

      private void onEvent(ConsumeEvent event) {
        if (event instanceof ConsumeEvent.Assigned assigned) {
          assigned.partitions().forEach(this::onAssigned);
        } else if (event instanceof ConsumeEvent.Records records) {
          onRecords(records);
        } else if (event instanceof ConsumeEvent.Revoking revoking) {
          revoking.partitions().forEach(name -> mine(name).revoking = true);
        } else if (event instanceof ConsumeEvent.Revoked revoked) {
          revoked
              .partitions()
              .forEach(name -> assertTrue(held.remove(name) != null, "revoked twice: " + name));
        } else if (event instanceof ConsumeEvent.Repositioned moved) {
          Held mine = mine(moved.position().partition());
          mine.next = moved.position().offset();
          mine.highest = Math.max(mine.highest, mine.next);
          mine.uncommitted.removeIf(piece -> piece[0] > mine.next);
        } else if (event instanceof ConsumeEvent.Committed committed) {
          committed.offsets().forEach(this::onStored);
          committed
              .failures()
              .forEach(
                  refused ->
                      assertEquals(ErrorReason.NOT_ASSIGNED, refused.why().reason(), "refused"));
        }
      }

      private Held mine(Named name) {
        Held mine = held.get(name);
        assertTrue(mine != null, name + " is not mine");
        return java.util.Objects.requireNonNull(mine);
      }

      private void onAssigned(Place place) {
        Named name = place.partition();
        if (knowsAll()) {
          for (Client other : clients) {
            assertTrue(
                other == this || !other.knowsAll() || !other.held.containsKey(name),
                "two clients hold " + name);
          }
          long stored = fixture.groups.committed("g", fixture.id(TOPIC, name.partition()));
          assertEquals(Math.max(0, stored), place.offset(), "from the last commit");
        }
        Held mine = new Held();
        mine.next = place.offset();
        mine.highest = place.offset();
        assertTrue(held.put(name, mine) == null, "assigned twice: " + name);
      }

      /** G5: what was committed before an assignment is in it, or is not acknowledged any more. */
      private void onStored(Place stored) {
        Held mine = held.get(stored.partition());
        assertTrue(
            mine == null || stored.offset() <= mine.highest,
            () ->
                "G5: acknowledged " + stored + " behind what was delivered since it was assigned");
      }

      private void onRecords(ConsumeEvent.Records records) {
        Named name = new Named(records.topic(), records.chunk().partition());
        Held mine = mine(name);
        assertTrue(!mine.revoking, "a record of " + name + " after revoking");
        for (Record record : records.chunk().records()) {
          assertEquals(mine.next, record.offset(), "in order, none left out");
          mine.next++;
          mine.highest = Math.max(mine.highest, mine.next);
          mine.uncommitted.add(new long[] {mine.next, Feed.sizeBytes(record)});
          delivered.get(name).set((int) record.offset());
        }
        assertEquals(mine.next, records.chunk().nextOffset());
        long open = 0;
        int pieces = 0;
        for (Held each : held.values()) {
          for (long[] piece : each.uncommitted) {
            open += piece[1];
            pieces += piece[1] > 0 ? 1 : 0;
          }
        }
        assertTrue(open <= window || pieces == 1, "the window of " + window + " holds " + open);
      }
    }
  }
}
