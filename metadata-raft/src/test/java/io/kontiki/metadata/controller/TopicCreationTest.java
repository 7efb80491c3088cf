package io.kontiki.metadata.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.metadata.Cluster;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TopicCreationTest {
  private static final TopicCreation.Defaults DEFAULTS =
      new TopicCreation.Defaults(1, 0, Map.of("min.insync.replicas", "2"), 100, 1000);

  private Cluster cluster = Cluster.active(3);

  private Result<MetadataCommand.CreateTopic> decide(
      String name, @Nullable Integer partitions, @Nullable Integer rf, String... config) {
    Map<String, String> settings = new TreeMap<>();
    for (int i = 0; i < config.length; i += 2) {
      settings.put(config[i], config[i + 1]);
    }
    return TopicCreation.decide(
        cluster.image(),
        new TopicCreation.Request(name, partitions, rf, settings),
        DEFAULTS,
        new TopicId(1, name.hashCode()),
        42,
        5);
  }

  private static String reason(Result<?> result) {
    return result.fold(ok -> "ok", error -> error.reason().name());
  }

  private MetadataCommand.CreateTopic command(Result<MetadataCommand.CreateTopic> result) {
    return result.fold(
        ok -> ok,
        error -> {
          throw new AssertionError(error.toString());
        });
  }

  @Test
  void whatIsDecidedHereIsAcceptedAtApply() {
    MetadataCommand.CreateTopic create = command(decide("t", 12, null));
    assertEquals(new CommandOutcome.Done(), cluster.apply(create));
    assertEquals(12, cluster.image().topic("t").partitions().size());
    assertEquals(3, cluster.image().topic("t").replicationFactor());
    assertEquals("TOPIC_EXISTS", reason(decide("t", 1, 1)));
  }

  @Test
  void requestsThatCannotBeServedAreRefused() {
    assertEquals("INVALID_FIELD", reason(decide("", 1, 1)));
    assertEquals("INVALID_FIELD", reason(decide("t", 0, 1)));
    assertEquals("INVALID_FIELD", reason(decide("t", 10_001, 1)));
    assertEquals("INVALID_FIELD", reason(decide("t", 1, 0)));
    assertEquals("TOO_FEW_BROKERS", reason(decide("t", 1, 4)));
    assertEquals("INVALID_CONFIG", reason(decide("t", 1, 1, "no.such.setting", "1")));
    assertEquals("INVALID_CONFIG", reason(decide("t", 1, 1, "min.insync.replicas", "2")));
    assertEquals("INVALID_CONFIG", reason(decide("t", 1, 1, "retention.ms", "soon")));
    assertEquals("BUSY", reason(decide("t", 1001, 1)));
    cluster.fence(1);
    cluster.fence(2);
    assertEquals("NOT_ENOUGH_REPLICAS", reason(decide("t", 1, 3)));
  }

  private Result<MetadataCommand.CreateTopic> decideAt(List<List<Integer>> named) {
    return TopicCreation.decide(
        cluster.image(),
        new TopicCreation.Request("named", null, null, Map.of(), named),
        DEFAULTS,
        new TopicId(1, 7),
        42,
        5);
  }

  @Test
  void aTopicIsMadeWhereSomebodyNamesBrokersR43() {
    List<List<Integer>> named = List.of(List.of(3, 1), List.of(2, 3));
    assertEquals(named, command(decideAt(named)).assignments());
    assertEquals(new CommandOutcome.Done(), cluster.apply(command(decideAt(named))));
    assertEquals(2, cluster.image().topic("named").replicationFactor());
  }

  @Test
  void brokersThatCannotBeNamedAreRefused() {
    assertEquals("INVALID_FIELD", reason(decideAt(List.of(List.of()))));
    assertEquals("INVALID_FIELD", reason(decideAt(List.of(List.of(1, 1)))));
    assertEquals("INVALID_FIELD", reason(decideAt(List.of(List.of(1, 2), List.of(3)))));
    assertEquals("BROKER_NOT_FOUND", reason(decideAt(List.of(List.of(1, 9)))));
  }

  @Test
  void onlySettingsThatDifferFromTheBuiltInOnesAreWrittenM1() {
    assertEquals(
        Map.of("min.insync.replicas", "2", "retention.ms", "1000"),
        command(decide("t", 1, 3, "durability", "fsync", "retention.ms", "1000")).config());
  }

  @Test
  void aDefaultThatDoesNotSuitTheReplicationFactorIsLeftOutR37() {
    assertEquals(Map.of(), command(decide("t", 1, 1)).config());
  }

  @Test
  void aTopicWithThreeReplicasCanBeMadeWithOneNodeDownOrNeverSeenR43() {
    cluster.fence(2);
    MetadataCommand.CreateTopic create = command(decide("t", 6, 3));
    assertEquals(new CommandOutcome.Done(), cluster.apply(create));
    cluster = Cluster.formed(3);
    for (int broker : List.of(1, 3)) {
      cluster.register(broker);
      cluster.unfence(broker);
    }
    assertEquals(new CommandOutcome.Done(), cluster.apply(command(decide("u", 6, 3))));
    create = command(decide("w", 6, 1));
    for (List<Integer> replicas : create.assignments()) {
      assertNotEquals(List.of(2), replicas);
    }
  }

  @Test
  void firstsAndTheSecondsOfEachBrokerAreSpreadEvenlyR43() {
    for (long seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      int brokers = 1 + random.nextInt(7);
      int rf = 1 + random.nextInt(brokers);
      int partitions = 1 + random.nextInt(60);
      List<List<Integer>> placed =
          Placement.place(Cluster.active(brokers).image(), partitions, rf, seed);
      Map<Integer, Integer> firsts = new TreeMap<>();
      Map<List<Integer>, Integer> seconds =
          new TreeMap<>((a, b) -> a.toString().compareTo(b.toString()));
      for (List<Integer> replicas : placed) {
        assertEquals(rf, new HashSet<>(replicas).size(), "seed " + seed);
        firsts.merge(replicas.get(0), 1, Integer::sum);
        if (rf > 1) {
          seconds.merge(replicas.subList(0, 2), 1, Integer::sum);
        }
      }
      assertEven(firsts.values(), brokers, partitions, seed);
      for (int first : firsts.keySet()) {
        List<Integer> own = new ArrayList<>();
        seconds.forEach(
            (pair, count) -> {
              if (pair.get(0) == first) {
                own.add(count);
              }
            });
        if (rf > 1) {
          assertEven(own, brokers - 1, firsts.get(first), seed);
        }
      }
    }
  }

  private static void assertEven(Collection<Integer> counts, int places, int things, long seed) {
    assertEquals(Math.min(places, things), counts.size(), "seed " + seed);
    for (int count : counts) {
      assertTrue(count <= (things + places - 1) / places, "seed " + seed + ": " + counts);
    }
  }

  @Test
  void topicsWithOnePartitionAreSpreadOverTheBrokersTooR43() {
    Map<Integer, Integer> firsts = new TreeMap<>();
    for (int i = 0; i < 30; i++) {
      MetadataCommand.CreateTopic create = command(decide("t" + i, 1, 3));
      cluster.apply(create);
      firsts.merge(create.assignments().get(0).get(0), 1, Integer::sum);
    }
    assertEquals(Map.of(1, 10, 2, 10, 3, 10), firsts);
  }
}
