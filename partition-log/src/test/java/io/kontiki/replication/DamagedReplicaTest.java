package io.kontiki.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.replication.Resignation.Cause;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Who cannot read all of its log neither leads nor is counted on (rule D9). */
final class DamagedReplicaTest {
  private static IsrState alone(Integer... eligible) {
    return new IsrState(1, 7, 20, List.of(1), List.of(eligible));
  }

  private final LeaderContext t = new LeaderContext(alone(2), 10, 10, 10, false);

  @Test
  void aMemberOfTheInSyncSetComesFirst() {
    LeaderContext two =
        new LeaderContext(new IsrState(1, 7, 20, List.of(1, 3), List.of(2)), 10, 10, 10, false);
    two.leader.onOwnDamage(two.now);
    assertEquals(3, two.takeResignation().successor());
    assertFalse(two.leader.steppedAside(), "it is in sync: nothing is committed without it");
  }

  @Test
  void anEligibleReplicaFollowsALeaderThatIsAloneInSync() {
    assertFalse(t.leader.handsOver(t.now));
    t.leader.onOwnDamage(t.now);
    assertTrue(t.leader.handsOver(t.now));
    assertEquals(
        new Resignation(LeaderContext.ID, 7, 20, 2, Cause.LOG_DAMAGED), t.takeResignation());
    assertTrue(t.leader.steppedAside(), "what 2 commits it does not know of (R5)");
  }

  @Test
  void onlyDamageIsAReasonToLeaveTheInSyncSet() {
    t.write(11);
    t.passMs(20_000); // a sync that is stuck
    assertEquals(Optional.empty(), t.leader.resignation());
    assertFalse(t.leader.steppedAside());
  }

  @Test
  void itGoesOnAsLongAsNobodyElseMayLead() {
    t.fenced.put(2, true);
    t.leader.onOwnDamage(t.now);
    t.passMs(2_000);
    assertEquals(Optional.empty(), t.leader.resignation());
    assertFalse(t.leader.handsOver(t.now));
    assertFalse(t.leader.steppedAside());
    t.fenced.put(2, false);
    t.leader.onMetadata(t, List.of(1, 2, 3), 2, t.now);
    assertEquals(2, t.takeResignation().successor());
  }

  @Test
  void whoIsNeitherInSyncNorEligibleDoesNotFollow() {
    LeaderContext last = new LeaderContext(alone(), 10, 10, 10, false);
    last.follow(2, 5);
    last.leader.onOwnDamage(last.now);
    last.passMs(2_000);
    assertEquals(Optional.empty(), last.leader.resignation());
  }

  @Test
  void anEligibleReplicaThatIsDamagedItselfDoesNotFollow() {
    LeaderContext two = new LeaderContext(alone(2, 3), 10, 10, 10, false);
    long subscription = two.follow(2, 5);
    two.leader.onLost(2, two.epochOf(2), subscription, two.now);
    two.leader.onOwnDamage(two.now);
    assertEquals(Optional.empty(), two.leader.resignation(), "one change at a time (R14)");
    two.leader.onOutcome(
        two.takeProposal(),
        new IsrOutcome.Applied(new IsrState(1, 7, 21, List.of(1), List.of(3))),
        two.now);
    assertEquals(3, two.takeResignation().successor());
  }

  @Test
  void itSpeaksOfTheEndAgainOnlyInANewerState() {
    t.leader.onOwnDamage(t.now);
    Resignation asked = t.takeResignation();
    t.leader.onOutcome(asked, new IsrOutcome.Unknown(), t.now);
    assertTrue(t.leader.steppedAside(), "a copy of it may still be applied (M3)");
    t.fenced.put(2, true);
    t.passMs(2_000);
    assertTrue(t.leader.steppedAside());
    t.leader.adopt(new IsrState(1, 7, 21, List.of(1), List.of(2)), t.now);
    assertFalse(t.leader.steppedAside(), "the epoch of the copy has passed (M2)");
  }

  @Test
  void aDamagedFollowerIsNeitherInSyncNorEligible() {
    LeaderContext all = new LeaderContext(List.of(1, 2, 3), 10, 10, 10);
    long subscription = all.follow(2, 10);
    all.follow(3, 10);
    all.leader.onLost(2, all.epochOf(2), subscription, all.now);
    IsrProposal proposal = all.takeProposal();
    assertEquals(List.of(1, 3), LeaderContext.members(proposal));
    assertEquals(List.of(2), proposal.damaged());
    assertTrue(all.leader.countsOn(2), "until that is committed (R9)");
    all.leader.onOutcome(proposal, new IsrOutcome.Applied(all.state(21, 1, 3)), all.now);
    assertFalse(all.leader.countsOn(2));
    assertFalse(all.proposes());
  }

  @Test
  void anEligibleReplicaThatIsDamagedIsNotEligibleAnyMore() {
    long subscription = t.follow(2, 5);
    t.leader.onLost(2, t.epochOf(2), subscription, t.now);
    IsrProposal proposal = t.takeProposal();
    assertEquals(List.of(1), LeaderContext.members(proposal));
    assertEquals(List.of(2), proposal.damaged());
    assertTrue(t.leader.countsOn(2));
    t.leader.onOutcome(proposal, new IsrOutcome.Applied(t.state(21, 1)), t.now);
    assertFalse(t.leader.countsOn(2));
    t.passMs(2_000);
    assertFalse(t.proposes());
  }
}
