package io.kontiki.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.IsrOutcome;
import io.kontiki.metadata.CommandOutcome.IsrOutcomes;
import io.kontiki.metadata.CommandOutcome.Kind;
import io.kontiki.metadata.MetadataCommand.AlterPartitions;
import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.MetadataCommand.IsrMember;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class IsrAndTopicCommandsTest {
  private final Cluster cluster = Cluster.active(3);

  @Test
  void anAppliedChangeGrowsThePartitionEpochButNotTheLeaderEpochR13() {
    cluster.create("t", Map.of(), 1, 2, 3);
    IsrOutcome outcome = cluster.alter("t", 1, 2);
    assertEquals(Kind.APPLIED, outcome.kind());
    assertEquals(List.of(1, 2), outcome.state().isr());
    assertEquals(1, outcome.state().partitionEpoch());
    assertEquals(0, outcome.state().leaderEpoch());
  }

  @Test
  void aCopyOfAnAppliedChangeIsStaleR17() {
    cluster.create("t", Map.of(), 1, 2, 3);
    cluster.alter("t", 1, 2);
    IsrOutcome copy = cluster.propose("t", 1, 0, 0, 1, 2);
    assertEquals(Kind.STALE, copy.kind());
    assertSame(cluster.partition("t"), copy.state());
  }

  @Test
  void aRefusalOfAFencedMemberBurnsThePartitionEpochR17() {
    cluster.create("t", Map.of(), 1, 2, 3);
    cluster.fence(3);
    int epoch = cluster.partition("t").partitionEpoch();
    IsrOutcome refused = cluster.alter("t", 1, 2, 3);
    assertEquals(Kind.INELIGIBLE, refused.kind());
    assertEquals(epoch + 1, refused.state().partitionEpoch());
    assertEquals(List.of(1, 2), refused.state().isr());
    cluster.unfence(3);
    assertEquals(Kind.STALE, cluster.propose("t", 1, 0, epoch, 1, 2, 3).kind());
  }

  @Test
  void anotherIncarnationOfAMemberIsRefusedR13() {
    cluster.create("t", Map.of(), 1, 2, 3);
    cluster.fence(3);
    PartitionImage now = cluster.partition("t");
    long old = cluster.epoch(3);
    cluster.register(3);
    cluster.unfence(3);
    IsrChange change =
        new IsrChange(
            cluster.id("t"),
            now.leaderEpoch(),
            now.partitionEpoch(),
            List.of(
                new IsrMember(1, cluster.epoch(1)),
                new IsrMember(2, cluster.epoch(2)),
                new IsrMember(3, old)));
    IsrOutcomes outcomes =
        (IsrOutcomes)
            cluster.apply(
                new MetadataCommand.AlterPartitions(1, 1, cluster.epoch(1), List.of(change)));
    assertEquals(Kind.INELIGIBLE, outcomes.outcomes().get(0).kind());
  }

  @Test
  void aLeaderOfAnOlderEpochOrIncarnationIsFencedR13() {
    cluster.create("t", Map.of(), 1, 2, 3);
    cluster.fence(1);
    PartitionImage now = cluster.partition("t");
    assertEquals(Kind.FENCED, cluster.propose("t", 1, 0, 0, 1, 2).kind());
    assertEquals(Kind.FENCED, cluster.propose("t", 2, 0, now.partitionEpoch(), 2, 3).kind());
    IsrChange change =
        new IsrChange(cluster.id("t"), now.leaderEpoch(), now.partitionEpoch(), List.of());
    IsrOutcomes outcomes =
        (IsrOutcomes)
            cluster.apply(new MetadataCommand.AlterPartitions(1, 2, 999, List.of(change)));
    assertEquals(Kind.FENCED, outcomes.outcomes().get(0).kind());
  }

  @Test
  void aSetWithoutItsLeaderOrWithAStrangerIsIneligible() {
    cluster.register(4);
    cluster.unfence(4);
    cluster.create("t", Map.of(), 1, 2, 3);
    assertEquals(Kind.INELIGIBLE, cluster.alter("t", 2, 3).kind());
    assertEquals(Kind.INELIGIBLE, cluster.alter("t", 1, 4).kind());
    assertEquals(Kind.INELIGIBLE, cluster.alter("t", 1, 1, 2).kind());
    assertEquals(List.of(1, 2, 3), cluster.partition("t").isr());
  }

  @Test
  void oneRefusalDoesNotRefuseTheRestOfABatchR42() {
    cluster.create("a", Map.of(), 1, 2, 3);
    cluster.create("b", Map.of(), 1, 2, 3);
    List<IsrMember> set =
        List.of(new IsrMember(1, cluster.epoch(1)), new IsrMember(2, cluster.epoch(2)));
    PartitionId nowhere = new PartitionId(Cluster.topicId("none"), 3);
    IsrOutcomes outcomes =
        (IsrOutcomes)
            cluster.apply(
                new MetadataCommand.AlterPartitions(
                    1,
                    1,
                    cluster.epoch(1),
                    List.of(
                        new IsrChange(cluster.id("a"), 0, 9, set),
                        new IsrChange(nowhere, 0, 0, set),
                        new IsrChange(cluster.id("b"), 0, 0, set),
                        new IsrChange(cluster.id("b"), 0, 0, set))));
    assertEquals(
        List.of(Kind.STALE, Kind.FENCED, Kind.APPLIED, Kind.STALE),
        outcomes.outcomes().stream().map(IsrOutcome::kind).toList());
    assertNull(outcomes.outcomes().get(1).state());
  }

  @Test
  void aShrinkBelowMinimumKeepsTheRemovedEligibleR18() {
    cluster.create("t", Map.of(), 1, 2, 3);
    cluster.alter("t", 1);
    assertEquals(List.of(2, 3), cluster.partition("t").elr());
    cluster.fence(1);
    assertEquals(2, cluster.partition("t").leader());
    assertEquals(List.of(2), cluster.partition("t").isr());
    assertEquals(List.of(1, 3), cluster.partition("t").elr());
  }

  @Test
  void aResigningLeaderIsReplacedFromTheInSyncSetWhichStaysR38() {
    cluster.create("t", Map.of(), 1, 2, 3);
    assertEquals(Kind.APPLIED, resign(1, 0, 0, 3).kind());
    PartitionImage after = cluster.partition("t");
    assertEquals(3, after.leader());
    assertEquals(List.of(1, 2, 3), after.isr());
    assertEquals(1, after.leaderEpoch());
    assertEquals(Kind.FENCED, resign(1, 0, 0, 3).kind());
    assertEquals(Kind.STALE, resign(3, 1, 0, 2).kind());
    assertEquals(after, cluster.partition("t"));
    cluster.fence(2);
    PartitionImage two = cluster.partition("t");
    assertEquals(Kind.APPLIED, resign(3, 1, two.partitionEpoch(), 2).kind());
    assertEquals(1, cluster.partition("t").leader(), "the successor may not lead any more");
    cluster.alter("t", 1);
    PartitionImage alone = cluster.partition("t");
    IsrOutcome nobody = resign(1, alone.leaderEpoch(), alone.partitionEpoch(), 2);
    assertEquals(Kind.INELIGIBLE, nobody.kind());
    assertEquals(alone, nobody.state());
    assertEquals(alone, cluster.partition("t"));
  }

  @Test
  void damagedReplicasThatLeaveTheInSyncSetAreNotEligibleD9() {
    cluster.create("t", Map.of("min.insync.replicas", "3"), 1, 2, 3);
    PartitionImage now = cluster.partition("t");
    IsrMember leader = new IsrMember(1, cluster.epoch(1));
    cluster.apply(
        new AlterPartitions(
            1,
            1,
            cluster.epoch(1),
            List.of(
                new IsrChange(
                    cluster.id("t"), 0, now.partitionEpoch(), List.of(leader), List.of(3)))));
    assertEquals(List.of(1), cluster.partition("t").isr());
    assertEquals(List.of(2), cluster.partition("t").elr());
    assertEquals(List.of(), cluster.partition("t").lastKnownElr());
    // And who is eligible already, with the set as it is.
    cluster.apply(
        new AlterPartitions(
            1,
            1,
            cluster.epoch(1),
            List.of(
                new IsrChange(
                    cluster.id("t"),
                    0,
                    cluster.partition("t").partitionEpoch(),
                    List.of(leader),
                    List.of(2)))));
    assertEquals(List.of(1), cluster.partition("t").isr());
    assertEquals(List.of(), cluster.partition("t").elr());
  }

  @Test
  void aDamagedLeaderIsFollowedByAnEligibleReplicaAndKeepsNoPlaceD9() {
    cluster.create("t", Map.of("min.insync.replicas", "2"), 1, 2, 3);
    cluster.alter("t", 1, 2);
    cluster.alter("t", 1);
    PartitionImage alone = cluster.partition("t");
    assertEquals(List.of(2), alone.elr());
    assertEquals(
        Kind.INELIGIBLE,
        resign(1, alone.leaderEpoch(), alone.partitionEpoch(), 2).kind(),
        "only damage is a reason to leave the in-sync set");
    assertEquals(
        Kind.STALE,
        resignDamaged(1, alone.leaderEpoch(), alone.partitionEpoch() - 1, 2).kind(),
        "a compare-and-set (M2)");
    IsrOutcome outcome = resignDamaged(1, alone.leaderEpoch(), alone.partitionEpoch(), 3);
    assertEquals(Kind.APPLIED, outcome.kind(), "3 is not eligible, 2 is");
    PartitionImage after = cluster.partition("t");
    assertEquals(outcome.state(), after);
    assertEquals(2, after.leader());
    assertEquals(alone.leaderEpoch() + 1, after.leaderEpoch());
    assertEquals(List.of(2), after.isr());
    assertEquals(List.of(), after.elr());
    assertEquals(List.of(), after.lastKnownElr());
    // Whoever follows is the next that may: the damaged one is not elected, whoever is fenced.
    cluster.fence(2);
    assertEquals(PartitionImage.NO_LEADER, cluster.partition("t").leader());
    assertEquals(List.of(2), cluster.partition("t").elr());
  }

  @Test
  void aDamagedLeaderIsFollowedByAMemberOfTheInSyncSetIfThereIsOneD9() {
    cluster.create("t", Map.of("min.insync.replicas", "3"), 1, 2, 3);
    cluster.alter("t", 1, 3);
    PartitionImage two = cluster.partition("t");
    assertEquals(List.of(2), two.elr());
    assertEquals(Kind.APPLIED, resignDamaged(1, 0, two.partitionEpoch(), 2).kind());
    assertEquals(3, cluster.partition("t").leader());
    assertEquals(List.of(1, 3), cluster.partition("t").isr(), "its own word takes it out (R5)");
    assertEquals(List.of(2), cluster.partition("t").elr());
  }

  @Test
  void membersThatCannotFollowADamagedLeaderStayEligibleD9() {
    cluster.create("t", Map.of("min.insync.replicas", "3"), 1, 2, 3);
    cluster.alter("t", 1, 3);
    cluster.stop(3);
    assertEquals(
        Kind.APPLIED, resignDamaged(1, 0, cluster.partition("t").partitionEpoch(), 2).kind());
    assertEquals(2, cluster.partition("t").leader());
    assertEquals(List.of(2), cluster.partition("t").isr());
    assertEquals(List.of(3), cluster.partition("t").elr());
  }

  @Test
  void noCopyOfADamagedLeadersRefusedResignationIsAppliedLaterR17() {
    cluster.create("t", Map.of("min.insync.replicas", "2"), 1, 2, 3);
    cluster.alter("t", 1, 2);
    cluster.fence(2);
    PartitionImage alone = cluster.partition("t");
    assertEquals(List.of(2), alone.elr());
    IsrOutcome refused = resignDamaged(1, alone.leaderEpoch(), alone.partitionEpoch(), 2);
    assertEquals(Kind.INELIGIBLE, refused.kind());
    assertEquals(alone.partitionEpoch() + 1, refused.state().partitionEpoch());
    cluster.unfence(2);
    assertEquals(
        Kind.STALE, resignDamaged(1, alone.leaderEpoch(), alone.partitionEpoch(), 2).kind());
    assertEquals(1, cluster.partition("t").leader());
  }

  private IsrOutcome resign(int leader, int leaderEpoch, int partitionEpoch, int successor) {
    return resign(leader, leaderEpoch, partitionEpoch, successor, false);
  }

  private IsrOutcome resignDamaged(int leader, int leaderEpoch, int partitionEpoch, int successor) {
    return resign(leader, leaderEpoch, partitionEpoch, successor, true);
  }

  private IsrOutcome resign(
      int leader, int leaderEpoch, int partitionEpoch, int successor, boolean damaged) {
    CommandOutcome outcome =
        cluster.apply(
            new MetadataCommand.Resign(
                1,
                leader,
                cluster.epoch(leader),
                List.of(
                    new MetadataCommand.Farewell(
                        new MetadataCommand.LeaderMove(
                            cluster.id("t"), successor, leaderEpoch, partitionEpoch),
                        damaged))));
    return ((IsrOutcomes) outcome).outcomes().get(0);
  }

  @Test
  void aTopicBeginsWithItsActiveReplicasInSyncAndTheFirstOfThemLeadsR43() {
    cluster.fence(1);
    assertEquals(new Done(), cluster.create("t", Map.of(), 1, 3, 2));
    PartitionImage made = cluster.partition("t");
    assertEquals(3, made.leader());
    assertEquals(List.of(2, 3), made.isr());
    assertEquals(List.of(1, 3, 2), made.replicas());
  }

  @Test
  void aVoterThatWasNeverSeenMayHoldAReplicaR43() {
    Cluster two = Cluster.formed(3);
    two.register(1);
    two.register(2);
    two.unfence(1);
    two.unfence(2);
    assertEquals(new Done(), two.create("t", Map.of(), 3, 1, 2));
    assertEquals("TOO_FEW_BROKERS", Cluster.reason(two.create("u", Map.of(), 1, 2, 4)));
  }

  @Test
  void aTopicNeedsMinimumInSyncReplicasFromTheStartR43() {
    cluster.fence(1);
    cluster.stop(2);
    CommandOutcome outcome = cluster.create("t", Map.of(), 1, 2, 3);
    assertEquals("NOT_ENOUGH_REPLICAS", Cluster.reason(outcome));
    assertTrue(((CommandOutcome.Rejected) outcome).error().retryAfterMs() > 0);
    assertEquals(new Done(), cluster.create("t", Map.of("min.insync.replicas", "1"), 1, 2, 3));
  }

  @Test
  void impossibleTopicsAreRefused() {
    cluster.create("t", Map.of(), 1);
    assertEquals("TOPIC_EXISTS", Cluster.reason(cluster.create("t", Map.of(), 2)));
    assertEquals("INVALID_FIELD", Cluster.reason(cluster.create("a b", Map.of(), 2)));
    assertEquals("INVALID_FIELD", Cluster.reason(cluster.create("..", Map.of(), 2)));
    assertEquals("INVALID_FIELD", Cluster.reason(cluster.create("u", Map.of(), 1, 1)));
    assertEquals("INVALID_FIELD", Cluster.reason(cluster.create("u", Map.of())));
    assertEquals(
        "INVALID_CONFIG", Cluster.reason(cluster.create("u", Map.of("durability", "x"), 1)));
    assertEquals(
        "INVALID_CONFIG",
        Cluster.reason(cluster.create("u", Map.of("min.insync.replicas", "2"), 1)));
    CommandOutcome uneven =
        cluster.apply(
            new MetadataCommand.CreateTopic(
                1, Cluster.topicId("u"), "u", new TreeMap<>(), List.of(List.of(1, 2), List.of(1))));
    assertEquals("INVALID_FIELD", Cluster.reason(uneven));
  }

  @Test
  void aDeletedTopicLeavesATombstoneUntilEveryHolderHasConfirmedM20() {
    cluster.create("t", Map.of(), 1, 2, 3);
    cluster.fence(3);
    assertEquals(
        new Done(), cluster.apply(new MetadataCommand.DeleteTopic(1, Cluster.topicId("t"))));
    assertNull(cluster.image().topic("t"));
    assertEquals(
        List.of(1, 2, 3), cluster.image().tombstones().get(Cluster.topicId("t")).pendingBrokers());
    for (int broker : List.of(2, 1, 2)) {
      confirm(broker);
    }
    assertEquals(
        List.of(3), cluster.image().tombstones().get(Cluster.topicId("t")).pendingBrokers());
    confirm(3);
    assertTrue(cluster.image().tombstones().isEmpty());
    assertEquals(
        "TOPIC_NOT_FOUND",
        Cluster.reason(cluster.apply(new MetadataCommand.DeleteTopic(1, Cluster.topicId("t")))));
  }

  private void confirm(int broker) {
    cluster.apply(
        new MetadataCommand.ConfirmDeletion(
            1, broker, cluster.epoch(broker), List.of(Cluster.topicId("t"))));
  }

  @Test
  void producerIdsAreNeverHandedOutTwiceI4() {
    assertEquals(0, Cluster.number(ids(false, 10)));
    assertEquals(10, Cluster.number(ids(false, 5)));
    assertEquals(1L << 52, Cluster.number(ids(true, 1000)));
    assertEquals((1L << 52) + 1000, Cluster.number(ids(true, 1)));
    assertEquals("INVALID_FIELD", Cluster.reason(ids(true, 0)));
  }

  private CommandOutcome ids(boolean thin, int count) {
    return cluster.apply(new MetadataCommand.AllocateProducerIds(1, thin, count));
  }

  @Test
  void aVoterIsAdmittedOnlyInPlaceOfTheDirectoryOnRecordM15M16() {
    Cluster late = new Cluster();
    late.apply(
        new MetadataCommand.FormCluster(
            1, Cluster.ID, 1, List.of(new VoterImage(1, new Endpoint("h", 1), null)), 1));
    Uid first = new Uid(1, 1);
    Uid second = new Uid(2, 2);
    assertEquals(new Done(), late.apply(new MetadataCommand.AdmitVoter(1, 1, null, first)));
    assertEquals(new Done(), late.apply(new MetadataCommand.AdmitVoter(1, 1, first, second)));
    assertEquals(
        "VOTER_NOT_READY",
        Cluster.reason(late.apply(new MetadataCommand.AdmitVoter(1, 1, null, first))));
    assertEquals(second, late.image().voters().get(1).directoryId());
    assertEquals(
        "VOTER_NOT_FOUND",
        Cluster.reason(late.apply(new MetadataCommand.AdmitVoter(1, 2, null, first))));
  }

  @Test
  void whatACommandDoesNotTouchKeepsItsReference() {
    cluster.create("a", Map.of(), 1, 2, 3);
    cluster.create("b", Map.of(), 2, 3);
    ClusterImage before = cluster.image();
    cluster.alter("a", 1, 2);
    ClusterImage after = cluster.image();
    assertSame(before.brokers(), after.brokers());
    assertSame(before.voters(), after.voters());
    assertSame(before.topicNames(), after.topicNames());
    assertSame(before.topic("b"), after.topic("b"));
    cluster.fence(1);
    assertSame(before.topic("b"), cluster.image().topic("b"));
  }

  private CommandOutcome alterConfig(
      Cluster cluster, Map<String, String> before, Map<String, String> after) {
    return cluster.apply(
        new MetadataCommand.AlterTopicConfig(
            7, Cluster.topicId("t"), new TreeMap<>(before), new TreeMap<>(after)));
  }

  @Test
  void settingsAreACompareAndSetAndDurabilityIsFixed() {
    Cluster cluster = Cluster.active(3);
    cluster.create("t", Map.of(), 1, 2, 3);
    Map<String, String> day = Map.of("retention.ms", "86400000");
    assertEquals(new Done(), alterConfig(cluster, Map.of(), day));
    assertEquals(day, cluster.image().topic("t").config());
    assertEquals(new Done(), alterConfig(cluster, Map.of(), day), "a late copy");
    assertEquals("BUSY", Cluster.reason(alterConfig(cluster, Map.of(), Map.of("segment.ms", "5"))));
    assertEquals(
        "INVALID_CONFIG",
        Cluster.reason(alterConfig(cluster, day, Map.of("durability", "replicated"))));
    assertEquals(
        "INVALID_CONFIG",
        Cluster.reason(alterConfig(cluster, day, Map.of("min.insync.replicas", "4"))));
    assertEquals(day, cluster.image().topic("t").config());
  }

  @Test
  void raisingMinIsrGivesTheLeaderANewEpoch() {
    Cluster cluster = Cluster.active(3);
    Map<String, String> one = Map.of("min.insync.replicas", "1");
    Map<String, String> two = Map.of("min.insync.replicas", "2");
    cluster.create("t", one, 1, 2, 3);
    PartitionImage before = cluster.partition("t");
    alterConfig(cluster, one, two);
    PartitionImage after = cluster.partition("t");
    assertEquals(before.leader(), after.leader());
    assertEquals(before.leaderEpoch() + 1, after.leaderEpoch());
    // A proposal of the leader that knows only the old number: refused, it may not act alone.
    assertEquals(
        Kind.FENCED,
        cluster.propose("t", 1, before.leaderEpoch(), before.partitionEpoch(), 1).kind());
  }

  @Test
  void loweringMinIsrEmptiesTheElrAtOnce() {
    Cluster cluster = Cluster.active(3);
    cluster.create("t", Map.of(), 1, 2, 3);
    cluster.fence(2);
    cluster.fence(3);
    assertEquals(List.of(3), cluster.partition("t").elr());
    int epoch = cluster.partition("t").leaderEpoch();
    alterConfig(cluster, Map.of(), Map.of("min.insync.replicas", "1"));
    // From now on broker 1 acknowledges alone: broker 3 no longer holds all that is committed.
    assertEquals(List.of(), cluster.partition("t").elr());
    assertEquals(epoch, cluster.partition("t").leaderEpoch());
  }

  @Test
  void partitionsAreAddedOnceWhoeverAsksTwice() {
    Cluster cluster = Cluster.active(3);
    cluster.create("t", Map.of(), 1, 2, 3);
    MetadataCommand two =
        new MetadataCommand.AddPartitions(
            7, Cluster.topicId("t"), 1, List.of(List.of(2, 3, 1), List.of(3, 1, 2)));
    assertEquals(new Done(), cluster.apply(two));
    assertEquals(new Done(), cluster.apply(two));
    TopicImage topic = cluster.image().topic("t");
    assertEquals(3, topic.partitions().size());
    assertEquals(3, topic.partitions().get(2).leader());
    assertEquals(
        "BUSY",
        Cluster.reason(
            cluster.apply(
                new MetadataCommand.AddPartitions(
                    7, Cluster.topicId("t"), 2, List.of(List.of(1, 2, 3), List.of(1, 2, 3))))));
    assertEquals(
        "INVALID_FIELD",
        Cluster.reason(
            cluster.apply(
                new MetadataCommand.AddPartitions(
                    7, Cluster.topicId("t"), 3, List.of(List.of(1, 2))))));
    cluster.fence(2);
    cluster.fence(3);
    assertEquals(
        "NOT_ENOUGH_REPLICAS",
        Cluster.reason(
            cluster.apply(
                new MetadataCommand.AddPartitions(
                    7, Cluster.topicId("t"), 3, List.of(List.of(1, 2, 3))))));
  }
}
