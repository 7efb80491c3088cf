package io.kontiki.metadata.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.kontiki.metadata.Cluster;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.LeaderMove;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.controller.PreferredLeaders.Found;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Leaderships go back to their first replicas (R43): who decides, and what apply makes of it. */
class PreferredLeadersTest {
  private final Cluster cluster = Cluster.active(3);

  private List<LeaderMove> moves(ClusterImage before) {
    return PreferredLeaders.walk(before, cluster.image(), null, 100, 10).moves();
  }

  /** Broker 2 leads, 1 is back and in sync. */
  private void misplace(String topic) {
    cluster.create(topic, Map.of(), 1, 2, 3);
    cluster.fence(1);
    cluster.unfence(1);
    cluster.alter(topic, 1, 2, 3);
  }

  private CommandOutcome move(LeaderMove... moves) {
    return cluster.apply(new MetadataCommand.MoveLeaders(1, List.of(moves)));
  }

  private LeaderMove now(String topic, int to) {
    PartitionImage partition = cluster.partition(topic);
    return new LeaderMove(
        cluster.id(topic), to, partition.leaderEpoch(), partition.partitionEpoch());
  }

  @Test
  void leadershipGoesBackOnlyToAnActiveMemberOfTheInSyncSetThatDidNotJustLoseItR43() {
    cluster.create("t", Map.of(), 1, 2, 3);
    ClusterImage first = cluster.image();
    cluster.fence(1);
    cluster.unfence(1);
    assertEquals(List.of(), moves(cluster.image()), "not in sync");
    cluster.alter("t", 1, 2, 3);
    assertEquals(List.of(), moves(first), "elected since");
    assertEquals(List.of(now("t", 1)), moves(cluster.image()));
    cluster.stop(1);
    assertEquals(List.of(), moves(cluster.image()), "stopping");
  }

  @Test
  void aWalkLooksAtAFewPartitionsPerCallAndSeesAll() {
    List<List<Integer>> assignments = new ArrayList<>();
    for (int i = 0; i < 25; i++) {
      assignments.add(List.of(1, 2, 3));
    }
    for (String name : List.of("a", "b")) {
      cluster.apply(
          new MetadataCommand.CreateTopic(
              1, Cluster.topicId(name), name, new TreeMap<>(), assignments));
    }
    List<MetadataCommand.LeaderMove> there = new ArrayList<>();
    for (String name : List.of("a", "b")) {
      for (int i = 0; i < 25; i++) {
        there.add(new LeaderMove(new PartitionId(Cluster.topicId(name), i), 3, 0, 0));
      }
    }
    assertEquals(50, Cluster.number(cluster.apply(new MetadataCommand.MoveLeaders(1, there))));
    List<PartitionId> seen = new ArrayList<>();
    PartitionId at = null;
    int calls = 0;
    do {
      Found found = PreferredLeaders.walk(cluster.image(), cluster.image(), at, 7, 3);
      found.moves().forEach(move -> seen.add(move.partition()));
      at = found.at();
      calls++;
    } while (at != null);
    assertEquals(50, seen.size());
    assertEquals(50, seen.stream().distinct().count());
    assertEquals(17, calls); // 3 moves each
    Found idle = PreferredLeaders.walk(ClusterImage.EMPTY, cluster.image(), null, 7, 3);
    assertEquals(List.of(), idle.moves());
    assertNotNull(idle.at());
    assertNull(PreferredLeaders.walk(ClusterImage.EMPTY, cluster.image(), null, 50, 3).at());
  }

  @Test
  void aMoveChangesTheLeaderAndNothingElseR43() {
    misplace("t");
    PartitionImage before = cluster.partition("t");
    assertEquals(1, Cluster.number(move(now("t", 1))));
    PartitionImage after = cluster.partition("t");
    assertEquals(1, after.leader());
    assertEquals(before.isr(), after.isr());
    assertEquals(before.leaderEpoch() + 1, after.leaderEpoch());
    assertEquals(before.partitionEpoch() + 1, after.partitionEpoch());
  }

  @Test
  void eachMoveIsACompareAndSetOfItsOwnM2R42() {
    misplace("t");
    misplace("u");
    cluster.create("w", Map.of(), 2, 3, 1);
    LeaderMove good = now("u", 1);
    LeaderMove late = now("t", 1);
    cluster.alter("t", 1, 2); // the partition epoch grows
    LeaderMove same = now("w", 2);
    LeaderMove stranger = now("w", 9);
    assertEquals(1, Cluster.number(move(late, stranger, same, good, good)));
    assertEquals(2, cluster.partition("t").leader());
    assertEquals(2, cluster.partition("w").leader());
    assertEquals(1, cluster.partition("u").leader());
    assertEquals(0, Cluster.number(move(good)), "a copy moves nothing");
    LeaderMove out = now("t", 3);
    cluster.stop(1);
    LeaderMove stopping = now("t", 1);
    assertEquals(0, Cluster.number(move(out, stopping)), "not in sync; stopping");
  }
}
