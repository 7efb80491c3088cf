package io.kontiki.replication;

import static io.kontiki.replication.LeaderContext.members;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.replication.Resignation.Cause;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rule R38 as the leader keeps it: who leaves, and when it goes itself. */
class SlowMembersTest {
  private final LeaderContext t = new LeaderContext(List.of(1, 2, 3), 10, 10, 10);

  @Test
  void silenceIsJudgedAtTheMomentAndNotAtTheNextTick() {
    long two = t.follow(2, 10);
    t.follow(3, 10);
    t.passMs(100);
    t.append(20);
    assertEquals(t.now + 2_000 * LeaderContext.MS, t.leader.nextJudgementNanos());
    t.ack(2, two, 20);
    t.passMs(1_999);
    assertFalse(t.proposes());
    t.passMs(1);
    assertEquals(List.of(1, 2), members(t.takeProposal()));
  }

  @Test
  void aLeaderWhoseSyncIsOutstandingForFiveSecondsResigns() {
    long two = t.follow(2, 10);
    long three = t.follow(3, 10);
    t.write(20);
    t.ack(2, two, 20);
    t.ack(3, three, 20);
    t.passMs(4_999);
    assertTrue(t.leader.resignation().isEmpty());
    t.passMs(1);
    assertEquals(
        new Resignation(LeaderContext.ID, 7, 20, 2, Cause.SYNC_STUCK), t.takeResignation());
    assertTrue(t.leader.resignation().isEmpty(), "once");
    assertEquals(List.of(1, 2, 3), t.leader.isr());
  }

  @Test
  void aSlowDiskThatMovesIsNotStuck() {
    long two = t.follow(2, 10);
    long three = t.follow(3, 10);
    for (long end = 11; end < 30; end++) {
      t.write(end + 1);
      t.ack(2, two, end + 1);
      t.ack(3, three, end + 1);
      t.passMs(3_000);
      t.leader.onHeld(end, t.now);
      assertTrue(t.leader.resignation().isEmpty(), "at " + end);
    }
  }

  @Test
  void theSuccessorIsTheMemberThatOwesNothing() {
    long three = t.follow(3, 10);
    t.follow(2, 10);
    t.write(20);
    t.ack(3, three, 20);
    t.passMs(2_000);
    // The metadata leader says each time that another change came between.
    for (int epoch = 21; epoch < 40; epoch++) {
      IsrProposal shrink = t.takeProposal();
      t.leader.onOutcome(shrink, new IsrOutcome.Stale(t.state(epoch, 1, 2, 3)), t.now);
      t.passMs(250);
      var resignation = t.leader.resignation();
      if (resignation.isPresent()) {
        assertEquals(3, resignation.get().successor());
        assertEquals(Cause.SYNC_STUCK, resignation.get().cause());
        return;
      }
    }
    throw new AssertionError("does not resign");
  }

  @Test
  void whoWouldBeLeftWithTooFewResignsAndDoesNotShrink() {
    t.follow(2, 10);
    t.follow(3, 10);
    t.append(20);
    t.passMs(2_000);
    Resignation resignation = t.takeResignation();
    assertEquals(Cause.FOLLOWERS_SILENT, resignation.cause());
    assertEquals(2, resignation.successor());
    assertFalse(t.proposes());
    t.leader.onOutcome(
        resignation, new IsrOutcome.Applied(new IsrState(2, 8, 21, List.of(1, 2, 3))), t.now);
    t.passMs(3_000);
    assertFalse(t.proposes(), "another leads: only the image has to say so");
    assertTrue(t.leader.resignation().isEmpty());
  }

  @Test
  void whoTookOverFromALeaderThatIsStillInSyncShrinksForTenSeconds() {
    LeaderContext next = new LeaderContext(List.of(1, 2, 3), 10, 10, 4, true);
    next.passMs(1_999);
    assertFalse(next.proposes());
    next.passMs(1);
    assertEquals(List.of(1), members(next.takeProposal()), "bytes were outstanding from the start");
    assertTrue(next.leader.resignation().isEmpty());
  }

  @Test
  void tenSecondsAfterTheHandOverItResignsAgain() {
    LeaderContext next = new LeaderContext(List.of(1, 2, 3), 10, 10, 10, true);
    next.follow(2, 10);
    next.follow(3, 10);
    next.passMs(8_001);
    next.append(20);
    next.passMs(2_000);
    assertFalse(next.proposes());
    assertEquals(Cause.FOLLOWERS_SILENT, next.takeResignation().cause());
  }

  @Test
  void withoutASuccessorItShrinks() {
    t.fenced.put(2, true);
    t.fenced.put(3, true);
    t.append(20);
    t.passMs(2_000);
    assertTrue(t.leader.resignation().isEmpty());
    assertEquals(List.of(1), members(t.takeProposal()));
  }

  @Test
  void anUnknownOutcomeOfAResignationIsJudgedAnewAfterAPause() {
    long two = t.follow(2, 10);
    long three = t.follow(3, 10);
    t.append(20);
    t.passMs(2_000);
    Resignation first = t.takeResignation();
    t.leader.onOutcome(first, new IsrOutcome.Unknown(), t.now);
    t.passMs(150);
    assertTrue(t.leader.resignation().isEmpty());
    t.passMs(250);
    assertEquals(first, t.takeResignation());
    t.leader.onOutcome(first, new IsrOutcome.Unknown(), t.now);
    t.ack(2, two, 20);
    t.ack(3, three, 20);
    t.passMs(1_000);
    assertTrue(t.leader.resignation().isEmpty(), "its followers are back");
    assertFalse(t.proposes());
  }

  @Test
  void aStaleResignationIsJudgedInTheNewerStateR17() {
    t.follow(2, 10);
    t.follow(3, 10);
    t.append(20);
    t.passMs(2_000);
    Resignation first = t.takeResignation();
    t.leader.onOutcome(first, new IsrOutcome.Stale(t.state(21, 1, 2, 3)), t.now);
    t.passMs(250);
    assertEquals(21, t.takeResignation().partitionEpoch());
  }

  @Test
  void aRefusedResignationIsNotRepeatedAtOnce() {
    t.follow(2, 10);
    t.follow(3, 10);
    t.append(20);
    t.passMs(2_000);
    Resignation first = t.takeResignation();
    t.leader.onOutcome(first, new IsrOutcome.Rejected(t.state(20, 1, 2, 3)), t.now);
    t.passMs(400);
    assertTrue(t.leader.resignation().isEmpty());
    t.passMs(350);
    assertTrue(t.leader.resignation().isPresent());
  }

  @Test
  void aLeaderThatStoodStillBlamesNobody() {
    long two = t.follow(2, 10);
    long three = t.follow(3, 10);
    t.write(20);
    t.passMs(500);
    t.now += 30_000 * LeaderContext.MS;
    t.leader.onJudgement(t.now);
    assertTrue(t.leader.nextJudgementNanos() > t.now, "no judgement is asked for in the past");
    t.leader.tick(t.now);
    assertFalse(t.proposes());
    assertTrue(t.leader.resignation().isEmpty());
    // What came in while it stood still is heard now.
    t.ack(2, two, 20);
    t.ack(3, three, 20);
    t.leader.onHeld(20, t.now);
    t.passMs(5_000);
    assertFalse(t.proposes());
    assertTrue(t.leader.resignation().isEmpty());
    t.append(30);
    t.ack(2, two, 30);
    t.passMs(2_000);
    assertEquals(List.of(1, 2), members(t.takeProposal()), "from then on it judges as before");
  }

  @Test
  void aDiskThatIsAlwaysSlowCostsFewEntriesR38() {
    long two = t.follow(2, 10);
    long three = t.follow(3, 10);
    long end = 10;
    int entries = 0;
    int partitionEpoch = 20;
    // Broker 3 acknowledges everything every three seconds; ten minutes of steady writes.
    for (int quarter = 0; quarter < 4 * 600; quarter++) {
      end += 5;
      t.append(end);
      t.ack(2, two, end);
      if (quarter % 12 == 0) {
        t.ack(3, three, end);
      }
      t.passMs(250);
      var proposal = t.leader.proposal();
      if (proposal.isPresent()) {
        entries++;
        t.leader.adopt(new IsrState(1, 7, ++partitionEpoch, members(proposal.get())), t.now);
      }
      assertTrue(t.leader.resignation().isEmpty());
    }
    assertTrue(entries <= 40, entries + " entries in ten minutes");
  }
}
