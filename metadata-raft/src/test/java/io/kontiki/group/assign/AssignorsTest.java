package io.kontiki.group.assign;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AssignorsTest {
  private static TopicId topic(int number) {
    return new TopicId(0, number);
  }

  private static Subscribers all(int members, int... partitions) {
    List<String> names = new ArrayList<>();
    List<SortedSet<TopicId>> wanted = new ArrayList<>();
    List<Subscribers.Topic> topics = new ArrayList<>();
    TreeSet<TopicId> every = new TreeSet<>();
    for (int t = 0; t < partitions.length; t++) {
      topics.add(new Subscribers.Topic(topic(t), partitions[t]));
      every.add(topic(t));
    }
    for (int m = 0; m < members; m++) {
      names.add("m" + m);
      wanted.add(every);
    }
    return new Subscribers(names, topics, wanted);
  }

  private static EvenAssignor.Present present(
      Map<PartitionId, String> owners, Map<PartitionId, String> next) {
    return new EvenAssignor.Present() {
      @Override
      public @Nullable String owner(PartitionId partition) {
        return owners.get(partition);
      }

      @Override
      public @Nullable String next(PartitionId partition) {
        return next.get(partition);
      }
    };
  }

  private static TreeMap<PartitionId, String> owners(SortedMap<TopicId, List<String>> target) {
    TreeMap<PartitionId, String> owners = new TreeMap<>();
    target.forEach(
        (topic, members) -> {
          for (int p = 0; p < members.size(); p++) {
            if (!members.get(p).isEmpty()) {
              owners.put(new PartitionId(topic, p), members.get(p));
            }
          }
        });
    return owners;
  }

  private static TreeMap<String, Integer> loads(
      Subscribers subscribers, Map<PartitionId, String> owners) {
    TreeMap<String, Integer> loads = new TreeMap<>();
    subscribers.members().forEach(member -> loads.put(member, 0));
    owners.values().forEach(member -> loads.merge(member, 1, Integer::sum));
    return loads;
  }

  @Test
  void rangesAreCutAtTheSamePlacesInEveryTopic() {
    SortedMap<TopicId, List<String>> target = RangeAssignor.assign(all(3, 7, 7, 2));
    assertEquals(List.of("m0", "m0", "m0", "m1", "m1", "m2", "m2"), target.get(topic(0)));
    assertEquals(target.get(topic(0)), target.get(topic(1)));
    assertEquals(List.of("m0", "m1"), target.get(topic(2)));
  }

  @Test
  void uniformIsEvenOverAllTopics() {
    Subscribers subscribers = all(3, 4, 1, 2, 1);
    TreeMap<String, Integer> loads = loads(subscribers, owners(EvenAssignor.uniform(subscribers)));
    assertTrue(Collections.max(loads.values()) - Collections.min(loads.values()) <= 1);
  }

  @Test
  void whatIsOnItsWayAlreadyIsWhatMoves() {
    Subscribers two = all(2, 6);
    TreeMap<PartitionId, String> owners = new TreeMap<>();
    TreeMap<PartitionId, String> next = new TreeMap<>();
    for (int p = 0; p < 6; p++) {
      owners.put(new PartitionId(topic(0), p), "m0");
    }
    for (int p : new int[] {0, 2, 4}) {
      next.put(new PartitionId(topic(0), p), "m1");
    }
    assertEquals(
        List.of("m1", "m0", "m1", "m0", "m1", "m0"),
        EvenAssignor.sticky(two, present(owners, next)).get(topic(0)));
  }

  @Test
  void stickyIsEvenAndMovesNoMoreThanItMust() {
    for (long seed = 0; seed < 2_000; seed++) {
      Random random = new Random(seed);
      int[] partitions = new int[1 + random.nextInt(4)];
      int total = 0;
      for (int t = 0; t < partitions.length; t++) {
        partitions[t] = 1 + random.nextInt(9);
        total += partitions[t];
      }
      Subscribers subscribers = all(1 + random.nextInt(7), partitions);
      TreeMap<PartitionId, String> before = new TreeMap<>();
      for (int t = 0; t < partitions.length; t++) {
        for (int p = 0; p < partitions[t]; p++) {
          int owner = random.nextInt(9);
          if (owner < 8) { // some are not members
            before.put(new PartitionId(topic(t), p), "m" + owner);
          }
        }
      }
      TreeMap<PartitionId, String> after =
          owners(EvenAssignor.sticky(subscribers, present(before, Map.of())));
      TreeMap<String, Integer> loads = loads(subscribers, after);
      String which = "seed " + seed + ": " + before + " to " + after;
      assertEquals(total, after.size(), which);
      assertTrue(Collections.max(loads.values()) - Collections.min(loads.values()) <= 1, which);
      // As few as possible: the fullest keep one more, the others the quotient, or what they have.
      List<Integer> had = new ArrayList<>();
      for (String member : subscribers.members()) {
        had.add((int) before.values().stream().filter(member::equals).count());
      }
      had.sort(Collections.reverseOrder());
      int most = 0;
      for (int i = 0; i < had.size(); i++) {
        most += Math.min(had.get(i), total / had.size() + (i < total % had.size() ? 1 : 0));
      }
      int kept =
          (int)
              after.entrySet().stream()
                  .filter(e -> e.getValue().equals(before.get(e.getKey())))
                  .count();
      assertEquals(most, kept, which);
      assertEquals(
          after,
          owners(EvenAssignor.sticky(subscribers, present(after, Map.of()))),
          () -> which + " and again");
    }
  }

  @Test
  void withDifferentSubscriptionsNobodyCouldBeRelieved() {
    for (long seed = 0; seed < 1_000; seed++) {
      Random random = new Random(seed);
      int topics = 1 + random.nextInt(5);
      int members = 1 + random.nextInt(6);
      List<Subscribers.Topic> all = new ArrayList<>();
      for (int t = 0; t < topics; t++) {
        all.add(new Subscribers.Topic(topic(t), 1 + random.nextInt(8)));
      }
      List<String> names = new ArrayList<>();
      List<SortedSet<TopicId>> wanted = new ArrayList<>();
      for (int m = 0; m < members; m++) {
        names.add("m" + m);
        TreeSet<TopicId> own = new TreeSet<>();
        for (int t = 0; t < topics; t++) {
          if (random.nextBoolean()) {
            own.add(topic(t));
          }
        }
        wanted.add(own);
      }
      Subscribers subscribers = new Subscribers(names, all, wanted);
      TreeMap<PartitionId, String> owners = owners(EvenAssignor.uniform(subscribers));
      TreeMap<String, Integer> loads = loads(subscribers, owners);
      String which = "seed " + seed + ": " + subscribers + " gives " + owners;
      for (Subscribers.Topic topic : all) {
        boolean somebody = wanted.stream().anyMatch(own -> own.contains(topic.id()));
        for (int p = 0; p < topic.partitions(); p++) {
          String owner = owners.get(new PartitionId(topic.id(), p));
          assertEquals(somebody, owner != null, which);
          for (int m = 0; owner != null && m < members; m++) {
            if (wanted.get(m).contains(topic.id())) {
              assertTrue(loads.get(owner) - loads.get("m" + m) <= 1, which);
            }
          }
        }
      }
    }
  }

  @Test
  void manyPartitionsAndMembersAreDealtOutQuickly() {
    int[] partitions = new int[1_000];
    Arrays.fill(partitions, 50);
    Subscribers subscribers = all(1_000, partitions);
    long start = System.nanoTime();
    TreeMap<PartitionId, String> owners = owners(EvenAssignor.uniform(subscribers));
    EvenAssignor.sticky(subscribers, present(owners, Map.of()));
    long ms = (System.nanoTime() - start) / 1_000_000;
    System.out.println("50,000 partitions to 1,000 members, and again: " + ms + " ms");
    assertTrue(ms < 20_000, ms + " ms");
  }
}
