package io.kontiki.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.Kind;
import io.kontiki.metadata.MetadataCommand.PartitionAt;
import io.kontiki.metadata.MetadataCommand.Reassignment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ReassignmentCommandsTest {
  private final Cluster cluster = Cluster.active(6);

  private CommandOutcome reassign(Integer... replicas) {
    return cluster.apply(
        new MetadataCommand.ReassignPartitions(
            1,
            List.of(
                new Reassignment(
                    cluster.id("t"),
                    cluster.partition("t").partitionEpoch(),
                    Arrays.asList(replicas)))));
  }

  private long finish() {
    PartitionAt at = new PartitionAt(cluster.id("t"), cluster.partition("t").partitionEpoch());
    return Cluster.number(cluster.apply(new MetadataCommand.FinishReassignments(1, List.of(at))));
  }

  private long move(int to) {
    return move("t", to);
  }

  private long move(String topic, int to) {
    PartitionImage now = cluster.partition(topic);
    return Cluster.number(
        cluster.apply(
            new MetadataCommand.MoveLeaders(
                1,
                List.of(
                    new MetadataCommand.LeaderMove(
                        cluster.id(topic), to, now.leaderEpoch(), now.partitionEpoch())))));
  }

  private CommandOutcome electUnclean() {
    PartitionAt at = new PartitionAt(cluster.id("t"), cluster.partition("t").partitionEpoch());
    return cluster.apply(new MetadataCommand.ElectUnclean(1, at, "the disks are gone"));
  }

  private CommandOutcome wish(int broker, BrokerImage.Wish wish, boolean force) {
    int number = cluster.image().brokers().get(broker).wishes() + 1;
    return cluster.apply(new MetadataCommand.WishBroker(1, broker, wish, number, force));
  }

  private CommandOutcome operatorFence(int broker, boolean force) {
    boolean fenced = cluster.image().brokers().get(broker).wish().fences();
    return wish(broker, fenced ? BrokerImage.Wish.NONE : BrokerImage.Wish.FENCE, force);
  }

  @Test
  void replicasThatComeAreThereAtOnceAndThoseThatGoStayR34() {
    cluster.create("t", Map.of(), 1, 2, 3);
    assertEquals(new Done(), reassign(4, 3, 5));
    PartitionImage now = cluster.partition("t");
    assertEquals(List.of(4, 3, 5, 1, 2), now.replicas());
    assertEquals(List.of(4, 5), now.adding());
    assertEquals(List.of(1, 2), now.removing());
    assertEquals(List.of(1, 2, 3), now.original());
    assertEquals(List.of(1, 2, 3), now.isr());
    assertEquals(1, now.leader());
    assertEquals(0, now.leaderEpoch());
    assertEquals(3, now.replicationFactor());
    assertEquals(2, cluster.image().topic("t").minIsr(now));
  }

  @Test
  void itEndsOnlyWhenAllThatComesIsInSyncAndAReplicaThatStaysLeadsR34() {
    cluster.create("t", Map.of(), 1, 2, 3);
    reassign(4, 5, 3);
    assertEquals(0, finish());
    cluster.alter("t", 1, 2, 3, 4);
    assertEquals(0, finish());
    cluster.alter("t", 1, 2, 3, 4, 5);
    assertEquals(0, finish(), "broker 1 leads and goes");
    assertEquals(1, move(4));
    int epoch = cluster.partition("t").leaderEpoch();
    assertEquals(1, finish());
    PartitionImage now = cluster.partition("t");
    assertEquals(List.of(4, 5, 3), now.replicas());
    assertEquals(List.of(3, 4, 5), now.isr());
    assertEquals(4, now.leader());
    assertEquals(epoch + 1, now.leaderEpoch(), "R20");
    assertFalse(now.reassigning());
    assertEquals(List.of(1, 2), cluster.image().topic("t").former());
  }

  @Test
  void itDoesNotEndWhileTheInSyncSetWouldFallBelowMinIsrR34() {
    cluster.create("t", Map.of(), 1, 2, 3);
    reassign(3, 4, 2);
    cluster.alter("t", 1, 4);
    move(4);
    assertEquals(0, finish(), "only broker 4 would be left in sync");
    cluster.alter("t", 1, 2, 4);
    assertEquals(1, finish());
    assertEquals(List.of(2, 4), cluster.partition("t").isr());
  }

  @Test
  void aCancellationGoesBackToTheOriginalReplicasInTheirOrderR34() {
    cluster.create("t", Map.of(), 3, 1, 2);
    reassign(4, 5, 3);
    cluster.alter("t", 1, 2, 3, 4);
    reassign(3, 1, 2);
    assertTrue(cluster.partition("t").adding().isEmpty());
    assertEquals(List.of(5, 4), sortedDown(cluster.partition("t").removing()));
    assertEquals(1, finish());
    assertEquals(List.of(3, 1, 2), cluster.partition("t").replicas());
    assertEquals(List.of(1, 2, 3), cluster.partition("t").isr());
  }

  @Test
  void aCancellationWaitsWhereOnlyTheNewReplicasAreInSyncR34() {
    cluster.create("t", Map.of(), 1, 2, 3);
    reassign(4, 5, 6);
    cluster.alter("t", 1, 2, 3, 4, 5, 6);
    cluster.fence(1);
    cluster.fence(2);
    cluster.fence(3);
    reassign(1, 2, 3);
    assertEquals(0, finish());
    assertEquals(4, cluster.partition("t").leader());
    cluster.unfence(1);
    cluster.unfence(2);
    cluster.alter("t", 1, 2, 4, 5, 6);
    move(1);
    assertEquals(1, finish());
    assertEquals(List.of(1, 2), cluster.partition("t").isr());
  }

  @Test
  void aSecondReassignmentAimsAnewAndDropsNobodyAtOnceR34() {
    cluster.create("t", Map.of(), 1, 2, 3);
    reassign(4, 2, 3);
    cluster.alter("t", 1, 2, 3, 4);
    move(4);
    reassign(5, 2, 3);
    PartitionImage now = cluster.partition("t");
    assertEquals(List.of(5, 2, 3, 4, 1), now.replicas());
    assertEquals(List.of(1, 2, 3), now.original());
    assertEquals(4, now.leader());
    cluster.alter("t", 1, 2, 3, 4, 5);
    move(2);
    assertEquals(1, finish());
    assertEquals(List.of(2, 3, 5), cluster.partition("t").isr());
  }

  @Test
  void anotherReplicationFactorCountsForMinIsrFromTheEndOfItsReassignmentR37() {
    cluster.create("t", Map.of(), 1, 2, 3);
    reassign(1, 2, 3, 4, 5);
    assertEquals(2, cluster.image().topic("t").minIsr(cluster.partition("t")));
    cluster.alter("t", 1, 2, 3, 4, 5);
    int epoch = cluster.partition("t").leaderEpoch();
    assertEquals(1, finish());
    assertEquals(3, cluster.image().topic("t").minIsr(cluster.partition("t")));
    assertEquals(epoch + 1, cluster.partition("t").leaderEpoch(), "R37: raised");
    reassign(1);
    assertEquals(1, finish());
    assertEquals(1, cluster.image().topic("t").minIsr(cluster.partition("t")));
  }

  @Test
  void aProposalOfBeforeTheReassignmentIsStaleR17() {
    cluster.create("t", Map.of(), 1, 2, 3);
    reassign(4, 5, 3);
    assertEquals(Kind.STALE, cluster.propose("t", 1, 0, 0, 1, 2).kind());
  }

  @Test
  void whoWasRemovedAndComesAgainIsNotInSyncUntilTheLeaderTakesItInR20() {
    cluster.create("t", Map.of(), 1, 2, 3);
    reassign(1, 2);
    assertEquals(1, finish());
    PartitionImage between = cluster.partition("t");
    reassign(1, 2, 3);
    assertEquals(List.of(1, 2), cluster.partition("t").isr());
    assertEquals(
        Kind.STALE,
        cluster.propose("t", 1, between.leaderEpoch(), between.partitionEpoch(), 1, 2, 3).kind());
  }

  @Test
  void senselessTargetsAreRefused() {
    cluster.create("t", Map.of("min.insync.replicas", "2"), 1, 2, 3);
    assertEquals("INVALID_FIELD", Cluster.reason(reassign()));
    assertEquals("INVALID_FIELD", Cluster.reason(reassign(1, 1)));
    assertEquals("BROKER_NOT_FOUND", Cluster.reason(reassign(1, 9)));
    assertEquals("INVALID_CONFIG", Cluster.reason(reassign(1)));
    assertEquals(
        "BUSY",
        Cluster.reason(
            cluster.apply(
                new MetadataCommand.ReassignPartitions(
                    1, List.of(new Reassignment(cluster.id("t"), 7, List.of(4, 5, 6)))))));
    assertFalse(cluster.partition("t").reassigning());
  }

  @Test
  void minInsyncCannotBeRaisedAboveWhatAReassignmentLeavesR37() {
    cluster.create("t", Map.of(), 1, 2, 3);
    reassign(1, 2);
    TopicImage topic = cluster.image().topic("t");
    TreeMap<String, String> after = new TreeMap<>(topic.config());
    after.put("min.insync.replicas", "3");
    assertEquals(
        "INVALID_CONFIG",
        Cluster.reason(
            cluster.apply(
                new MetadataCommand.AlterTopicConfig(1, topic.id(), topic.config(), after))));
  }

  @Test
  void theTombstoneNamesWhoMayHoldTheDataStillM20() {
    cluster.create("t", Map.of(), 1, 2, 3);
    reassign(4, 5, 3);
    cluster.alter("t", 1, 2, 3, 4, 5);
    move(4);
    finish();
    reassign(4, 5, 6);
    cluster.apply(new MetadataCommand.DeleteTopic(1, cluster.id("t").topicId()));
    assertEquals(
        List.of(1, 2, 3, 4, 5, 6),
        cluster.image().tombstones().get(Cluster.topicId("t")).pendingBrokers());
  }

  @Test
  void anUncleanElectionNeedsThatNobodyLeadsR19() {
    cluster.create("t", Map.of("durability", "replicated"), 1, 2, 3);
    assertEquals("LEADER_EXISTS", Cluster.reason(electUnclean()));
    cluster.fence(3);
    cluster.fence(2);
    cluster.fence(1);
    assertEquals("NO_ELIGIBLE_LEADER", Cluster.reason(electUnclean()));
    cluster.register(3);
    cluster.unfence(3);
    assertEquals(PartitionImage.NO_LEADER, cluster.partition("t").leader());
    int epoch = cluster.partition("t").leaderEpoch();
    assertEquals(3, Cluster.number(electUnclean()));
    PartitionImage now = cluster.partition("t");
    assertEquals(3, now.leader());
    assertEquals(epoch + 1, now.leaderEpoch());
    assertEquals(List.of(3), now.isr());
    assertTrue(now.elr().isEmpty() && now.lastKnownElr().isEmpty());
    cluster.unfence(1);
    assertEquals(3, cluster.partition("t").leader());
  }

  @Test
  void anUncleanElectionTakesTheLongestLogThatWasReportedR19() {
    cluster.create("t", Map.of("durability", "replicated"), 1, 2, 3, 4);
    for (int broker : List.of(4, 3, 2, 1)) {
      cluster.fence(broker);
    }
    for (int broker : List.of(4, 3, 2, 1)) {
      cluster.register(broker);
    }
    for (int broker : List.of(1, 2)) {
      cluster.unfence(broker);
      long end = broker == 2 ? 70 : 50;
      cluster.apply(
          new MetadataCommand.ReportLogEnds(
              1,
              broker,
              cluster.epoch(broker),
              List.of(new MetadataCommand.LogEnd(cluster.id("t"), 0, end))));
    }
    PartitionImage waiting = cluster.partition("t");
    if (waiting.leader() == PartitionImage.NO_LEADER) {
      assertTrue(waiting.lastKnownElr().contains(2), waiting.toString());
      assertEquals(2, Cluster.number(electUnclean()));
    }
    assertEquals(2, cluster.partition("t").leader());
  }

  @Test
  void anOperatorsFenceHandsOverFirstAndSurvivesRestarts() {
    cluster.create("t", Map.of(), 1, 2, 3);
    assertEquals(new Done(), operatorFence(1, false));
    assertEquals(2, cluster.partition("t").leader());
    assertEquals(List.of(1, 2, 3), cluster.partition("t").isr());
    assertEquals(BrokerImage.State.STOPPING, cluster.image().brokers().get(1).state());
    cluster.fence(1);
    assertEquals(List.of(2, 3), cluster.partition("t").isr());
    cluster.unfence(1);
    cluster.register(1);
    cluster.unfence(1);
    assertEquals(BrokerImage.State.FENCED, cluster.image().brokers().get(1).state());
    assertTrue(cluster.image().brokers().get(1).wish().fences());
    assertEquals(new Done(), operatorFence(1, false));
    cluster.unfence(1);
    assertEquals(BrokerImage.State.ACTIVE, cluster.image().brokers().get(1).state());
  }

  @Test
  void anOperatorsFenceOfTheLastThatMayLeadIsRefusedUnlessForced() {
    cluster.create("t", Map.of("min.insync.replicas", "1"), 1, 2);
    cluster.alter("t", 1);
    assertEquals("WOULD_LOSE_DATA", Cluster.reason(operatorFence(1, false)));
    assertEquals(new Done(), operatorFence(2, false));
    assertEquals(new Done(), operatorFence(1, true));
    cluster.fence(1);
    assertEquals(PartitionImage.NO_LEADER, cluster.partition("t").leader());
    operatorFence(1, false);
    cluster.unfence(1);
    assertEquals(1, cluster.partition("t").leader());
  }

  @Test
  void aLateCopyOfAnEndedFenceDoesNothingM2() {
    operatorFence(1, false);
    operatorFence(1, false);
    assertEquals(BrokerImage.State.ACTIVE, cluster.image().brokers().get(1).state());
    assertEquals(
        "BUSY",
        Cluster.reason(
            cluster.apply(new MetadataCommand.WishBroker(1, 1, BrokerImage.Wish.FENCE, 1, false))));
    assertFalse(cluster.image().brokers().get(1).wish().fences());
  }

  @Test
  void aDrainedBrokerHandsOverWhatOthersCanLeadAndStaysInSyncR47() {
    cluster.create("t", Map.of(), 1, 2, 3);
    cluster.create("alone", Map.of("min.insync.replicas", "1"), 1);
    assertEquals(new Done(), wish(1, BrokerImage.Wish.DRAIN, false));
    assertEquals(BrokerImage.State.DRAINING, cluster.image().brokers().get(1).state());
    assertEquals(2, cluster.partition("t").leader());
    assertEquals(List.of(1, 2, 3), cluster.partition("t").isr());
    assertEquals(1, cluster.partition("alone").leader(), "nobody else can");
    assertEquals(0, move("t", 1), "leaderships do not come back");
    cluster.fence(2);
    assertEquals(3, cluster.partition("t").leader());
    cluster.fence(3);
    assertEquals(1, cluster.partition("t").leader(), "better than nobody");
    cluster.unfence(3);
    cluster.alter("t", 1, 3);
    assertEquals(3, cluster.partition("t").leader(), "as soon as another can");
    cluster.fence(1);
    cluster.unfence(1);
    assertEquals(BrokerImage.State.DRAINING, cluster.image().brokers().get(1).state());
    assertEquals(new Done(), wish(1, BrokerImage.Wish.NONE, false));
    assertEquals(BrokerImage.State.ACTIVE, cluster.image().brokers().get(1).state());
  }

  @Test
  void whoResignsToADrainedBrokerForWantOfAnotherIsNotPutBackR38() {
    cluster.create("t", Map.of(), 1, 2);
    wish(2, BrokerImage.Wish.DRAIN, false);
    PartitionImage now = cluster.partition("t");
    cluster.apply(
        new MetadataCommand.Resign(
            1,
            1,
            cluster.image().brokers().get(1).epoch(),
            List.of(
                new MetadataCommand.Farewell(
                    new MetadataCommand.LeaderMove(
                        cluster.id("t"), 2, now.leaderEpoch(), now.partitionEpoch()),
                    true))));
    assertEquals(2, cluster.partition("t").leader());
    assertEquals(now.leaderEpoch() + 1, cluster.partition("t").leaderEpoch());
  }

  @Test
  void aNewPartitionIsLedByADrainedBrokerOnlyForWantOfAnotherR47() {
    wish(1, BrokerImage.Wish.DRAIN, false);
    cluster.create("t", Map.of(), 1, 2, 3);
    assertEquals(2, cluster.partition("t").leader());
    assertEquals(List.of(1, 2, 3), cluster.partition("t").isr());
    cluster.create("alone", Map.of("min.insync.replicas", "1"), 1);
    assertEquals(1, cluster.partition("alone").leader());
  }

  @Test
  void aBrokerIsForgottenOnlyWhenItIsFencedAndHasNothing() {
    cluster.create("t", Map.of(), 4, 5, 6);
    assertEquals("IS_VOTER", Cluster.reason(remove(1)));
    assertEquals("BROKER_ALIVE", Cluster.reason(remove(6)));
    cluster.fence(6);
    assertEquals("WOULD_LOSE_DATA", Cluster.reason(remove(6)));
    reassign(4, 5, 2);
    assertEquals("WOULD_LOSE_DATA", Cluster.reason(remove(6)), "it has not left yet");
    cluster.alter("t", 2, 4, 5);
    assertEquals(1, finish());
    assertEquals(List.of(6), cluster.image().topic("t").former());
    assertEquals(new Done(), remove(6));
    assertFalse(cluster.image().brokers().containsKey(6));
    assertEquals(List.of(), cluster.image().topic("t").former(), "M20");
    assertEquals("BROKER_NOT_FOUND", Cluster.reason(remove(6)));
  }

  private CommandOutcome remove(int broker) {
    BrokerImage now = cluster.image().brokers().get(broker);
    return cluster.apply(
        new MetadataCommand.RemoveBroker(1, broker, now == null ? 1 : now.epoch()));
  }

  private static List<Integer> sortedDown(List<Integer> list) {
    return list.stream().sorted((a, b) -> b - a).toList();
  }
}
