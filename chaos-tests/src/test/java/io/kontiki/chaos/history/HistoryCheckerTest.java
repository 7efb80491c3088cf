package io.kontiki.chaos.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.Event.Acked;
import io.kontiki.chaos.history.Event.Read;
import io.kontiki.chaos.history.Event.Refused;
import io.kontiki.chaos.history.Event.Unknown;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Each anomaly has a history made by hand (negative controls, docs/correctness.md 4.4). */
final class HistoryCheckerTest {
  @Test
  void aHistoryWithoutFaultsHasNoAnomalies() {
    assertEquals(List.of(), HistoryChecker.check(goodHistory(new Random(1)), true));
  }

  @Test
  void unknownSendsMayBeThereOrNot() {
    List<Event> events =
        List.of(
            new Unknown("p", 0, 0, "a"),
            new Unknown("p", 1, 0, "b"),
            new Acked("p", 2, 0, "c", 1),
            new Read("r", 0, "b", 0),
            new Read("r", 0, "c", 1));
    assertEquals(List.of(), HistoryChecker.check(events, true));
  }

  @Test
  void anAckedRecordBelowWhatWasReadIsLost() {
    expect(
        Kind.LOST,
        new Acked("p", 0, 0, "a", 0),
        new Acked("p", 1, 0, "b", 1),
        new Read("r", 0, "b", 1));
  }

  @Test
  void anAckedRecordThatNobodyReadIsUnseenOnceEverythingShouldHaveBeenRead() {
    Event acked = new Acked("p", 0, 0, "a", 0);
    expect(Kind.UNSEEN, acked);
    assertEquals(List.of(), HistoryChecker.check(List.of(acked), false));
  }

  @Test
  void aRefusedRecordThatIsReadIsAnAbortedRead() {
    expect(Kind.ABORTED_READ, new Refused("p", 0, 0, "a"), new Read("r", 0, "a", 0));
  }

  @Test
  void aRecordThatNobodySentIsAPhantom() {
    expect(Kind.PHANTOM, new Read("r", 0, "a", 0));
  }

  @Test
  void twoValuesAtOneOffsetAreInconsistent() {
    expect(
        Kind.INCONSISTENT_OFFSET,
        new Unknown("p", 0, 0, "a"),
        new Unknown("q", 0, 0, "b"),
        new Read("r", 0, "a", 0),
        new Read("s", 0, "b", 0));
  }

  @Test
  void anAckAtAnOffsetWhereSomethingElseIsReadIsInconsistent() {
    List<Anomaly> found =
        HistoryChecker.check(
            List.of(
                new Acked("p", 0, 0, "a", 0),
                new Unknown("q", 0, 0, "b"),
                new Read("r", 0, "b", 0),
                new Read("r", 0, "a", 1)),
            true);
    assertTrue(kinds(found).contains(Kind.INCONSISTENT_OFFSET), found::toString);
    assertTrue(kinds(found).contains(Kind.DUPLICATE), found::toString);
  }

  @Test
  void oneValueAtTwoOffsetsIsADuplicate() {
    expect(
        Kind.DUPLICATE,
        new Acked("p", 0, 0, "a", 0),
        new Read("r", 0, "a", 0),
        new Read("r", 0, "a", 1));
  }

  @Test
  void aLaterSendAtALowerOffsetIsReordered() {
    expect(
        Kind.REORDERED,
        new Acked("p", 0, 0, "a", 1),
        new Acked("p", 1, 0, "b", 0),
        new Read("r", 0, "b", 0),
        new Read("r", 0, "a", 1));
  }

  @Test
  void aConsumerThatSeesAnOffsetAgainWentBack() {
    expect(
        Kind.WENT_BACK,
        new Acked("p", 0, 0, "a", 0),
        new Acked("p", 1, 0, "b", 1),
        new Read("r", 0, "a", 0),
        new Read("r", 0, "b", 1),
        new Read("r", 0, "b", 1));
  }

  @Test
  void aConsumerThatPassesOverARecordSkipped() {
    expect(
        Kind.SKIPPED,
        new Acked("p", 0, 0, "a", 0),
        new Acked("p", 1, 0, "b", 1),
        new Acked("p", 2, 0, "c", 2),
        new Read("r", 0, "a", 0),
        new Read("r", 0, "c", 2),
        new Read("s", 0, "a", 0),
        new Read("s", 0, "b", 1),
        new Read("s", 0, "c", 2));
  }

  @Test
  void partitionsAreJudgedEachForItself() {
    List<Event> events =
        List.of(
            new Acked("p", 0, 0, "a", 5),
            new Acked("p", 1, 1, "b", 0),
            new Read("r", 0, "a", 5),
            new Read("r", 1, "b", 0));
    assertEquals(List.of(), HistoryChecker.check(events, true));
  }

  @Test
  void removingAnyAckedRecordFromAGoodHistoryIsNoticed() { // N6
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      List<Event> events = new ArrayList<>(goodHistory(random));
      List<Event> acked = events.stream().filter(Acked.class::isInstance).toList();
      Event gone = acked.get(random.nextInt(acked.size()));
      events.removeIf(event -> event instanceof Read && event.value().equals(gone.value()));
      List<Anomaly> found = HistoryChecker.check(events, true);
      assertTrue(
          found.stream()
              .anyMatch(
                  anomaly ->
                      (anomaly.kind() == Kind.LOST || anomaly.kind() == Kind.UNSEEN)
                          && anomaly.excerpt().contains(gone)),
          () -> "seed " + seed + ": " + gone + " is gone, found " + found);
    }
  }

  /** A log of some partitions, written by some producers and read by two consumers. */
  private static List<Event> goodHistory(Random random) {
    List<Event> sends = new ArrayList<>();
    List<Event> reads = new ArrayList<>();
    for (int partition = 0; partition < 3; partition++) {
      long offset = 0;
      for (int n = 0; n < 40; n++) {
        String producer = "p" + random.nextInt(3);
        String value = producer + "-" + partition + "-" + n;
        switch (random.nextInt(6)) {
          case 0 -> sends.add(new Refused(producer, n, partition, value));
          case 1 -> sends.add(new Unknown(producer, n, partition, value));
          case 2 -> {
            sends.add(new Unknown(producer, n, partition, value));
            reads.add(new Read("r", partition, value, offset++));
          }
          default -> {
            sends.add(new Acked(producer, n, partition, value, offset));
            reads.add(new Read("r", partition, value, offset++));
          }
        }
        offset += random.nextInt(10) == 0 ? 1 : 0; // a control record
      }
      sends.add(new Acked("last", 0, partition, "last-" + partition, offset));
      reads.add(new Read("r", partition, "last-" + partition, offset));
    }
    List<Event> all = new ArrayList<>(sends);
    all.addAll(reads);
    int tail = reads.size() / 2; // a consumer that came later
    for (Event event : reads.subList(tail, reads.size())) {
      Read read = (Read) event;
      all.add(new Read("s", read.partition(), read.value(), read.offset()));
    }
    return all;
  }

  private static void expect(Kind kind, Event... events) {
    List<Anomaly> found = HistoryChecker.check(List.of(events), true);
    assertEquals(List.of(kind), kinds(found), found::toString);
  }

  private static List<Kind> kinds(List<Anomaly> anomalies) {
    return anomalies.stream().map(Anomaly::kind).distinct().toList();
  }
}
