package io.kontiki.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.kontiki.log.LeaderEpochs;
import io.kontiki.replication.SubscribeAnswer.Accepted;
import io.kontiki.replication.SubscribeAnswer.Diverging;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * All records of an epoch were deleted at the leader, and a follower's log ends in it (D5, R28).
 */
final class ForgottenEpochsTest {
  private final LeaderContext t = new LeaderContext(List.of(1, 2), 10, 10, 10);

  private void deleteAll() {
    t.epochs.deleted(3, 10);
    t.leader.onLogStart(10);
  }

  @Test
  void aMemberOfTheInSyncSetGoesOnWhereTheLogBegins() {
    deleteAll();
    assertInstanceOf(Accepted.class, t.subscribe(2, 10, 3));
  }

  @Test
  void whatAMemberHasBeyondTheLogStartIsCutAndNothingBefore() {
    deleteAll();
    Diverging point = assertInstanceOf(Diverging.class, t.subscribe(2, 12, 3));
    FollowerReplica follower = new FollowerReplica(LeaderContext.ID, 1, 7, 10);
    follower.subscribe(point.subscription(), 12, 3);
    TestEpochs own = new TestEpochs(0, 12).epoch(3, 0);
    assertEquals(new FollowerStep.TruncateTo(10), follower.onAnswer(point, own, 0));
  }

  @Test
  void aMemberWithoutAnyRecordStaysWhereItIs() {
    t.epochs.deleted(3, 5);
    t.leader.onLogStart(5);
    assertInstanceOf(Accepted.class, t.subscribe(2, 10, LeaderEpochs.NONE));
  }

  @Test
  void whoIsNotCountedOnDropsItsLog() {
    deleteAll();
    Diverging point = assertInstanceOf(Diverging.class, t.subscribe(3, 10, 3));
    assertEquals(LeaderEpochs.NONE, point.epoch(), "it may have what was never committed");
  }
}
