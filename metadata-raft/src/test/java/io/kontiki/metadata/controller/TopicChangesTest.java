package io.kontiki.metadata.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kontiki.metadata.Cluster;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.Result;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TopicChangesTest {
  private static final TopicCreation.Defaults DEFAULTS =
      new TopicCreation.Defaults(1, 0, Map.of("retention.ms", "1000"), 100, 20);

  private final Cluster cluster = Cluster.active(3);

  @BeforeEach
  void create() {
    cluster.create("t", Map.of("retention.ms", "5", "segment.bytes", "20000"), 1, 2, 3);
  }

  private Result<MetadataCommand.AlterTopicConfig> alter(Map<String, String> set, String... reset) {
    return TopicChanges.alter(cluster.image().topic("t"), set, List.of(reset), DEFAULTS, 1);
  }

  private static String reason(Result<?> result) {
    return result.fold(ok -> "ok", error -> error.reason().name());
  }

  @Test
  void keysAreSetAndTakenBackAndOthersStay() {
    Map<String, String> after =
        alter(Map.of("segment.ms", "60000", "cleanup.policy", "delete"), "retention.ms")
            .fold(command -> command.after(), error -> new TreeMap<>());
    assertEquals(
        Map.of("retention.ms", "1000", "segment.bytes", "20000", "segment.ms", "60000"), after);
  }

  @Test
  void whatCannotBeIsRefusedWithItsKey() {
    assertEquals("INVALID_CONFIG", reason(alter(Map.of("durability", "replicated"))));
    assertEquals("INVALID_CONFIG", reason(alter(Map.of("min.insync.replicas", "4"))));
    assertEquals("INVALID_CONFIG", reason(alter(Map.of("retention.m", "4"))));
    assertEquals("INVALID_CONFIG", reason(alter(Map.of("segment.bytes", "100"))));
    assertEquals("INVALID_CONFIG", reason(alter(Map.of(), "retention.m")));
    assertEquals("INVALID_FIELD", reason(alter(Map.of("segment.ms", "4"), "segment.ms")));
    assertEquals("ok", reason(alter(Map.of("durability", "fsync"))));
  }

  @Test
  void newPartitionsAreSpreadBesideThoseThatAreThere() {
    Result<MetadataCommand.AddPartitions> result =
        TopicChanges.addPartitions(
            cluster.image(), cluster.image().topic("t"), 6, List.of(), DEFAULTS, 42, 1);
    cluster.apply(result.fold(command -> command, error -> null));
    assertEquals(new CommandOutcome.Done(), cluster.last().outcome());
    TreeMap<Integer, Integer> leads = new TreeMap<>();
    for (PartitionImage partition : cluster.image().topic("t").partitions()) {
      leads.merge(partition.leader(), 1, Integer::sum);
    }
    assertEquals(Map.of(1, 2, 2, 2, 3, 2), leads);
  }

  @Test
  void fewerPartitionsAndTooManyAreRefused() {
    assertEquals("TOO_FEW_PARTITIONS", reason(add(0, List.of())));
    assertEquals("BUSY", reason(add(21, List.of())));
    assertEquals("INVALID_FIELD", reason(add(10_001, List.of())));
    assertEquals(
        List.of(), add(1, List.of()).fold(command -> command.assignments(), error -> null));
  }

  @Test
  void newPartitionsAreMadeWhereSomebodyNamesBrokersR43() {
    int had = cluster.image().topic("t").partitions().size();
    int factor = cluster.image().topic("t").replicationFactor();
    List<Integer> named = List.of(3, 1, 2).subList(0, factor);
    cluster.apply(add(had + 1, List.of(named)).fold(command -> command, error -> null));
    assertEquals(new CommandOutcome.Done(), cluster.last().outcome());
    assertEquals(named, cluster.image().topic("t").partitions().get(had).replicas());
    assertEquals("INVALID_FIELD", reason(add(had + 3, List.of(named))));
    assertEquals("INVALID_FIELD", reason(add(had + 2, List.of(List.of()))));
    List<Integer> unknown = List.of(9, 1, 2).subList(0, factor);
    assertEquals("BROKER_NOT_FOUND", reason(add(had + 2, List.of(unknown))));
  }

  private Result<MetadataCommand.AddPartitions> add(int total, List<List<Integer>> named) {
    return TopicChanges.addPartitions(
        cluster.image(), cluster.image().topic("t"), total, named, DEFAULTS, 1, 1);
  }
}
