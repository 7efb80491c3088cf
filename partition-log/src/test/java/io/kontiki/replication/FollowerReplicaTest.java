package io.kontiki.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.SubscribeAnswer.Refusal;
import org.junit.jupiter.api.Test;

class FollowerReplicaTest {
  /** Epoch 3 from 0 to 10, epoch 5 from 10 to 14, epoch 6 at 14 without a record. */
  private final TestEpochs epochs = new TestEpochs(0, 14).epoch(3, 0).epoch(5, 10).epoch(6, 14);

  private final FollowerReplica follower = new FollowerReplica(LeaderContext.ID, 1, 7, 8);

  private SubscribeRequest subscribe(long id) {
    return follower.subscribe(id, epochs.logEnd, epochs.latest());
  }

  private FollowerStep answer(SubscribeAnswer answer) {
    return follower.onAnswer(answer, epochs, epochs.logStart);
  }

  @Test
  void itAsksFromItsLogEndWithTheNewestEpochEvenAnEmptyOneR29() {
    assertEquals(new SubscribeRequest(40, LeaderContext.ID, 7, 14, 6), subscribe(40));
  }

  @Test
  void noDataBeforeAcceptR44() {
    subscribe(40);
    assertFalse(follower.accepts(40));
    answer(new SubscribeAnswer.Accepted(40, 12, 0));
    assertTrue(follower.accepts(40));
    assertFalse(follower.accepts(39));
  }

  @Test
  void itCutsToTheSmallerEndOfTheEpochR28() {
    subscribe(40);
    assertEquals(new FollowerStep.TruncateTo(12), answer(new SubscribeAnswer.Diverging(40, 5, 12)));
  }

  @Test
  void itCutsToItsOwnEndOfTheEpochWhenTheLeaderHasMoreR28() {
    subscribe(40);
    assertEquals(new FollowerStep.TruncateTo(10), answer(new SubscribeAnswer.Diverging(40, 4, 12)));
  }

  @Test
  void aCutAtTheLogEndDropsTheEmptyEpochSoTheNextAskDiffersR29() {
    subscribe(40);
    assertEquals(new FollowerStep.TruncateTo(14), answer(new SubscribeAnswer.Diverging(40, 5, 20)));
    epochs.truncateTo(14);
    follower.onCut(14);
    follower.onCutDurable();
    assertEquals(5, subscribe(41).lastEpoch());
  }

  @Test
  void itNeverCutsToTheHighWatermark() {
    subscribe(40);
    answer(new SubscribeAnswer.Diverging(40, 3, 6));
    epochs.truncateTo(6);
    follower.onCut(6);
    assertEquals(6, follower.highWatermark());
  }

  @Test
  void withoutACommonEpochItStartsAgainR28() {
    subscribe(40);
    assertEquals(new FollowerStep.RestartAt(0), answer(new SubscribeAnswer.Diverging(40, 2, 5)));
  }

  @Test
  void behindTheLeadersStartItStartsAgainThereR32() {
    subscribe(40);
    assertEquals(new FollowerStep.RestartAt(50), answer(new SubscribeAnswer.Behind(40, 50)));
  }

  @Test
  void itSubscribesOnlyWhenTheCutIsDurableD8() {
    subscribe(40);
    answer(new SubscribeAnswer.Diverging(40, 5, 12));
    assertFalse(follower.wantsSubscription());
    assertThrows(IllegalStateException.class, () -> subscribe(41));
    follower.onCutDurable();
    assertTrue(follower.wantsSubscription());
  }

  @Test
  void aRepeatedDivergingAnswerIsIgnoredR27() {
    subscribe(40);
    answer(new SubscribeAnswer.Diverging(40, 5, 12));
    follower.onCutDurable();
    subscribe(41);
    assertEquals(new FollowerStep.Nothing(), answer(new SubscribeAnswer.Diverging(40, 5, 11)));
    answer(new SubscribeAnswer.Accepted(41, 9, 0));
    assertEquals(new FollowerStep.Nothing(), answer(new SubscribeAnswer.Diverging(41, 3, 5)));
    assertTrue(follower.live());
  }

  @Test
  void itAcknowledgesWhatItHoldsOnceAndOnlyWhenAcceptedR36() {
    subscribe(40);
    assertEquals(FollowerReplica.NOTHING, follower.takeAck(14));
    answer(new SubscribeAnswer.Accepted(40, 12, 0));
    assertEquals(14, follower.takeAck(14));
    assertEquals(FollowerReplica.NOTHING, follower.takeAck(14));
    assertEquals(15, follower.takeAck(15));
    follower.end();
    assertEquals(FollowerReplica.NOTHING, follower.takeAck(16));
  }

  @Test
  void itsHighWatermarkIsCappedByItsEndAndMayGoBackR31() {
    subscribe(40);
    answer(new SubscribeAnswer.Accepted(40, 30, 0));
    follower.onData(30, 20);
    assertEquals(20, follower.highWatermark());
    follower.onData(15, 21);
    assertEquals(15, follower.highWatermark());
  }

  @Test
  void aRefusalEndsTheSubscription() {
    subscribe(40);
    answer(new SubscribeAnswer.Accepted(40, 30, 0));
    assertEquals(
        new FollowerStep.SubscribeLater(Refusal.NOT_LEADER),
        answer(new SubscribeAnswer.Refused(40, Refusal.NOT_LEADER)));
    assertFalse(follower.accepts(40));
    assertTrue(follower.wantsSubscription());
  }
}
