package io.kontiki.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.metadata.CommandOutcome.Kind;
import io.kontiki.metadata.controller.RecoveryQuestions;
import io.kontiki.model.Uid;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BrokerCommandsTest {
  private static final Map<String, String> FSYNC = Map.of();
  private static final Map<String, String> REPLICATED = Map.of("durability", "replicated");

  private final Cluster cluster = Cluster.active(3);

  @Test
  void nothingButFormingIsAcceptedBeforeThereIsAClusterM15() {
    Cluster none = new Cluster();
    assertEquals(
        "QUORUM_UNAVAILABLE", Cluster.reason(none.apply(none.registration(1, new Uid(1, 1), -1))));
    assertFalse(none.image().formed());
    assertEquals(1, none.image().index());
  }

  @Test
  void aClusterFormsOnceM15() {
    CommandOutcome again =
        cluster.apply(
            new MetadataCommand.FormCluster(
                1, new Uid(8, 8), 1, List.copyOf(cluster.image().voters().values()), 1));
    assertEquals("INVALID_FIELD", Cluster.reason(again));
    assertEquals(Cluster.ID, cluster.image().clusterId());
  }

  @Test
  void aRegisteredBrokerIsFencedAndItsEpochIsTheIndexOfTheEntryR1() {
    Cluster fresh = Cluster.formed(3);
    CommandOutcome outcome = fresh.register(4);
    assertEquals(fresh.image().index(), Cluster.number(outcome));
    assertEquals(State.FENCED, fresh.image().brokers().get(4).state());
    fresh.unfence(4);
    assertEquals(State.ACTIVE, fresh.image().brokers().get(4).state());
  }

  @Test
  void aCopyOfARegistrationGivesTheSameEpochM2() {
    MetadataCommand.RegisterBroker command = cluster.registration(1, Cluster.directory(1), -1);
    long epoch = Cluster.number(cluster.apply(command));
    cluster.unfence(1);
    assertEquals(epoch, Cluster.number(cluster.apply(command)));
    assertEquals(State.ACTIVE, cluster.image().brokers().get(1).state());
  }

  @Test
  void aBrokerOfAnotherClusterIsRefused() {
    MetadataCommand.RegisterBroker good = cluster.registration(4, new Uid(1, 4), -1);
    MetadataCommand.RegisterBroker foreign =
        new MetadataCommand.RegisterBroker(
            1, 4, new Uid(1, 2), good.directoryId(), good.incarnation(), good.endpoints(), -1, "1");
    assertEquals("INVALID_FIELD", Cluster.reason(cluster.apply(foreign)));
  }

  @Test
  void aRegistrationFencesTheOlderIncarnationInTheSameEntryR2() {
    cluster.create("t", FSYNC, 1, 2, 3);
    cluster.register(1);
    PartitionImage after = cluster.partition("t");
    assertEquals(2, after.leader());
    assertEquals(List.of(2, 3), after.isr());
    assertEquals(List.of(), after.elr());
    assertEquals(1, after.leaderEpoch());
    assertEquals(1, after.partitionEpoch());
    assertEquals(State.FENCED, cluster.image().brokers().get(1).state());
  }

  @Test
  void fencingTheLeaderElectsTheNextInSyncReplicaInReplicaOrderR19() {
    cluster.create("t", FSYNC, 2, 3, 1);
    cluster.fence(2);
    assertEquals(3, cluster.partition("t").leader());
    assertEquals(List.of(1, 3), cluster.partition("t").isr());
  }

  @Test
  void fencingAFollowerKeepsLeaderAndLeaderEpoch() {
    cluster.create("t", FSYNC, 1, 2, 3);
    cluster.fence(3);
    assertEquals(1, cluster.partition("t").leader());
    assertEquals(0, cluster.partition("t").leaderEpoch());
    assertEquals(1, cluster.partition("t").partitionEpoch());
  }

  @Test
  void aFenceOfAnOlderIncarnationHitsNobodyM7() {
    cluster.create("t", FSYNC, 1, 2, 3);
    long judged = cluster.epoch(1);
    cluster.register(1);
    cluster.unfence(1);
    ClusterImage before = cluster.image();
    CommandOutcome outcome = cluster.apply(new MetadataCommand.FenceBroker(1, 1, judged, "late"));
    assertEquals("BROKER_NOT_FOUND", Cluster.reason(outcome));
    assertSame(before.brokers(), cluster.image().brokers());
    assertSame(before.topics(), cluster.image().topics());
  }

  @Test
  void whoLeavesAnInSyncSetBelowMinimumBecomesEligibleAndTheLastOneLeadsAgainR18R19() {
    cluster.create("t", FSYNC, 1, 2, 3);
    cluster.fence(3);
    assertEquals(List.of(), cluster.partition("t").elr());
    cluster.fence(2);
    assertEquals(List.of(2), cluster.partition("t").elr());
    cluster.fence(1);
    PartitionImage down = cluster.partition("t");
    assertEquals(List.of(), down.isr());
    assertEquals(List.of(1, 2), down.elr());
    assertEquals(PartitionImage.NO_LEADER, down.leader());
    cluster.unfence(3);
    assertEquals(PartitionImage.NO_LEADER, cluster.partition("t").leader());
    cluster.unfence(2);
    PartitionImage up = cluster.partition("t");
    assertEquals(2, up.leader());
    assertEquals(List.of(2), up.isr());
    assertEquals(List.of(1), up.elr());
    assertEquals(down.leaderEpoch() + 1, up.leaderEpoch());
  }

  @Test
  void anInSyncSetAtMinimumEmptiesTheEligibleReplicasR18() {
    cluster.create("t", FSYNC, 1, 2, 3);
    cluster.fence(3);
    cluster.fence(2);
    cluster.unfence(3);
    assertEquals(List.of(2), cluster.partition("t").elr());
    assertEquals(Kind.APPLIED, cluster.alter("t", 1, 3).kind());
    assertEquals(List.of(), cluster.partition("t").elr());
  }

  @Test
  void anUncleanBrokerKeepsItsEligiblePlaceOnlyWhereRecordsAreSyncedR3() {
    cluster.create("synced", FSYNC, 1, 2, 3);
    cluster.create("cached", REPLICATED, 1, 2, 3);
    cluster.fence(3);
    cluster.register(2);
    assertEquals(List.of(2), cluster.partition("synced").elr());
    assertEquals(List.of(), cluster.partition("cached").elr());
    assertEquals(List.of(2), cluster.partition("cached").lastKnownElr());
    assertEquals(List.of(1), cluster.partition("cached").isr());
  }

  @Test
  void aCleanMarkerOfTheLastEpochKeepsTheEligiblePlaceAndAnOlderOneDoesNotR3() {
    cluster.create("cached", REPLICATED, 1, 2, 3);
    cluster.fence(3);
    cluster.fence(2);
    long older = cluster.epoch(2);
    cluster.registerClean(2);
    assertEquals(List.of(2), cluster.partition("cached").elr());
    cluster.apply(cluster.registration(2, Cluster.directory(2), older));
    assertEquals(List.of(), cluster.partition("cached").elr());
    assertEquals(List.of(2), cluster.partition("cached").lastKnownElr());
  }

  @Test
  void doubtFoundAtRecoveryEndsAnEligiblePlaceBeforeAnybodyIsElectedR3() {
    cluster.create("t", FSYNC, 1, 2, 3);
    cluster.fence(3);
    cluster.fence(2);
    cluster.fence(1);
    cluster.register(1);
    cluster.unfence(1, cluster.id("t"));
    PartitionImage after = cluster.partition("t");
    assertEquals(PartitionImage.NO_LEADER, after.leader());
    assertEquals(List.of(2), after.elr());
    assertEquals(List.of(1), after.lastKnownElr());
  }

  @Test
  void anotherDiskIsRefusedWhileTheOldOneIsUnfencedAndLosesAllCandidaciesOtherwiseR35() {
    cluster.create("t", FSYNC, 1, 2, 3);
    cluster.fence(3);
    Uid other = new Uid(200, 2);
    assertEquals("BROKER_ALIVE", Cluster.reason(cluster.apply(cluster.registration(2, other, -1))));
    cluster.fence(2);
    cluster.fence(1);
    assertEquals(List.of(1, 2), cluster.partition("t").elr());
    cluster.apply(cluster.registration(2, other, -1));
    assertEquals(List.of(1), cluster.partition("t").elr());
    cluster.apply(cluster.registration(1, new Uid(200, 1), -1));
    cluster.unfence(1);
    cluster.unfence(2);
    cluster.unfence(3);
    PartitionImage lost = cluster.partition("t");
    assertEquals(PartitionImage.NO_LEADER, lost.leader());
    assertEquals(List.of(), lost.isr());
    assertEquals(List.of(), lost.elr());
    assertEquals(List.of(), lost.lastKnownElr());
  }

  @Test
  void aStoppingBrokerHandsOverWhatAnotherCanLeadAndKeepsTheRestR7() {
    cluster.create("shared", FSYNC, 1, 2, 3);
    cluster.create("alone", FSYNC, 1);
    cluster.stop(1);
    assertEquals(2, cluster.partition("shared").leader());
    assertEquals(List.of(1, 2, 3), cluster.partition("shared").isr());
    assertEquals(1, cluster.partition("alone").leader());
    cluster.fence(1);
    assertEquals(List.of(2, 3), cluster.partition("shared").isr());
    assertEquals(List.of(1), cluster.partition("alone").elr());
    assertEquals(PartitionImage.NO_LEADER, cluster.partition("alone").leader());
  }

  @Test
  void aStoppingBrokerIsNeverElectedAndNeverJoinsR7() {
    cluster.create("t", FSYNC, 1, 2, 3);
    cluster.alter("t", 1, 2);
    cluster.stop(2);
    cluster.stop(3);
    assertEquals(Kind.INELIGIBLE, cluster.alter("t", 1, 2, 3).kind());
    cluster.fence(1);
    assertEquals(PartitionImage.NO_LEADER, cluster.partition("t").leader());
    assertEquals(List.of(2), cluster.partition("t").isr());
  }

  @Test
  void aStoppingLeaderHandsOverAsSoonAsSomebodyJoinsR7() {
    cluster.create("t", FSYNC, 1, 2, 3);
    cluster.alter("t", 1);
    cluster.stop(1);
    assertEquals(1, cluster.partition("t").leader());
    CommandOutcome.IsrOutcome joined = cluster.alter("t", 1, 2);
    assertEquals(Kind.APPLIED, joined.kind());
    assertEquals(2, joined.state().leader());
  }

  @Test
  void balancedRecoveryWaitsForEveryLastKnownAndTakesTheLongestLogR19() {
    cluster.create("t", REPLICATED, 1, 2, 3);
    cluster.fence(3);
    cluster.register(2);
    cluster.register(1);
    assertEquals(List.of(1, 2), cluster.partition("t").lastKnownElr());
    assertEquals(List.of(), RecoveryQuestions.of(cluster.image(), 1));
    cluster.unfence(1);
    assertEquals(List.of(cluster.id("t")), RecoveryQuestions.of(cluster.image(), 1));
    report(1, 4, 100);
    assertEquals(List.of(), RecoveryQuestions.of(cluster.image(), 1));
    assertEquals(PartitionImage.NO_LEADER, cluster.partition("t").leader());
    cluster.unfence(2);
    assertEquals(PartitionImage.NO_LEADER, cluster.partition("t").leader());
    report(2, 5, 90);
    assertEquals(2, cluster.partition("t").leader());
    assertEquals(List.of(2), cluster.partition("t").isr());
    assertEquals(List.of(), cluster.partition("t").lastKnownElr());
    assertEquals(List.of(cluster.id("t")), cluster.last().recovered());
    assertTrue(cluster.image().logEnds().isEmpty());
  }

  @Test
  void aReportEndsWithTheFenceOfItsBrokerR19() {
    cluster.create("t", REPLICATED, 1, 2, 3);
    cluster.fence(3);
    cluster.register(2);
    cluster.register(1);
    cluster.unfence(1);
    report(1, 4, 100);
    cluster.fence(1);
    assertTrue(cluster.image().logEnds().isEmpty());
    cluster.unfence(1);
    cluster.unfence(2);
    report(2, 3, 90);
    assertEquals(PartitionImage.NO_LEADER, cluster.partition("t").leader());
    report(1, 4, 100);
    assertEquals(1, cluster.partition("t").leader());
  }

  private void report(int broker, int lastEpoch, long end) {
    cluster.apply(
        new MetadataCommand.ReportLogEnds(
            1,
            broker,
            cluster.epoch(broker),
            List.of(new MetadataCommand.LogEnd(cluster.id("t"), lastEpoch, end))));
  }
}
