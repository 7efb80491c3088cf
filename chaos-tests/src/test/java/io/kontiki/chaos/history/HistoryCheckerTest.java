package io.kontiki.chaos.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.Event.Acked;
import io.kontiki.chaos.history.Event.Asked;
import io.kontiki.chaos.history.Event.EndReached;
import io.kontiki.chaos.history.Event.Read;
import io.kontiki.chaos.history.Event.Refused;
import io.kontiki.chaos.history.Event.Sending;
import io.kontiki.chaos.history.Event.Sent;
import io.kontiki.chaos.history.Event.Unknown;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Each anomaly has a history made by hand (negative controls, docs/correctness.md 4.4), and so has
 * each circumstance in which it is none.
 */
final class HistoryCheckerTest {
  private static final Log T = new Log("t", 0);
  private static final Sending TO_LEADER = new Sending(Acks.LEADER, true, null);
  private static final Sending KEYED = new Sending(Acks.ALL, true, "k");

  @Test
  void unknownSendsMayBeThereOrNot() {
    fine(
        new Unknown("p", 0, T, "a"),
        new Unknown("p", 1, T, "b"),
        new Acked("p", 2, T, "c", 1),
        new Read("r", T, "b", 0),
        new Read("r", T, "c", 1));
  }

  @Test
  void aSendWithoutAnOutcomeIsUnknown() {
    fine(new Sent("p", 0, T, "a", Sending.DEFAULT), new Read("r", T, "a", 0));
    fine(new Sent("p", 0, T, "a", Sending.DEFAULT), new Asked("r", T, 0), end("r", 0));
  }

  @Test
  void anAckedRecordBelowWhatWasReadIsLost() {
    Event a = new Acked("p", 0, T, "a", 0);
    Event read = new Read("r", T, "b", 1);
    shows(Kind.LOST, List.of(a, read), a, new Acked("p", 1, T, "b", 1), read);
  }

  @Test
  void anAckedRecordThatWasReadOnceAndIsGoneInTheEndIsLost() {
    Event a = new Acked("p", 0, T, "a", 0);
    Event read = new Read("s", T, "b", 1);
    shows(
        Kind.LOST,
        List.of(a, read),
        a,
        new Acked("p", 1, T, "b", 1),
        new Read("r", T, "a", 0),
        new Asked("s", T, 0),
        read,
        end("s", 2));
  }

  @Test
  void anAckedRecordBehindTheFinalEndIsUnseen() {
    Event a = new Acked("p", 0, T, "a", 0);
    shows(Kind.UNSEEN, List.of(a, end("r", 0)), a, new Asked("r", T, 0), end("r", 0));
  }

  @Test
  void whatIsAcknowledgedWhileSomebodyReadsNeedNotBeSeen() {
    fine(new Asked("r", T, 0), new Acked("p", 0, T, "a", 0), end("r", 0));
  }

  @Test
  void aHistoryIsCompleteOnlyIfSomebodyAskedAfterTheLastAcknowledgement() {
    Event acked = new Acked("p", 0, T, "a", 0);
    assertThrows(IllegalArgumentException.class, () -> HistoryChecker.check(List.of(acked), true));
    assertThrows(
        IllegalArgumentException.class,
        () -> HistoryChecker.check(List.of(new Asked("r", T, 0), acked, end("r", 0)), true));
    assertEquals(
        List.of(),
        HistoryChecker.check(
            List.of(acked, new Asked("r", T, 0), new Read("r", T, "a", 0), end("r", 1)), true));
  }

  @Test
  void anEndThatNobodyAskedForIsRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> HistoryChecker.check(List.of(end("r", 0)), false));
  }

  @Test
  void aRefusedRecordThatIsReadIsAnAbortedRead() {
    Event refused = new Refused("p", 0, T, "a");
    Event read = new Read("r", T, "a", 0);
    shows(Kind.ABORTED_READ, List.of(refused, read), refused, read);
  }

  @Test
  void aRefusalSaysNothingOfAnotherTryOfTheSameRecord() {
    Event read = new Read("r", T, "a", 0);
    fine(new Unknown("p", 0, T, "a"), new Refused("p", 0, T, "a"), read);
    Event sent = new Sent("p", 0, T, "a", Sending.WITHOUT_ID);
    fine(sent, sent, new Refused("p", 0, T, "a"), read);
    shows(
        Kind.ABORTED_READ,
        List.of(new Refused("p", 0, T, "a"), read),
        sent,
        sent,
        new Refused("p", 0, T, "a"),
        new Refused("p", 0, T, "a"),
        read);
  }

  @Test
  void aRecordThatNobodySentIsAPhantom() {
    Event read = new Read("r", T, "a", 0);
    shows(Kind.PHANTOM, List.of(read), read);
    shows(Kind.PHANTOM, List.of(read), new Unknown("p", 0, new Log("t", 1), "a"), read);
    shows(Kind.PHANTOM, List.of(read), read, new Sent("p", 0, T, "a", Sending.DEFAULT));
  }

  @Test
  void twoValuesAtOneOffsetAreInconsistent() {
    Event one = new Read("r", T, "a", 0);
    Event other = new Read("s", T, "b", 0);
    shows(
        Kind.INCONSISTENT_OFFSET,
        List.of(one, other),
        new Unknown("p", 0, T, "a"),
        new Unknown("q", 0, T, "b"),
        one,
        other);
  }

  @Test
  void anAckAtAnOffsetWhereSomethingElseIsReadIsInconsistent() {
    List<Anomaly> found =
        HistoryChecker.check(
            List.of(
                new Acked("p", 0, T, "a", 0),
                new Unknown("q", 0, T, "b"),
                new Read("r", T, "b", 0),
                new Read("r", T, "a", 1)),
            false);
    assertEquals(List.of(Kind.INCONSISTENT_OFFSET, Kind.DUPLICATE), kinds(found));
  }

  @Test
  void oneValueAtTwoOffsetsIsADuplicate() {
    Event one = new Acked("p", 0, T, "a", 0);
    Event other = new Read("r", T, "a", 1);
    shows(Kind.DUPLICATE, List.of(one, other), one, other);
  }

  @Test
  void aProducerThatIsNotIdempotentMayHaveAsManyCopiesAsItTried() {
    Event sent = new Sent("p", 0, T, "a", Sending.WITHOUT_ID);
    Event unknown = new Unknown("p", 0, T, "a");
    Event one = new Read("r", T, "a", 0);
    Event two = new Read("r", T, "a", 1);
    Event three = new Read("r", T, "a", 2);
    fine(sent, unknown, sent, unknown, one, two);
    shows(Kind.DUPLICATE, List.of(one, two), sent, unknown, one, two);
    shows(Kind.DUPLICATE, List.of(one, two, three), sent, unknown, sent, unknown, one, two, three);
  }

  @Test
  void aLaterSendAtALowerOffsetIsReordered() {
    Event a = new Acked("p", 0, T, "a", 1);
    Event b = new Acked("p", 1, T, "b", 0);
    shows(Kind.REORDERED, List.of(a, b), a, b, new Read("r", T, "b", 0), new Read("r", T, "a", 1));
  }

  @Test
  void whatIsSentAfterAnAckOfSomebodyElseIsStoredBehindIt() {
    Event a = new Acked("p", 0, T, "a", 1);
    Event b = new Acked("q", 0, T, "b", 0);
    shows(
        Kind.REORDERED,
        List.of(a, b),
        new Sent("p", 0, T, "a", Sending.WITHOUT_ID),
        a,
        new Sent("q", 0, T, "b", Sending.WITHOUT_ID),
        b);
    fine(
        new Sent("p", 0, T, "a", Sending.WITHOUT_ID),
        new Sent("q", 0, T, "b", Sending.WITHOUT_ID),
        a,
        b);
  }

  @Test
  void aProducerWithoutIdKeepsNoOrderAmongSendsThatOverlap() {
    fine(
        new Sent("p", 0, T, "a", Sending.WITHOUT_ID),
        new Sent("p", 1, T, "b", Sending.WITHOUT_ID),
        new Acked("p", 1, T, "b", 0),
        new Acked("p", 0, T, "a", 1));
  }

  @Test
  void aRecordThatWasReadWithoutAnAckAndIsGoneWasNotCommitted() {
    Event read = new Read("r", T, "a", 0);
    Event end = end("s", 0);
    shows(
        Kind.SEEN_UNCOMMITTED,
        List.of(read, end),
        new Unknown("p", 0, T, "a"),
        read,
        new Asked("s", T, 0),
        end);
    Event beyond = new Read("s", T, "b", 1);
    shows(
        Kind.SEEN_UNCOMMITTED,
        List.of(read, beyond),
        new Unknown("p", 0, T, "a"),
        new Unknown("p", 1, T, "b"),
        read,
        new Asked("s", T, 0),
        beyond,
        end("s", 2));
  }

  @Test
  void aConsumerThatSeesAnOffsetAgainWentBack() {
    Event before = new Read("r", T, "b", 1);
    shows(
        Kind.WENT_BACK,
        List.of(before, before),
        new Acked("p", 0, T, "a", 0),
        new Acked("p", 1, T, "b", 1),
        new Read("r", T, "a", 0),
        before,
        before);
  }

  @Test
  void aConsumerThatPassesOverARecordSkipped() {
    Event before = new Read("r", T, "a", 0);
    Event after = new Read("r", T, "c", 2);
    Event between = new Read("s", T, "b", 1);
    shows(
        Kind.SKIPPED,
        List.of(before, after, between),
        new Acked("p", 0, T, "a", 0),
        new Acked("p", 1, T, "b", 1),
        new Acked("p", 2, T, "c", 2),
        before,
        after,
        new Read("s", T, "a", 0),
        between,
        new Read("s", T, "c", 2));
  }

  @Test
  void aConsumerThatBeginsBehindWhereItAskedSkipped() {
    Event seen = new Read("s", T, "a", 0);
    Event read = new Read("r", T, "b", 1);
    Event[] sends = {new Acked("p", 0, T, "a", 0), new Acked("p", 1, T, "b", 1), seen};
    shows(Kind.SKIPPED, List.of(seen, read), with(sends, new Asked("r", T, 0), read));
    fine(with(sends, new Asked("r", T, 1), read));
  }

  @Test
  void anEndBeforeWhatWasAcknowledgedWhenItWasAskedForIsStale() { // P7
    Event a = new Acked("p", 0, T, "a", 0);
    Event sent = new Sent("p", 0, T, "a", Sending.DEFAULT);
    Event end = end("r", 0);
    Event[] after = {new Asked("s", T, 0), new Read("s", T, "a", 0), end("s", 1)};
    shows(Kind.STALE_END, List.of(a, end), with(new Event[] {sent, a, asked(), end}, after));
    fine(with(new Event[] {sent, asked(), a, end}, after));
  }

  @Test
  void logsAreJudgedEachForItself() {
    fine(
        new Acked("p", 0, T, "a", 5),
        new Acked("p", 1, new Log("t", 1), "b", 0),
        new Acked("p", 1, new Log("u", 0), "a", 1),
        new Read("r", T, "a", 5),
        new Read("r", new Log("t", 1), "b", 0),
        new Read("r", new Log("u", 0), "a", 1));
  }

  @Test
  void whatOnlyTheLeaderAcknowledgedMayBeGoneAfterAnother() { // P3
    Event sent = new Sent("p", 0, T, "a", TO_LEADER);
    Event a = new Acked("p", 0, T, "a", 0);
    Event change = new Event.LeaderChanged(T);
    Event other = new Unknown("q", 0, T, "b");
    Event read = new Read("r", T, "b", 0);
    fine(sent, a, other, change, asked(), read, end("r", 1));
    fine(sent, change, a, other, asked(), read, end("r", 1));
    shows(Kind.UNSEEN, List.of(a, end("r", 0)), sent, a, asked(), end("r", 0));
    shows(Kind.UNSEEN, List.of(a, end("r", 0)), change, sent, a, asked(), end("r", 0));
    Event byAll = new Sent("p", 0, T, "a", Sending.DEFAULT);
    shows(Kind.UNSEEN, List.of(a, end("r", 0)), byAll, a, change, asked(), end("r", 0));
  }

  @Test
  void afterAnUncleanElectionOffsetsMayMeanSomethingElse() {
    Event sent = new Sent("p", 0, T, "a", Sending.DEFAULT);
    Event a = new Acked("p", 0, T, "a", 0);
    Event seen = new Read("r", T, "a", 0);
    Event unclean = new Event.UncleanElection(T);
    Event b = new Unknown("q", 0, T, "b");
    Event end = end("r", 1);
    Event again = new Read("r", T, "b", 0);
    fine(sent, a, asked(), seen, unclean, b, asked(), again, end);
    shows(
        Kind.INCONSISTENT_OFFSET,
        List.of(seen, new Read("s", T, "b", 0)),
        unclean,
        sent,
        new Asked("r", T, 0),
        seen,
        b,
        new Asked("s", T, 0),
        new Read("s", T, "b", 0));
  }

  @Test
  void aReplicatedTopicMayLoseByMoreLossyStopsThanItCovers() { // P2
    Event sent = new Sent("p", 0, T, "a", Sending.DEFAULT);
    Event a = new Acked("p", 0, T, "a", 0);
    Event replicated = new Event.TopicSet("t", Durability.REPLICATED, 2, false);
    Event synced = new Event.TopicSet("t", Durability.FSYNC, 2, false);
    Event one = new Event.LossyStop(1);
    Event two = new Event.LossyStop(2);
    List<Event> lost = List.of(a, end("r", 0));
    fine(replicated, sent, a, two, asked(), end("r", 0));
    shows(Kind.UNSEEN, lost, replicated, sent, a, one, asked(), end("r", 0));
    shows(Kind.UNSEEN, lost, replicated, two, sent, a, asked(), end("r", 0));
    shows(Kind.UNSEEN, lost, synced, sent, a, two, asked(), end("r", 0));
  }

  @Test
  void anyTopicMayLoseByAsManyDisksAsItsInSyncSetNeeds() { // P1
    Event sent = new Sent("p", 0, T, "a", Sending.DEFAULT);
    Event a = new Acked("p", 0, T, "a", 0);
    Event set = new Event.TopicSet("t", Durability.FSYNC, 2, false);
    fine(set, sent, a, new Event.DisksLost(2), asked(), end("r", 0));
    shows(
        Kind.UNSEEN,
        List.of(a, end("r", 0)),
        set,
        sent,
        a,
        new Event.DisksLost(1),
        asked(),
        end("r", 0));
  }

  @Test
  void whatIsDeletedOrOutOfRetentionIsNotLost() {
    Event a = new Acked("p", 0, T, "a", 0);
    Event b = new Acked("p", 1, T, "b", 1);
    Event raised = new Event.LogStartRaised(T, 1);
    Event[] rest = {asked(), new Read("r", T, "b", 1), end("r", 2)};
    fine(with(new Event[] {a, new Read("s", T, "a", 0), b, raised}, rest));
    fine(a, b, new Event.TopicDeleted("t"), asked(), end("r", 0));
    assertEquals(List.of(), HistoryChecker.check(List.of(a, new Event.TopicDeleted("t")), true));
    Event c = new Acked("p", 2, T, "c", 1);
    shows(
        Kind.LOST,
        List.of(c, new Read("r", T, "d", 2)),
        a,
        c,
        new Acked("p", 3, T, "d", 2),
        raised,
        asked(),
        new Read("r", T, "d", 2),
        end("r", 3));
  }

  @Test
  void aConsumerThatWasThereBeforeTheStartWasRaisedMayNotSkip() {
    Event[] sends = {
      new Acked("p", 0, T, "a", 0),
      new Acked("p", 1, T, "b", 1),
      new Acked("p", 2, T, "c", 2),
      new Asked("s", T, 1)
    };
    Event seen = new Read("s", T, "b", 1);
    Event a = new Read("r", T, "a", 0);
    Event c = new Read("r", T, "c", 2);
    Event raised = new Event.LogStartRaised(T, 2);
    fine(with(sends, seen, a, raised, c));
    shows(Kind.SKIPPED, List.of(a, c, seen), with(sends, seen, a, c, raised));
  }

  @Test
  void aCompactedTopicKeepsTheLastOfAKey() {
    Event set = new Event.TopicSet("t", Durability.FSYNC, 1, true);
    Event[] sends = {
      set,
      new Sent("p", 0, T, "a", KEYED),
      new Acked("p", 0, T, "a", 0),
      new Sent("p", 1, T, "b", KEYED),
      new Acked("p", 1, T, "b", 1),
      new Sent("p", 2, T, "c", Sending.DEFAULT),
      new Acked("p", 2, T, "c", 2),
      asked(),
    };
    Event c = new Read("r", T, "c", 2);
    fine(with(sends, new Read("r", T, "b", 1), c, end("r", 3)));
    shows(Kind.LOST, List.of(new Acked("p", 1, T, "b", 1), c), with(sends, c, end("r", 3)));
  }

  @Test
  void soManyAnomaliesOfAKindAreTold() {
    List<Event> events = new ArrayList<>();
    for (int i = 0; i < 2 * HistoryChecker.MAX_OF_A_KIND; i++) {
      events.add(new Read("r", T, "v" + i, i));
    }
    assertEquals(HistoryChecker.MAX_OF_A_KIND, HistoryChecker.check(events, false).size());
  }

  @Test
  void anAnomalyTellsItsExcerptLineByLine() {
    Anomaly lost = HistoryChecker.check(List.of(new Read("r", T, "a", 0)), false).get(0);
    assertTrue(lost.toString().startsWith("PHANTOM in t-0: nobody sent this\n    Read["));
  }

  private static Event asked() {
    return new Asked("r", T, 0);
  }

  private static Event end(String consumer, long offset) {
    return new EndReached(consumer, T, offset);
  }

  private static Event[] with(Event[] first, Event... then) {
    Event[] all = Arrays.copyOf(first, first.length + then.length);
    System.arraycopy(then, 0, all, first.length, then.length);
    return all;
  }

  private static void fine(Event... events) {
    assertEquals(List.of(), HistoryChecker.check(List.of(events), false));
  }

  /** Nothing else is found, and it is shown by no more than this. */
  private static void shows(Kind kind, List<Event> excerpt, Event... events) {
    List<Anomaly> found = HistoryChecker.check(List.of(events), false);
    assertEquals(List.of(kind), kinds(found), found::toString);
    assertEquals(excerpt, found.get(0).excerpt());
  }

  private static List<Kind> kinds(List<Anomaly> anomalies) {
    return anomalies.stream().map(Anomaly::kind).distinct().toList();
  }
}
