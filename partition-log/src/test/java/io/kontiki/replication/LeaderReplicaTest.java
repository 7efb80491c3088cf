package io.kontiki.replication;

import static io.kontiki.replication.LeaderContext.members;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.replication.LeaderReplica.AckOutcome;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.SubscribeAnswer.Refusal;
import java.util.List;
import org.junit.jupiter.api.Test;

class LeaderReplicaTest {
  private final LeaderContext t = new LeaderContext(List.of(1, 2, 3), 10, 10, 4);

  @Test
  void theHighWatermarkIsTheSmallestHeldEndOfTheInSyncSetR9() {
    t.append(20);
    t.follow(2, 10);
    assertEquals(4, t.leader.highWatermark(), "broker 3 has not said anything in this epoch (R11)");
    long three = t.follow(3, 8);
    assertEquals(8, t.leader.highWatermark());
    t.ack(3, three, 15);
    assertEquals(10, t.leader.highWatermark());
  }

  @Test
  void theLeaderCountsItselfOnlyAsFarAsItHoldsR36() {
    t.write(20);
    long two = t.follow(2, 10);
    long three = t.follow(3, 10);
    t.ack(2, two, 20);
    t.ack(3, three, 20);
    assertEquals(10, t.leader.highWatermark());
    t.leader.onHeld(17, t.now);
    assertEquals(17, t.leader.highWatermark());
  }

  @Test
  void theHighWatermarkStandsStillBelowMinIsrR10() {
    LeaderContext alone = new LeaderContext(List.of(1), 10, 10, 4);
    alone.append(30);
    assertEquals(4, alone.leader.highWatermark());
    assertFalse(alone.leader.enoughInSync());
    alone.leader.onMetadata(alone, List.of(1, 2, 3), 1, alone.now);
    assertEquals(30, alone.leader.highWatermark());
  }

  @Test
  void theTrueHighWatermarkIsKnownFromTheEpochStartOnR22() {
    t.follow(2, 9);
    t.follow(3, 9);
    assertFalse(t.leader.knowsTrueHighWatermark());
    t.follow(2, 10);
    t.follow(3, 10);
    assertTrue(t.leader.knowsTrueHighWatermark());
  }

  @Test
  void aReplicaJoinsOnlyAtTheEpochStartAndTheHighWatermarkR12() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 4);
    long three = two.follow(3, 9);
    assertFalse(two.proposes(), "9 is at the high watermark 4 but below the epoch start 10 (LESO)");
    two.append(20);
    two.follow(2, 20);
    assertEquals(20, two.leader.highWatermark());
    two.ack(3, three, 19);
    assertFalse(two.proposes(), "19 is behind the epoch start but below the high watermark 20");
    two.ack(3, three, 20);
    IsrProposal proposal = two.takeProposal();
    assertEquals(
        List.of(new IsrMember(1, 101), new IsrMember(2, 102), new IsrMember(3, 103)),
        proposal.isr());
    assertEquals(20, proposal.partitionEpoch());
    assertEquals(7, proposal.leaderEpoch());
  }

  @Test
  void aJoinerCountsForTheHighWatermarkFromTheProposalOnR9() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 4);
    long b = two.follow(2, 10);
    two.follow(3, 10);
    assertTrue(two.proposes());
    two.append(20);
    two.ack(2, b, 20);
    assertEquals(10, two.leader.highWatermark(), "the maximal ISR holds broker 3 at 10");
  }

  @Test
  void aFencedOrOlderIncarnationIsNotProposedR13() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 10);
    two.fenced.put(3, true);
    two.follow(3, 10);
    assertFalse(two.proposes());
    two.fenced.put(3, false);
    two.leader.onMetadata(two, List.of(1, 2, 3), 2, two.now);
    assertTrue(two.proposes());
  }

  @Test
  void oneProposalIsInFlightAndAnUnknownOutcomeRepeatsTheSameR14R15() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 10);
    long b = two.follow(2, 10);
    two.follow(3, 10);
    IsrProposal first = two.takeProposal();
    two.leader.onOutcome(first, new IsrOutcome.Unknown(), two.now);
    two.append(20);
    two.ack(2, b, 20);
    assertEquals(10, two.leader.highWatermark(), "an unknown outcome rolls nothing back");
    // The joiner restarts in between: the copy still names the incarnation that was meant.
    two.brokerEpochs.put(3, 203L);
    two.passMs(250);
    assertEquals(first, two.takeProposal());
    assertFalse(two.proposes());
  }

  @Test
  void onlyAStrictlyNewerStateIsTakenR16() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 10);
    long b = two.follow(2, 10);
    two.follow(3, 10);
    assertTrue(two.proposes());
    assertFalse(two.leader.adopt(two.state(20, 1, 2), two.now), "known already");
    assertFalse(two.leader.adopt(two.state(19, 1, 2), two.now), "older");
    two.append(20);
    two.ack(2, b, 20);
    assertEquals(10, two.leader.highWatermark(), "the proposal in flight still counts");
    assertTrue(two.leader.adopt(two.state(21, 1, 2), two.now));
    assertEquals(20, two.leader.highWatermark());
  }

  @Test
  void anAppliedProposalIsTheNewSetAndALateAnswerIsIgnored() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 10);
    two.follow(2, 10);
    two.follow(3, 10);
    IsrProposal proposal = two.takeProposal();
    two.leader.onOutcome(proposal, new IsrOutcome.Applied(two.state(21, 1, 2, 3)), two.now);
    assertEquals(List.of(1, 2, 3), two.leader.isr());
    two.leader.onOutcome(proposal, new IsrOutcome.Stale(two.state(21, 1, 2)), two.now);
    assertEquals(List.of(1, 2, 3), two.leader.isr());
    assertEquals(21, two.leader.partitionEpoch());
  }

  @Test
  void aDefiniteRejectionRollsBackToItsNewStateR17() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 10);
    long b = two.follow(2, 10);
    two.follow(3, 10);
    IsrProposal proposal = two.takeProposal();
    two.append(20);
    two.ack(2, b, 20);
    two.leader.onOutcome(proposal, new IsrOutcome.Rejected(two.state(21, 1, 2)), two.now);
    assertEquals(20, two.leader.highWatermark());
    two.follow(3, 20);
    assertFalse(two.proposes(), "a pause, so that a refusal is not repeated at once");
    two.passMs(600);
    assertEquals(21, two.takeProposal().partitionEpoch());
  }

  @Test
  void aRejectionWithoutANewerStateKeepsTheMaximalSetR17() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 10);
    long b = two.follow(2, 10);
    two.follow(3, 10);
    IsrProposal proposal = two.takeProposal();
    two.leader.onOutcome(proposal, new IsrOutcome.Stale(two.state(20, 1, 2)), two.now);
    two.append(20);
    two.ack(2, b, 20);
    assertEquals(10, two.leader.highWatermark());
  }

  @Test
  void anotherLeaderEpochIsNotServedR25() {
    assertEquals(
        new SubscribeAnswer.Refused(1, Refusal.FENCED_LEADER_EPOCH), t.subscribe(2, 102, 6, 10, 3));
    assertEquals(
        new SubscribeAnswer.Refused(2, Refusal.UNKNOWN_LEADER_EPOCH),
        t.subscribe(2, 102, 8, 10, 3));
    assertFalse(t.leader.adopt(new IsrState(1, 8, 30, List.of(1)), t.now));
  }

  @Test
  void aDivergingLogLearnsWhereItsEpochEndsR28() {
    // The leader's history: epoch 3 from 0 to 10, epoch 7 from 10.
    assertEquals(new SubscribeAnswer.Diverging(1, 3, 10), t.subscribe(2, 12, 5));
    assertEquals(new SubscribeAnswer.Diverging(2, 3, 10), t.subscribe(2, 12, 3));
    assertEquals(new SubscribeAnswer.Diverging(3, -1, 0), t.subscribe(2, 12, 2));
    assertEquals(
        AckOutcome.DROPPED, t.ack(2, 3, 5), "nothing counts before it was validated (R26)");
    assertTrue(t.subscribe(2, 10, 3) instanceof SubscribeAnswer.Accepted);
  }

  @Test
  void anEmptyNewerEpochOfTheFollowerDivergesR29() {
    assertEquals(new SubscribeAnswer.Diverging(1, 3, 10), t.subscribe(2, 10, 5));
  }

  @Test
  void anEmptyReplicaIsAccepted() {
    assertTrue(t.subscribe(2, 0, -1) instanceof SubscribeAnswer.Accepted);
  }

  @Test
  void acknowledgementsOfAnOlderSubscriptionAreDroppedR27() {
    long old = t.follow(2, 10);
    t.follow(3, 10);
    t.append(20);
    SubscribeAnswer newer = t.subscribe(2, 10, 3);
    assertEquals(AckOutcome.DROPPED, t.ack(2, old, 20));
    assertEquals(AckOutcome.COUNTED, t.ack(2, newer.subscription(), 12));
    assertEquals(10, t.leader.highWatermark());
  }

  @Test
  void anOlderIncarnationIsRefusedR27() {
    t.brokerEpochs.put(2, 202L);
    assertEquals(new SubscribeAnswer.Refused(1, Refusal.SUPERSEDED), t.subscribe(2, 102, 7, 10, 3));
    assertTrue(t.subscribe(2, 202, 7, 10, 3) instanceof SubscribeAnswer.Accepted);
    assertEquals(new SubscribeAnswer.Refused(3, Refusal.SUPERSEDED), t.subscribe(2, 201, 7, 10, 3));
    assertEquals(AckOutcome.DROPPED, t.leader.onAck(2, 102, 2, 10, t.now));
  }

  @Test
  void anAcknowledgementBeyondTheLogIsImpossibleR26() {
    long two = t.follow(2, 10);
    assertEquals(AckOutcome.IMPOSSIBLE, t.ack(2, two, 11));
  }

  @Test
  void aFollowerBehindTheLogStartBeginsThereR32() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 8);
    two.epochs.logStart = 6;
    assertEquals(new SubscribeAnswer.Behind(1, 6), two.subscribe(3, 5, 3));
    assertEquals(
        new SubscribeAnswer.Refused(2, Refusal.INCONSISTENT),
        two.subscribe(2, 5, 3),
        "a member of the in-sync set is never told to forget its log");
    assertTrue(two.subscribe(3, 6, -1) instanceof SubscribeAnswer.Accepted);
  }

  @Test
  void aFollowerThatEndsBeforeATombstoneThatIsGoneBeginsAnewL6() {
    LeaderContext two = new LeaderContext(List.of(1, 2), 10, 10, 8);
    two.epochs.logStart = 2;
    two.forgottenBelow = 6;
    int epoch = two.epochs.epochOf(4);
    assertEquals(new SubscribeAnswer.Behind(1, 2), two.subscribe(3, 5, epoch));
    assertEquals(new SubscribeAnswer.Refused(2, Refusal.INCONSISTENT), two.subscribe(2, 5, epoch));
    assertTrue(two.subscribe(3, 2, -1) instanceof SubscribeAnswer.Accepted, "it has nothing");
    assertTrue(two.subscribe(3, 6, epoch) instanceof SubscribeAnswer.Accepted, "it has them all");
  }

  @Test
  void aSilentMemberLeavesAfterTwoSecondsR38() {
    long two = t.follow(2, 10);
    t.follow(3, 10);
    t.append(20);
    t.passMs(0);
    t.passMs(1_500);
    t.ack(2, two, 20);
    assertFalse(t.proposes());
    t.passMs(600);
    assertEquals(List.of(1, 2), members(t.takeProposal()));
    assertEquals(10, t.leader.highWatermark(), "only a committed shrink moves it (R24)");
    t.leader.adopt(t.state(21, 1, 2), t.now);
    assertEquals(20, t.leader.highWatermark());
  }

  @Test
  void aQuietPartitionKeepsItsMembersR38() {
    t.follow(2, 10);
    t.follow(3, 10);
    for (int i = 0; i < 100; i++) {
      t.passMs(250);
    }
    assertFalse(t.proposes());
  }

  @Test
  void aMemberThatNeverComesLeavesWhenRecordsWaitForItR38() {
    long two = t.follow(2, 10);
    t.append(20);
    t.ack(2, two, 20);
    t.passMs(0);
    t.passMs(2_100);
    assertEquals(List.of(1, 2), members(t.takeProposal()));
  }

  @Test
  void aMemberThatLagsTenSecondsLeavesR38() {
    long two = t.follow(2, 10);
    long three = t.follow(3, 10);
    long end = 10;
    boolean left = false;
    for (int i = 0; i < 60 && !left; i++) {
      end += 100;
      t.append(end);
      t.ack(2, two, end);
      t.ack(3, three, 10 + i);
      t.passMs(250);
      left = t.proposes();
      assertTrue(!left || i >= 38, "left after " + i * 250 + " ms");
    }
    assertTrue(left);
  }

  @Test
  void whoLeftForSlownessComesBackDampedR38() {
    t.follow(2, 10);
    long three = t.follow(3, 10);
    t.append(20);
    t.follow(2, 20);
    t.passMs(0);
    t.passMs(2_100);
    assertEquals(List.of(1, 2), members(t.takeProposal()));
    t.leader.adopt(t.state(21, 1, 2), t.now);
    t.ack(3, three, 20);
    assertFalse(t.proposes(), "caught up for an instant only");
    t.passMs(900);
    assertFalse(t.proposes());
    t.passMs(200);
    assertEquals(List.of(1, 2, 3), members(t.takeProposal()));
  }

  @Test
  void allMembersSubscribedTellsWhoCouldAnswerR5() {
    assertFalse(t.leader.allMembersSubscribed());
    t.follow(2, 10);
    long three = t.follow(3, 10);
    assertTrue(t.leader.allMembersSubscribed());
    t.leader.onSubscriptionEnded(3, 103, three);
    assertFalse(t.leader.allMembersSubscribed());
  }

  @Test
  void aDuplicateSubscribeOfAnOlderStreamIsRefusedR27() {
    t.follow(2, 10);
    SubscribeRequest late = new SubscribeRequest(1, LeaderContext.ID, 7, 10, 3);
    t.leader.subscribe(2, 102, late, t.epochs, 0, 0, t.now);
    assertEquals(
        new SubscribeAnswer.Refused(1, Refusal.SUPERSEDED),
        t.leader.subscribe(2, 102, late, t.epochs, 0, 0, t.now));
  }
}
