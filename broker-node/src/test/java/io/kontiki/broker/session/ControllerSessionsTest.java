package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.session.ControllerAction.Answer;
import io.kontiki.broker.session.ControllerAction.Close;
import io.kontiki.broker.session.ControllerAction.ConfirmLeadership;
import io.kontiki.broker.session.ControllerAction.Dial;
import io.kontiki.broker.session.ControllerAction.DialResult;
import io.kontiki.broker.session.ControllerAction.ProposalResult;
import io.kontiki.broker.session.ControllerAction.Propose;
import io.kontiki.broker.session.ControllerAction.Redirect;
import io.kontiki.broker.session.ControllerAction.Unknown;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.FenceBroker;
import io.kontiki.metadata.MetadataCommand.StopBroker;
import io.kontiki.metadata.MetadataCommand.UnfenceBroker;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ControllerSessionsTest {
  private static final long MS = 1_000_000;
  private static final long TERM = 4;

  private final ControllerSessions controller = new ControllerSessions(BrokerSessionTest.TIMING, 1);
  private final List<ControllerAction> log = new ArrayList<>();
  private ClusterImage image = ClusterImage.EMPTY;
  private long nowMs = -1_000_000;
  private long sequence;
  private boolean confirms = true;

  @BeforeEach
  void threeActiveBrokers() {
    List<VoterImage> voters = new ArrayList<>();
    for (int id = 1; id <= 3; id++) {
      voters.add(new VoterImage(id, new Endpoint("h", id), new Uid(1, id)));
    }
    apply(new MetadataCommand.FormCluster(1, new Uid(7, 7), 1, voters, 1));
    for (int id = 1; id <= 3; id++) {
      register(id);
      apply(new UnfenceBroker(1, id, epoch(id), List.of()));
    }
  }

  private void register(int id) {
    Endpoint at = new Endpoint("h" + id, 7601);
    apply(
        new MetadataCommand.RegisterBroker(
            1,
            id,
            image.clusterId(),
            new Uid(1, id),
            new Uid(2, image.index()),
            new Endpoints(at, at, at, at, null),
            -1,
            "1"));
  }

  private void apply(MetadataCommand command) {
    image = MetadataMachine.apply(image, image.index() + 1, command).image();
    note(controller.onImage(image, now()));
  }

  private long epoch(int broker) {
    return image.brokers().get(broker).epoch();
  }

  private Now now() {
    return new Now(nowMs * MS, nowMs);
  }

  private List<ControllerAction> note(List<ControllerAction> actions) {
    log.addAll(actions);
    for (ControllerAction action : actions) {
      if (action instanceof ConfirmLeadership && confirms) {
        note(controller.onConfirmed(TERM, now()));
      }
    }
    return actions;
  }

  private <T> List<T> only(Class<T> type) {
    return log.stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** The newest dial of the broker. */
  private long dial(int broker) {
    List<Dial> all = only(Dial.class).stream().filter(d -> d.brokerId() == broker).toList();
    return all.get(all.size() - 1).dial();
  }

  private List<MetadataCommand> proposed() {
    return only(Propose.class).stream().map(Propose::command).toList();
  }

  private void lead(int former) {
    note(controller.onLeaderStart(TERM, former, image, now()));
  }

  private void open(int broker) {
    note(controller.onOpen(broker * 100L, broker, epoch(broker), now()));
  }

  private void beat(int broker, boolean ready, boolean stopping, boolean fenceMe) {
    note(
        controller.onHeartbeat(
            broker * 100L,
            new Heartbeat(++sequence, image.index(), ready, stopping, fenceMe, List.of()),
            now()));
  }

  /** Time passes; the listed brokers beat every 200 ms. */
  private void pass(long ms, int... alive) {
    for (long end = nowMs + ms; nowMs < end; ) {
      nowMs += 20;
      if (Math.floorMod(nowMs, 200) == 0) {
        for (int broker : alive) {
          beat(broker, true, false, false);
        }
      }
      note(controller.onTick(now()));
    }
  }

  private void leadWithAll() {
    lead(-1);
    for (int broker = 1; broker <= 3; broker++) {
      open(broker);
      beat(broker, true, false, false);
    }
    log.clear();
  }

  @Test
  void aNodeThatDoesNotLeadRedirects() {
    open(2);
    assertEquals(List.of(new Redirect(200)), log);
    leadWithAll();
    note(controller.onLeaderStop());
    assertEquals(List.of(new Redirect(100), new Redirect(200), new Redirect(300)), log);
    log.clear();
    pass(5000, 2);
    assertEquals(List.of(), log);
  }

  @Test
  void whomAnOperatorFencesGetsNoLeaseAndIsFencedWhenTheLastOneIsOverR5() {
    leadWithAll();
    apply(new MetadataCommand.WishBroker(1, 2, BrokerImage.Wish.FENCE, 1, false));
    log.clear();
    pass(1_400, 1, 2, 3);
    assertEquals(List.of(), proposed());
    assertTrue(
        only(Answer.class).stream()
            .allMatch(answer -> answer.unfenced() == (answer.stream() != 200)),
        "answered, so that it goes on asking, but without a lease");
    assertTrue(only(Answer.class).stream().anyMatch(answer -> answer.stream() == 200));
    pass(200, 1, 2, 3);
    assertEquals(
        List.of(new FenceBroker(0, 2, epoch(2), "an operator wants it fenced")),
        proposed().stream().map(ControllerSessionsTest::timeless).toList());
  }

  @Test
  void aNewLeaderWaitsASessionBeforeItFencesForAnOperatorM5() {
    apply(new MetadataCommand.WishBroker(1, 2, BrokerImage.Wish.FENCE, 1, false));
    leadWithAll();
    pass(1_400, 1, 2, 3);
    assertEquals(List.of(), proposed());
    pass(200, 1, 2, 3);
    assertEquals(1, proposed().size());
  }

  @Test
  void whomAnOperatorFencesIsNotUnfencedUntilTheOperatorDoesIt() {
    apply(new MetadataCommand.WishBroker(1, 2, BrokerImage.Wish.FENCE, 1, false));
    apply(new FenceBroker(1, 2, epoch(2), "test"));
    leadWithAll();
    pass(1_000, 1, 2, 3);
    assertEquals(List.of(), proposed());
    apply(new MetadataCommand.WishBroker(1, 2, BrokerImage.Wish.NONE, 2, false));
    pass(400, 1, 2, 3);
    assertEquals(
        List.of(new UnfenceBroker(0, 2, epoch(2), List.of())),
        proposed().stream().limit(1).map(ControllerSessionsTest::timeless).toList());
  }

  private static MetadataCommand timeless(MetadataCommand command) {
    if (command instanceof FenceBroker fence) {
      return new FenceBroker(0, fence.brokerId(), fence.brokerEpoch(), fence.reason());
    }
    UnfenceBroker unfence = (UnfenceBroker) command;
    return new UnfenceBroker(0, unfence.brokerId(), unfence.brokerEpoch(), unfence.doubtful());
  }

  @Test
  void aHeartbeatIsAnsweredOnlyAfterARoundThatBeganAfterItsArrivalM14() {
    confirms = false;
    lead(-1);
    open(2);
    beat(2, true, false, false);
    assertEquals(1, only(ConfirmLeadership.class).size());
    long first = sequence;
    beat(2, true, false, false);
    assertEquals(List.of(), only(Answer.class));
    note(controller.onConfirmed(TERM, now()));
    assertEquals(List.of(first), only(Answer.class).stream().map(Answer::sequence).toList());
    assertTrue(only(Answer.class).get(0).unfenced());
    pass(100);
    assertEquals(2, only(ConfirmLeadership.class).size());
    note(controller.onConfirmed(-1, now()));
    assertEquals(1, only(Answer.class).size());
    pass(100);
    note(controller.onConfirmed(TERM + 1, now()));
    assertEquals(1, only(Answer.class).size());
    pass(100);
    note(controller.onConfirmed(TERM, now()));
    assertEquals(2, only(Answer.class).size());
  }

  @Test
  void oneRoundServesAllM14() {
    leadWithAll();
    pass(1000, 1, 2, 3);
    assertEquals(15, only(Answer.class).size());
    assertTrue(only(ConfirmLeadership.class).size() <= 10, only(ConfirmLeadership.class)::toString);
  }

  @Test
  void aSilentBrokerIsFencedAfterItsSessionWithTheEpochThatWasJudgedM7() {
    leadWithAll();
    pass(1480, 1, 3);
    assertEquals(List.of(), proposed());
    pass(20, 1, 3);
    assertEquals(1, proposed().size());
    FenceBroker fence = (FenceBroker) proposed().get(0);
    assertEquals(2, fence.brokerId());
    assertEquals(epoch(2), fence.brokerEpoch());
    assertEquals(TERM, only(Propose.class).get(0).term());
    pass(500, 1, 3);
    assertEquals(1, proposed().size(), "one proposal in flight per broker");
  }

  @Test
  void aNewLeaderFencesNobodyForSilenceBeforeAFullSessionM5() {
    pass(10_000);
    lead(-1);
    open(1);
    open(3);
    pass(1480, 1, 3);
    assertEquals(List.of(), proposed());
    pass(20, 1, 3);
    assertEquals(1, proposed().size());
  }

  @Test
  void aNewLeaderDialsEveryUnfencedBrokerTheFormerLeaderFirstM5() {
    lead(3);
    assertEquals(List.of(3, 2), only(Dial.class).stream().map(Dial::brokerId).toList());
    note(controller.onDialed(dial(3), DialResult.REFUSED, now()));
    assertEquals(3, ((FenceBroker) proposed().get(0)).brokerId());
    note(controller.onDialed(dial(2), DialResult.TIMEOUT, now()));
    assertEquals(1, proposed().size());
    pass(100);
    assertEquals(3, only(Dial.class).size());
  }

  @Test
  void aPausedLeaderReadsWhatIsQueuedBeforeItJudgesM6() {
    leadWithAll();
    pass(200, 1, 2, 3);
    nowMs += 30_000;
    note(controller.onTick(now()));
    assertEquals(List.of(), proposed());
    pass(400, 1, 3);
    assertEquals(List.of(), proposed());
    pass(1200, 1, 3);
    assertEquals(List.of(2), proposed().stream().map(c -> ((FenceBroker) c).brokerId()).toList());
  }

  @Test
  void aBrokenStreamAndRefusedDialsFenceAtOnceR6() {
    leadWithAll();
    note(controller.onBroken(200, now()));
    Dial dial = only(Dial.class).get(0);
    assertEquals(new Dial(dial(2), 2, image.brokers().get(2).incarnation(), at(2)), dial);
    note(controller.onDialed(dial(2), DialResult.REFUSED, now()));
    assertEquals(1, proposed().size());
  }

  private static Endpoint at(int id) {
    return new Endpoint("h" + id, 7601);
  }

  @Test
  void anotherIncarnationInItsPlaceFencesToo() {
    leadWithAll();
    note(controller.onBroken(200, now()));
    note(controller.onDialed(dial(2), DialResult.OTHER_INCARNATION, now()));
    assertEquals(1, proposed().size());
  }

  @Test
  void timeoutAndAnswerProveNothingAndTheDialIsRepeatedR6() {
    leadWithAll();
    note(controller.onBroken(200, now()));
    note(controller.onDialed(dial(2), DialResult.ANSWERED, now()));
    assertEquals(List.of(), proposed());
    pass(100, 1, 3);
    assertEquals(2, only(Dial.class).size());
    note(controller.onDialed(dial(2), DialResult.TIMEOUT, now()));
    pass(100, 1, 3);
    assertEquals(3, only(Dial.class).size());
    assertEquals(List.of(), proposed());
  }

  @Test
  void aBrokerThatIsBackBeforeTheDialEndsIsNotFenced() {
    leadWithAll();
    note(controller.onBroken(200, now()));
    note(controller.onOpen(201, 2, epoch(2), now()));
    note(controller.onDialed(dial(2), DialResult.REFUSED, now()));
    assertEquals(List.of(), proposed());
  }

  @Test
  void aDialThatBeganBeforeTheStreamWasOpenedProvesNothingAboutItsEnd() {
    lead(-1);
    long early = dial(2);
    open(2);
    note(controller.onBroken(200, now()));
    note(controller.onDialed(early, DialResult.REFUSED, now()));
    assertEquals(List.of(), proposed());
    note(controller.onDialed(dial(2), DialResult.REFUSED, now()));
    assertEquals(1, proposed().size());
  }

  @Test
  void evidenceAgainstAnOlderIncarnationHitsNobodyM7() {
    leadWithAll();
    note(controller.onBroken(200, now()));
    register(2);
    apply(new UnfenceBroker(1, 2, epoch(2), List.of()));
    note(controller.onDialed(dial(2), DialResult.REFUSED, now()));
    assertEquals(List.of(), proposed());
  }

  @Test
  void aBrokerWhoseFenceIsDecidedGetsNoAnswerUntilItsFateIsKnownR5() {
    leadWithAll();
    pass(1500, 1, 3);
    long proposal = only(Propose.class).get(0).proposal();
    log.clear();
    pass(400, 1, 2, 3);
    assertTrue(only(Answer.class).stream().noneMatch(answer -> answer.stream() == 200));
    note(controller.onProposed(proposal, ProposalResult.UNKNOWN));
    pass(200, 1, 2, 3);
    assertEquals(1, proposed().size(), "proposed again");
    assertTrue(only(Answer.class).stream().noneMatch(answer -> answer.stream() == 200));
    note(controller.onProposed(only(Propose.class).get(0).proposal(), ProposalResult.NOT_APPENDED));
    pass(200, 1, 2, 3);
    assertTrue(only(Answer.class).stream().anyMatch(answer -> answer.stream() == 200));
  }

  @Test
  void aFencedBrokerIsAnsweredAndUnfencedOnceItHasAppliedItsRegistrationR4() {
    register(2);
    leadWithAll();
    PartitionId doubtful = new PartitionId(new TopicId(1, 1), 0);
    note(
        controller.onHeartbeat(
            200, new Heartbeat(1000, epoch(2) - 1, true, false, false, List.of()), now()));
    pass(100);
    assertFalse(only(Answer.class).get(0).unfenced());
    // leadWithAll's own heartbeat has led to a proposal already.
    assertEquals(List.of(), proposed());
    note(controller.onProposed(1, ProposalResult.NOT_APPENDED));
    note(
        controller.onHeartbeat(
            200, new Heartbeat(1001, epoch(2) - 1, true, false, false, List.of(doubtful)), now()));
    assertEquals(List.of(), proposed());
    note(
        controller.onHeartbeat(
            200, new Heartbeat(1002, epoch(2), true, false, false, List.of(doubtful)), now()));
    note(
        controller.onHeartbeat(
            200, new Heartbeat(1003, epoch(2), true, false, false, List.of(doubtful)), now()));
    assertEquals(List.of(new UnfenceBroker(nowMs, 2, epoch(2), List.of(doubtful))), proposed());
  }

  @Test
  void aStopIsProposedThenTheFenceItAsksForR7() {
    leadWithAll();
    beat(2, false, true, false);
    assertEquals(List.of(new StopBroker(nowMs, 2, epoch(2))), proposed());
    note(controller.onProposed(only(Propose.class).get(0).proposal(), ProposalResult.APPLIED));
    apply(new StopBroker(nowMs, 2, epoch(2)));
    beat(2, false, true, false);
    assertEquals(1, proposed().size());
    beat(2, false, true, true);
    assertTrue(proposed().get(1) instanceof FenceBroker);
    note(controller.onProposed(only(Propose.class).get(1).proposal(), ProposalResult.APPLIED));
    apply((FenceBroker) proposed().get(1));
    note(controller.onBroken(200, now()));
    assertEquals(List.of(), only(Dial.class));
  }

  @Test
  void anAnswerTellsWhatAllOtherActiveBrokersHaveAppliedR7() {
    lead(-1);
    open(2);
    beat(2, true, false, false);
    assertEquals(0, only(Answer.class).get(0).othersApplied(), "1 and 3 have not come yet");
    open(1);
    open(3);
    beat(1, true, false, false);
    beat(3, true, false, false);
    log.clear();
    pass(200, 2);
    assertEquals(image.index(), only(Answer.class).get(0).othersApplied());
  }

  @Test
  void aSessionOfAnEpochThatIsNotRegisteredIsTurnedAway() {
    leadWithAll();
    note(controller.onOpen(201, 2, epoch(2) - 1, now()));
    note(controller.onOpen(901, 9, 5, now()));
    assertEquals(List.of(new Unknown(201, epoch(2)), new Unknown(901, 0)), log);
    register(3);
    log.clear();
    beat(3, true, false, false);
    assertEquals(List.of(new Unknown(300, epoch(3))), log);
  }

  @Test
  void aNewerStreamOfABrokerReplacesTheOlder() {
    leadWithAll();
    note(controller.onOpen(201, 2, epoch(2), now()));
    assertEquals(List.of(new Close(200)), log);
    note(controller.onBroken(200, now()));
    assertEquals(List.of(), only(Dial.class));
  }

  private void beatAt(int broker, long applied) {
    note(
        controller.onHeartbeat(
            broker * 100L,
            new Heartbeat(++sequence, applied, true, false, false, List.of()),
            now()));
    pass(100); // the next round
  }

  private boolean leaseOf(int broker) {
    List<Answer> all =
        only(Answer.class).stream().filter(answer -> answer.stream() == broker * 100L).toList();
    return all.get(all.size() - 1).unfenced();
  }

  @Test
  void theLeaseOfADeposedLeaderGrowsOnlyWhenItHasAppliedItsLossR5P7() {
    TopicId topic = new TopicId(3, 3);
    apply(
        new MetadataCommand.CreateTopic(
            1, topic, "t", new TreeMap<>(), List.of(List.of(2, 1, 3), List.of(3, 1, 2))));
    leadWithAll();
    long before = image.index();
    beatAt(2, before);
    assertTrue(leaseOf(2));
    apply(
        new MetadataCommand.MoveLeaders(
            1, List.of(new MetadataCommand.LeaderMove(new PartitionId(topic, 0), 3, 0, 0))));
    long moved = image.index();
    apply(new MetadataCommand.AllocateProducerIds(1, true, 5));
    beatAt(2, before);
    beatAt(1, before);
    beatAt(3, before);
    assertFalse(leaseOf(2), "it may still answer as the leader");
    assertTrue(leaseOf(1) && leaseOf(3), "nothing was taken from these");
    beatAt(2, moved);
    assertTrue(leaseOf(2));
  }

  @Test
  void aNewMetadataLeaderDoesNotKnowWhoWasDeposedBeforeR5() {
    lead(-1);
    long start = image.index();
    open(2);
    beatAt(2, start - 1);
    assertFalse(leaseOf(2));
    beatAt(2, start);
    assertTrue(leaseOf(2));
  }
}
