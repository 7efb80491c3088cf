package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.session.BrokerAction.CloseSession;
import io.kontiki.broker.session.BrokerAction.FinishedStop;
import io.kontiki.broker.session.BrokerAction.LeaseLost;
import io.kontiki.broker.session.BrokerAction.LeaseRenewed;
import io.kontiki.broker.session.BrokerAction.OpenSession;
import io.kontiki.broker.session.BrokerAction.Refused;
import io.kontiki.broker.session.BrokerAction.Registered;
import io.kontiki.broker.session.BrokerAction.SendHeartbeat;
import io.kontiki.broker.session.BrokerAction.SendRegister;
import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BrokerSessionTest {
  private static final long MS = 1_000_000;
  static final SessionTiming TIMING =
      new SessionTiming(
          200 * MS, 1500 * MS, 1200 * MS, 100 * MS, 600 * MS, 100 * MS, 10_000 * MS, 1000 * MS);

  private final BrokerSession session = new BrokerSession(TIMING, List.of(1, 2, 3));
  private final List<BrokerAction> log = new ArrayList<>();
  // Nanoseconds may be negative.
  private long nowMs = -5_000_000;
  private long wallMs = 1000;
  private boolean someStopping;

  private Now now() {
    return new Now(nowMs * MS, wallMs);
  }

  private List<BrokerAction> note(List<BrokerAction> actions) {
    log.addAll(actions);
    return actions;
  }

  private List<BrokerAction> pass(long ms) {
    List<BrokerAction> all = new ArrayList<>();
    for (long end = nowMs + ms; nowMs < end; ) {
      nowMs += 20;
      wallMs += 20;
      all.addAll(session.onTick(now()));
    }
    log.addAll(all);
    return all;
  }

  private <T> List<T> only(Class<T> type) {
    return log.stream().filter(type::isInstance).map(type::cast).toList();
  }

  private <T> T last(Class<T> type) {
    List<T> all = only(type);
    assertFalse(all.isEmpty(), () -> "no " + type.getSimpleName() + " in " + log);
    return all.get(all.size() - 1);
  }

  private long stream() {
    return last(OpenSession.class).stream();
  }

  private void answer(boolean unfenced, long othersApplied) {
    note(
        session.onAnswer(
            stream(),
            last(SendHeartbeat.class).heartbeat().sequence(),
            unfenced,
            othersApplied,
            now()));
  }

  private void image(long index, long epoch, State state) {
    note(
        session.onImage(
            new BrokerFacts(index, epoch, state, someStopping, List.of(1, 2, 3)), now()));
  }

  /** Registered with epoch 10, recovered, unfenced, with a lease. */
  private void running() {
    pass(20);
    note(session.onRegistered(10, now()));
    image(10, 10, State.FENCED);
    note(session.onRecovered(List.of(), now()));
    image(12, 10, State.ACTIVE);
    answer(true, 12);
  }

  @Test
  void aBrokerRegistersFirstAndThenOpensItsSessionAtOnceR1() {
    assertEquals(List.of(new SendRegister()), pass(20));
    assertEquals(List.of(), pass(400));
    List<BrokerAction> actions = note(session.onRegistered(10, now()));
    assertEquals(new Registered(10), actions.get(0));
    assertEquals(new OpenSession(1, 1, 10), actions.get(1));
    Heartbeat first = ((SendHeartbeat) actions.get(2)).heartbeat();
    assertEquals(new Heartbeat(1, 0, false, false, false, List.of()), first);
  }

  @Test
  void aRegistrationWithUnknownOutcomeIsRepeatedOrFoundInTheImageM3() {
    pass(20);
    note(session.onRegisterFailed(now()));
    assertEquals(List.of(), pass(80));
    assertEquals(List.of(new SendRegister()), pass(20));
    image(11, 11, State.FENCED);
    assertEquals(11, session.epoch());
    assertEquals(1, only(OpenSession.class).size());
  }

  @Test
  void aRegistrationThatCannotSucceedEndsTheProcessAndANodeIdInUseIsTriedAgainR35() {
    pass(20);
    note(
        session.onRegisterRefused(
            ApiError.retriable(ErrorReason.BROKER_ALIVE, "in use", 500), now()));
    assertEquals(List.of(), pass(480));
    assertEquals(List.of(new SendRegister()), pass(20));
    ApiError foreign = ApiError.definite(ErrorReason.INVALID_FIELD, "another cluster");
    assertEquals(List.of(new Refused(foreign)), note(session.onRegisterRefused(foreign, now())));
    assertEquals(List.of(), pass(3000));
  }

  @Test
  void itIsReadyOnlyWithItsOwnRegistrationAppliedAndItsLogsRecoveredR1() {
    pass(20);
    note(session.onRegistered(10, now()));
    List<PartitionId> doubtful = List.of(new PartitionId(new TopicId(1, 1), 0));
    note(session.onRecovered(doubtful, now()));
    image(9, -1, State.FENCED);
    pass(200);
    assertFalse(last(SendHeartbeat.class).heartbeat().ready());
    image(10, 10, State.FENCED);
    Heartbeat ready = last(SendHeartbeat.class).heartbeat();
    assertTrue(ready.ready());
    assertEquals(10, ready.appliedIndex());
    assertEquals(doubtful, ready.doubtful());
    image(11, 10, State.ACTIVE);
    pass(200);
    assertEquals(List.of(), last(SendHeartbeat.class).heartbeat().doubtful());
  }

  @Test
  void heartbeatsGoOutEvery200MsR4() {
    running();
    int before = only(SendHeartbeat.class).size();
    for (int i = 0; i < 10; i++) {
      pass(200);
      answer(true, 12);
    }
    assertEquals(before + 10, only(SendHeartbeat.class).size());
    assertEquals(List.of(), only(CloseSession.class));
  }

  @Test
  void theLeaseRunsFromTheSendTimeOfTheAnsweredHeartbeatR5() {
    running();
    pass(200);
    long sent = nowMs;
    pass(100);
    answer(true, 12);
    Lease lease = last(LeaseRenewed.class).lease();
    assertEquals(sent * MS, lease.sentNanos());
    assertTrue(lease.held((sent + 1199) * MS, wallMs));
    assertFalse(lease.held((sent + 1200) * MS, wallMs));
    pass(1080);
    assertEquals(List.of(), only(LeaseLost.class));
    pass(20);
    assertEquals(1, only(LeaseLost.class).size());
  }

  @Test
  void theWallClockMayOnlyShortenALeaseR5() {
    running();
    Lease lease = last(LeaseRenewed.class).lease();
    assertFalse(lease.held(lease.sentNanos(), lease.sentWallMs() + 1200));
    assertTrue(lease.held(lease.sentNanos(), lease.sentWallMs() - 3_600_000));
    assertFalse(lease.held(lease.sentNanos() + 1200 * MS, lease.sentWallMs() - 3_600_000));
    assertFalse(Lease.NONE.held(-1, -1));
  }

  @Test
  void anAnswerToAFencedBrokerGivesNoLeaseAndAFenceInTheImageEndsOneR5() {
    running();
    assertEquals(1, only(LeaseRenewed.class).size());
    pass(200);
    answer(false, 12);
    assertEquals(1, only(LeaseRenewed.class).size());
    image(13, 10, State.FENCED);
    assertEquals(1, only(LeaseLost.class).size());
  }

  @Test
  void answersAndRedirectsOfAnOlderStreamAreIgnored() {
    running();
    long old = stream();
    note(session.onBroken(old, now()));
    pass(200);
    long open = stream();
    assertTrue(open > old);
    int renewed = only(LeaseRenewed.class).size();
    note(session.onAnswer(old, 99, true, 99, now()));
    note(session.onRedirect(old, 3, now()));
    note(session.onUnknown(old, now()));
    note(session.onBroken(old, now()));
    assertEquals(renewed, only(LeaseRenewed.class).size());
    assertEquals(open, stream());
  }

  @Test
  void aBrokenStreamIsOpenedAtTheNextVoterAtOnce() {
    running();
    pass(400);
    note(session.onBroken(stream(), now()));
    assertEquals(2, last(OpenSession.class).voterId());
    assertEquals(1, last(SendHeartbeat.class).heartbeat().sequence());
  }

  @Test
  void aRedirectIsFollowedAtOnceButTwoThatPointAtEachOtherDoNotSpin() {
    running();
    pass(400);
    note(session.onRedirect(stream(), 3, now()));
    assertEquals(3, last(OpenSession.class).voterId());
    int before = only(OpenSession.class).size();
    for (int i = 0; i < 50; i++) {
      note(session.onRedirect(stream(), last(OpenSession.class).voterId() == 3 ? 2 : 3, now()));
      pass(20);
    }
    int opened = only(OpenSession.class).size() - before;
    assertTrue(opened <= 20 && opened >= 8, () -> opened + " in a second");
  }

  @Test
  void aLeaderThatDoesNotAnswerIsLeftForAnotherVoterM14() {
    running();
    pass(200);
    answer(true, 12);
    pass(580);
    assertEquals(List.of(), only(CloseSession.class));
    pass(20);
    assertEquals(1, only(CloseSession.class).size());
    assertEquals(2, last(OpenSession.class).voterId());
  }

  @Test
  void aHintAboutTheLeaderMovesTheSession() {
    running();
    note(session.onLeaderHint(1, now()));
    note(session.onLeaderHint(-1, now()));
    assertEquals(1, only(OpenSession.class).size());
    note(session.onLeaderHint(3, now()));
    assertEquals(3, last(OpenSession.class).voterId());
  }

  @Test
  void anUnknownEpochMeansRegisteringAgainAndAnOldImageDoesNotBringItBack() {
    running();
    note(session.onUnknown(stream(), now()));
    assertEquals(-1, session.epoch());
    assertEquals(1, only(LeaseLost.class).size());
    image(13, 10, State.ACTIVE);
    assertEquals(-1, session.epoch());
    assertEquals(List.of(new SendRegister()), pass(20));
    note(session.onRegistered(20, now()));
    pass(100);
    assertEquals(20, last(OpenSession.class).brokerEpoch());
    assertFalse(last(SendHeartbeat.class).heartbeat().ready());
  }

  @Test
  void aControlledStopHandsOverThenIsFencedThenEndsR7() {
    running();
    note(session.onStopRequested(now()));
    assertTrue(last(SendHeartbeat.class).heartbeat().stopping());
    assertFalse(last(SendHeartbeat.class).heartbeat().ready());
    image(20, 10, State.STOPPING);
    pass(200);
    answer(true, 19);
    pass(200);
    assertFalse(last(SendHeartbeat.class).heartbeat().fenceMe());
    answer(true, 20);
    assertTrue(last(SendHeartbeat.class).heartbeat().fenceMe());
    assertEquals(List.of(), only(FinishedStop.class));
    image(22, 10, State.FENCED);
    assertEquals(new FinishedStop(true, "fenced"), last(FinishedStop.class));
    assertEquals(1, only(CloseSession.class).size());
    assertEquals(List.of(), pass(5000));
  }

  @Test
  void aStopWithoutAMetadataLeaderEndsAfterASecondR7() {
    running();
    note(session.onStopRequested(now()));
    pass(980);
    assertEquals(List.of(), only(FinishedStop.class));
    pass(20);
    assertFalse(last(FinishedStop.class).fenced());
  }

  @Test
  void aStopEndsAfterTenSecondsWhateverOthersDoR7() {
    running();
    note(session.onStopRequested(now()));
    image(20, 10, State.STOPPING);
    for (int i = 0; i < 49; i++) {
      pass(200);
      answer(true, 19);
    }
    assertEquals(List.of(), only(FinishedStop.class));
    pass(200);
    assertFalse(last(FinishedStop.class).fenced());
  }

  @Test
  void aBrokerThatWasNeverUnfencedStopsAtOnce() {
    pass(20);
    assertEquals(List.of(new FinishedStop(false, "fenced")), note(session.onStopRequested(now())));
  }

  @Test
  void aBrokerWhoseLogDirectoryIsOfflineAsksToBeFencedAndStaysUpL4() {
    running();
    note(session.onUnhealthy(now()));
    Heartbeat heartbeat = last(SendHeartbeat.class).heartbeat();
    assertTrue(heartbeat.fenceMe());
    assertFalse(heartbeat.stopping());
    image(14, 10, State.FENCED);
    pass(200);
    assertFalse(last(SendHeartbeat.class).heartbeat().ready());
    assertEquals(List.of(), only(FinishedStop.class));
  }

  @Test
  void aBrokerWhoseLoopStandsStillAsksToBeFencedUntilItMovesAgainR38() {
    running();
    note(session.onStalled(true, now()));
    assertEquals(1, only(LeaseLost.class).size());
    assertTrue(last(SendHeartbeat.class).heartbeat().fenceMe());
    int sent = only(SendHeartbeat.class).size();
    note(session.onStalled(true, now()));
    assertEquals(sent, only(SendHeartbeat.class).size(), "said once");
    image(14, 10, State.FENCED);
    pass(200);
    assertFalse(last(SendHeartbeat.class).heartbeat().ready());
    note(session.onStalled(false, now()));
    assertTrue(last(SendHeartbeat.class).heartbeat().ready());
    assertFalse(last(SendHeartbeat.class).heartbeat().fenceMe());
  }

  @Test
  void anImageCountsAsAppliedWhenTheRolesOfPartitionsHaveFollowedItR5R7() {
    running();
    note(session.onRoles(12, now()));
    image(20, 10, State.ACTIVE);
    pass(200);
    assertEquals(12, last(SendHeartbeat.class).heartbeat().appliedIndex());
    note(session.onRoles(Long.MAX_VALUE, now()));
    int sent = only(SendHeartbeat.class).size();
    pass(200);
    assertEquals(sent + 1, only(SendHeartbeat.class).size(), "nobody waits for it");
    assertEquals(20, last(SendHeartbeat.class).heartbeat().appliedIndex());
    someStopping = true;
    note(session.onRoles(20, now()));
    image(21, 10, State.ACTIVE);
    assertEquals(20, last(SendHeartbeat.class).heartbeat().appliedIndex());
    note(session.onRoles(Long.MAX_VALUE, now()));
    assertEquals(sent + 2, only(SendHeartbeat.class).size(), "said at once: a broker waits (R7)");
    assertEquals(21, last(SendHeartbeat.class).heartbeat().appliedIndex());
  }
}
