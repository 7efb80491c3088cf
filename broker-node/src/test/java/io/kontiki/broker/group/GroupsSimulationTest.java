package io.kontiki.broker.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.StartSpec;
import io.kontiki.group.Assignor;
import io.kontiki.group.GroupChange;
import io.kontiki.group.GroupImage;
import io.kontiki.group.MemberState;
import io.kontiki.group.OwnedPartition;
import io.kontiki.group.PartitionLoss;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.Compression;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatchBuilder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Groups under kills, cuts, pauses, elections, members that come and go, topics that grow and are
 * deleted. What must hold holds after every entry (G1, G2, G8, G10, P9), at every event of a client
 * (G4, G5, P10), and at the end everything has been processed (G3, G6, G7, G9).
 */
final class GroupsSimulationTest {
  private static final long MS = 1_000_000;
  private static final String FROM_START = "main";
  private static final String FROM_END = "late";

  private int moves;
  private int streams;
  private int refusals;
  private int kills;

  @Test
  void groupsKeepTheirPromisesWhateverFails() {
    int seeds = Integer.getInteger("kontiki.seeds", 15);
    long first = Long.getLong("kontiki.seed", 0);
    for (long seed = first; seed < first + seeds; seed++) {
      try {
        new Run(seed).play();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e, e);
      }
    }
    System.out.printf(
        "%d seeds: %d streams, %d partitions moved, %d commits refused, %d kills%n",
        seeds, streams, moves, refusals, kills);
    assertTrue(moves > 20 * seeds && streams > 20 * seeds && kills > seeds);
  }

  /** A look-up of the start overtook the commit of a partition that came again (G5). */
  @Test
  void aPartitionThatComesAgainBeginsBehindItsCommit() {
    new Run(306).play();
  }

  /** One seed; for the mutation suite. */
  static void playSeed(long seed) {
    new GroupsSimulationTest().new Run(seed).play();
  }

  private final class Run {
    private final GroupsWorld world;
    private final Random random;
    private final TopicId topic;
    private final List<Client> clients = new ArrayList<>();
    private final TreeMap<PartitionId, Integer> ends = new TreeMap<>();
    private final TreeMap<String, BitSet> processed = new TreeMap<>();
    private final TreeMap<String, Long> acked = new TreeMap<>();
    private final Map<GroupsWorld.Node, TreeMap<String, GroupImage>> before =
        new IdentityHashMap<>();
    private final TreeSet<PartitionId> grown = new TreeSet<>();
    private @Nullable TopicId doomed;
    private int partitions = 4;
    private boolean calm;

    Run(long seed) {
      world = new GroupsWorld(seed, this::onApplied);
      random = new Random(seed + 77);
      topic = world.metadata.topic("t", partitions, Map.of());
      doomed = world.metadata.topic("d", 2, Map.of());
      for (int p = 0; p < partitions; p++) {
        ends.put(new PartitionId(topic, p), 0);
      }
      ends.put(new PartitionId(doomed, 0), 0);
      ends.put(new PartitionId(doomed, 1), 0);
    }

    void play() {
      for (int i = 0; i < 6; i++) {
        String name = i % 3 == 0 ? "static-" + i : "";
        clients.add(new Client("c" + i, i < 4 ? FROM_START : FROM_END, name));
      }
      produce();
      clients.forEach(client -> client.opens(random.nextInt(100)));
      world.time.advanceMs(1_000);
      for (int step = 0; step < 60; step++) {
        fault();
        world.time.advanceMs(50 + random.nextInt(600));
      }
      calm = true;
      world.heal();
      for (int id = 1; id <= GroupsWorld.NODES; id++) {
        world.restart(id);
      }
      clients.forEach(client -> client.opens(100));
      world.time.advanceMs(60_000);
      validate();
    }

    private void produce() {
      if (!calm) {
        List<PartitionId> all = List.copyOf(ends.keySet());
        append(all.get(random.nextInt(all.size())));
        world.time.after((5 + random.nextInt(20)) * MS, this::produce);
      }
    }

    private void append(PartitionId partition) {
      int next = ends.merge(partition, 1, Integer::sum) - 1;
      RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
      builder.append(
          world.time.clock().wallMs(),
          null,
          String.valueOf(next).getBytes(StandardCharsets.UTF_8),
          List.of());
      world.partitions.put(partition, builder.build());
    }

    private void fault() {
      int node = 1 + random.nextInt(GroupsWorld.NODES);
      Client client = clients.get(random.nextInt(clients.size()));
      switch (random.nextInt(14)) {
        case 0, 1 -> {
          if (world.up().size() == GroupsWorld.NODES) {
            kills++;
            world.kill(node);
          }
        }
        case 2, 3, 4 -> {
          for (int id = 1; id <= GroupsWorld.NODES; id++) {
            world.restart(id);
          }
          world.heal();
        }
        case 5 -> {
          if (world.up().size() == GroupsWorld.NODES) {
            world.cut(node);
          }
        }
        case 6 -> world.pause(node, 100 + random.nextInt(4_000));
        case 7 -> world.elect(node);
        case 8 -> client.dies();
        case 9 -> client.leaves();
        case 10 -> client.freezes(random.nextInt(3_000));
        case 11 -> grow();
        case 12 -> deleteTopic();
        default -> world.compact(node);
      }
    }

    /** New partitions have records before anybody can have fetched from them (G9). */
    private void grow() {
      GroupImage late = image(FROM_END);
      if (partitions < 8 && late != null && late.offsets().size() > 0) {
        PartitionId added = new PartitionId(topic, partitions);
        world.metadata.apply(
            new MetadataCommand.AddPartitions(
                world.time.clock().wallMs(), topic, partitions, List.of(List.of(1, 2, 3))));
        partitions++;
        ends.put(added, 0);
        grown.add(added);
        append(added);
        append(added);
      }
    }

    private void deleteTopic() {
      TopicId gone = doomed;
      if (gone != null) {
        doomed = null;
        ends.keySet().removeIf(partition -> partition.topicId().equals(gone));
        world.metadata.apply(new MetadataCommand.DeleteTopic(world.time.clock().wallMs(), gone));
      }
    }

    private @Nullable GroupImage image(String group) {
      for (GroupsWorld.Node node : world.up()) {
        GroupImage image = node.group(group);
        if (image != null) {
          return image;
        }
      }
      return null;
    }

    private BitSet processed(String group, PartitionId partition) {
      return processed.computeIfAbsent(group + " " + partition, key -> new BitSet());
    }

    // ---- after every entry, on every node

    private void onApplied(GroupsWorld.Node node, List<GroupChange> changes) {
      TreeMap<String, GroupImage> known = before.computeIfAbsent(node, n -> new TreeMap<>());
      if (changes.isEmpty()) {
        known.clear();
      }
      for (GroupChange change : changes) {
        GroupImage was = known.get(change.group());
        GroupImage now = node.group(change.group());
        if (now == null) {
          known.remove(change.group());
          continue;
        }
        owners(now);
        committed(change.group(), was, now);
        if (was != null && now.generation() >= was.generation()) {
          moves(was, now, changes);
        }
        known.put(change.group(), now);
        assertEquals(0, change.wentBack(), "G10: nobody goes back by itself");
      }
    }

    private void owners(GroupImage now) {
      TreeMap<PartitionId, String> owners = new TreeMap<>();
      for (MemberState member : now.members().values()) {
        for (PartitionId partition : member.owned().keySet()) {
          String other = owners.put(partition, member.id());
          assertEquals(null, other, "P9: two owners of " + partition);
        }
      }
    }

    /** P10: what is committed was processed; P9: it never goes back. */
    private void committed(String group, @Nullable GroupImage was, GroupImage now) {
      now.offsets()
          .forEach(
              (partition, offset) -> {
                if (!partition.topicId().equals(topic)) {
                  return;
                }
                var old = was == null ? null : was.offsets().get(partition);
                if (offset.equals(old)) {
                  return;
                }
                assertTrue(
                    old == null || old.offset() <= offset.offset(), "went back: " + partition);
                if (group.equals(FROM_START) || grown.contains(partition)) {
                  int all = processed(group, partition).nextClearBit(0);
                  assertTrue(
                      offset.offset() <= all,
                      () ->
                          "P10: "
                              + group
                              + " has committed "
                              + offset.offset()
                              + " of "
                              + partition
                              + ", processed "
                              + all);
                }
              });
    }

    /** G2. */
    private void moves(GroupImage was, GroupImage now, List<GroupChange> changes) {
      for (MemberState old : was.members().values()) {
        MemberState member = now.members().get(old.id());
        for (Map.Entry<PartitionId, OwnedPartition> entry : old.owned().entrySet()) {
          OwnedPartition kept = member == null ? null : member.owned().get(entry.getKey());
          if (kept != null && kept.since() == entry.getValue().since()) {
            continue;
          }
          boolean again = member != null && now.joined().get(old.id()) > was.joined().get(old.id());
          moves++;
          boolean allowed = again;
          for (GroupChange change : changes) {
            PartitionLoss loss =
                change.lost().getOrDefault(old.id(), new TreeMap<>()).get(entry.getKey());
            allowed |= loss != null || change.ended().containsKey(old.id());
          }
          assertTrue(allowed, "G2: " + old.id() + " lost " + entry);
          assertTrue(member == null || member.epoch() > old.epoch(), "epochs go back");
        }
      }
    }

    private void validate() {
      GroupImage group = image(FROM_START);
      assertTrue(group != null, "the group is gone");
      for (Map.Entry<PartitionId, Integer> end : ends.entrySet()) {
        PartitionId partition = end.getKey();
        if (!partition.topicId().equals(topic)) {
          continue;
        }
        var offset = Objects.requireNonNull(group).offsets().get(partition);
        assertEquals(
            (long) end.getValue(),
            offset == null ? 0 : offset.offset(),
            () -> FROM_START + " stands still at " + partition + "; " + group.state());
        assertEquals((int) end.getValue(), processed(FROM_START, partition).cardinality());
      }
      for (PartitionId partition : grown) {
        assertEquals(
            (int) Objects.requireNonNull(ends.get(partition)),
            processed(FROM_END, partition).cardinality(),
            "G9: " + partition);
      }
      TopicImage gone = world.metadata.image().topic("d");
      for (GroupsWorld.Node node : world.up()) {
        for (GroupImage image : node.groups()) {
          assertEquals(group == null ? null : image(image.name()).state(), image.state());
          image
              .offsets()
              .forEach(
                  (partition, offset) ->
                      assertTrue(
                          partition.topicId().equals(topic) || gone != null, "G8: " + partition));
        }
      }
    }

    // ---- clients

    /** Processes what comes, commits a little later, opens a new stream when one ends. */
    private final class Client {
      private final String name;
      private final String group;
      private final String memberName;
      private String memberId = "";
      private @Nullable Stream stream;
      private boolean frozen;

      Client(String name, String group, String memberName) {
        this.name = name;
        this.group = group;
        this.memberName = memberName;
      }

      void opens(long ms) {
        world.time.after(
            ms * MS,
            () -> {
              List<GroupsWorld.Node> up = world.up();
              if (stream == null && !up.isEmpty()) {
                streams++;
                stream = new Stream(this, up.get(random.nextInt(up.size())));
              } else if (stream == null) {
                opens(100);
              }
            });
      }

      void dies() {
        Stream now = stream;
        if (now != null) {
          stream = null;
          now.dead = true;
          now.node.loop.execute(now.session::cancelled);
          if (random.nextBoolean()) {
            memberId = "";
          }
          opens(20 + random.nextInt(2_000));
        }
      }

      void leaves() {
        Stream now = stream;
        if (now != null && now.joined) {
          now.node.loop.execute(now.session::halfClosed);
        }
      }

      void freezes(long ms) {
        frozen = true;
        world.time.after(
            ms * MS,
            () -> {
              frozen = false;
              if (stream != null) {
                stream.work();
              }
            });
      }

      @Override
      public String toString() {
        return name;
      }
    }

    /** One stream of a client, at one node. */
    private final class Stream implements ConsumeSink {
      private final Client client;
      private final GroupsWorld.Node node;
      private final ConsumeSession session;
      private final ArrayDeque<ConsumeAction> unsent = new ArrayDeque<>();
      private final ArrayDeque<ConsumeEvent.Records> unread = new ArrayDeque<>();
      private final TreeMap<PartitionId, Long> position = new TreeMap<>();
      private int asked;
      private boolean joined;
      private boolean dead;
      private boolean working;

      Stream(Client client, GroupsWorld.Node node) {
        this.client = client;
        this.node = node;
        ConsumeSession[] opened = new ConsumeSession[1];
        node.loop.run(() -> opened[0] = node.consuming.open(node.loop, this));
        session = Objects.requireNonNull(opened[0]);
        node.streams.add(() -> over(500));
        send(
            new ConsumeAction.Subscribe(
                new Subscription(
                    client.group,
                    client.group.equals(FROM_START) ? List.of("t") : List.of(),
                    client.group.equals(FROM_START) ? "" : "t|d",
                    client.group.equals(FROM_START)
                        ? new StartSpec.Earliest()
                        : new StartSpec.Latest(),
                    Subscription.OutOfRange.EARLIEST,
                    1 + random.nextInt(2_000),
                    0,
                    client.memberName,
                    client.memberName.isEmpty() ? client.memberId : "",
                    client.name,
                    "10.0.0.9",
                    client.memberName.isEmpty() ? 500 : 1_500,
                    2_000,
                    Assignor.values()[random.nextInt(3)],
                    false)));
      }

      private void over(long ms) {
        if (!dead) {
          dead = true;
          client.stream = null;
          client.opens(1 + (long) (random.nextDouble() * ms));
        }
      }

      private void send(ConsumeAction action) {
        node.loop.execute(
            () -> {
              unsent.add(action);
              deliver();
            });
      }

      private void deliver() {
        while (asked > 0 && !unsent.isEmpty() && !dead) {
          asked--;
          session.action(unsent.remove());
        }
      }

      @Override
      public boolean ready() {
        return true;
      }

      @Override
      public void next() {
        asked++;
        node.loop.execute(this::deliver);
      }

      @Override
      public void event(ConsumeEvent event) {
        if (dead) {
          return;
        }
        if (event instanceof ConsumeEvent.Assigned assigned) {
          joined = true;
          client.memberId = assigned.memberId();
          assigned.partitions().forEach(this::assigned);
        } else if (event instanceof ConsumeEvent.Records records) {
          unread.add(records);
          work();
        } else if (event instanceof ConsumeEvent.Committed committed) {
          refusals += committed.failures().size();
          for (Place place : committed.offsets()) {
            long known = position.getOrDefault(id(place.partition()), Long.MAX_VALUE);
            assertTrue(
                place.offset() <= known,
                () ->
                    "G5: "
                        + client
                        + " hears that "
                        + place
                        + " is committed, and was assigned the partition anew before that;"
                        + " delivered since: "
                        + known);
            acked.merge(
                client.group + " " + place.partition(), place.offset(), (a, b) -> Math.max(a, b));
          }
        } else if (event instanceof ConsumeEvent.Revoked revoked) {
          for (Named gone : revoked.partitions()) {
            position.remove(id(gone));
            unread.removeIf(
                records -> gone.equals(new Named(records.topic(), records.chunk().partition())));
          }
        }
      }

      private PartitionId id(Named named) {
        return named.topic().equals("t")
            ? new PartitionId(topic, named.partition())
            : new PartitionId(new TopicId(0, 0), named.partition());
      }

      /** G5: nothing that was acknowledged is forgotten by whoever goes on. */
      private void assigned(Place place) {
        long known = acked.getOrDefault(client.group + " " + place.partition(), 0L);
        assertTrue(
            place.offset() >= known || place.partition().topic().equals("d"),
            () -> "G5: " + client + " begins at " + place + " though " + known + " was committed");
        position.put(id(place.partition()), place.offset());
      }

      private void work() {
        if (!working && !client.frozen && !dead && !unread.isEmpty()) {
          working = true;
          world.time.after(
              (1 + random.nextInt(20)) * MS,
              () -> {
                working = false;
                if (!dead && !client.frozen && !unread.isEmpty()) {
                  process(unread.remove());
                  work();
                }
              });
        }
      }

      private void process(ConsumeEvent.Records records) {
        Named named = new Named(records.topic(), records.chunk().partition());
        PartitionId partition = id(named);
        for (Record record : records.chunk().records()) {
          int offset =
              Integer.parseInt(
                  new String(Objects.requireNonNull(record.value()), StandardCharsets.UTF_8));
          long expected = position.getOrDefault(partition, -1L);
          if (expected >= 0) {
            assertEquals(expected, offset, () -> "a gap in the stream of " + client);
            position.put(partition, offset + 1L);
          }
          processed(client.group, partition).set(offset);
        }
        send(
            new ConsumeAction.Commit(
                List.of(
                    new Place(
                        named, records.chunk().nextOffset(), records.chunk().leaderEpoch(), ""))));
      }

      @Override
      public long silenceMs() {
        return 30_000;
      }

      @Override
      public void end() {
        over(500);
      }

      @Override
      public void failed(ApiError error) {
        switch (error.reason()) {
          case MEMBER_FENCED,
              MEMBER_REPLACED,
              COORDINATOR_UNAVAILABLE,
              TOPIC_NOT_FOUND,
              LEADER_UNAVAILABLE,
              BUSY ->
              over(500);
          default -> throw new AssertionError(client + " ended with " + error);
        }
      }
    }
  }
}
