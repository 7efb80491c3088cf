package io.kontiki.chaos.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.Event.Acked;
import io.kontiki.chaos.history.Event.Asked;
import io.kontiki.chaos.history.Event.EndReached;
import io.kontiki.chaos.history.Event.Read;
import io.kontiki.chaos.history.Event.Refused;
import io.kontiki.chaos.history.Event.Send;
import io.kontiki.chaos.history.Event.Sent;
import io.kontiki.chaos.history.Event.Unknown;
import io.kontiki.model.Acks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Good histories are found good, and one anomaly in a good history is found. */
final class HistoryCheckerPropertyTest {
  private static final int ROUNDS = 300;

  @Test
  void aHistoryOfALogThatKeepsItsPromisesHasNoAnomaly() {
    long seed = System.nanoTime();
    for (int round = 0; round < ROUNDS; round++) {
      RandomHistory history = new RandomHistory(new Random(seed + round), 3, 400, true);
      long broken = seed + round;
      assertEquals(List.of(), HistoryChecker.check(history.events(), true), () -> "seed " + broken);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      mode = EnumSource.Mode.EXCLUDE, // of groups, which random histories do not have
      names = {"TWO_OWNERS", "COMMIT_WENT_BACK", "REDELIVERED"})
  void oneAnomalyInAGoodHistoryIsFound(Kind kind) { // N6
    long seed = System.nanoTime();
    int planted = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Random random = new Random(seed + round);
      RandomHistory history = new RandomHistory(random, 3, 400, kind != Kind.SKIPPED);
      Planting planting = new Planting(history, random);
      String value = planting.plant(kind);
      if (value == null) {
        continue;
      }
      planted++;
      List<Anomaly> found = HistoryChecker.check(planting.events, true);
      long broken = seed + round;
      assertTrue(
          found.stream().anyMatch(anomaly -> anomaly.kind() == kind && tellsOf(anomaly, value)),
          () -> "seed " + broken + ": " + kind + " of " + value + " in " + found);
      assertTrue(
          found.stream().allMatch(anomaly -> anomaly.excerpt().size() <= 3), found::toString);
    }
    assertTrue(planted > ROUNDS / 10, "planted only " + planted + ", seed " + seed);
  }

  private static boolean tellsOf(Anomaly anomaly, String value) {
    return anomaly.excerpt().stream().anyMatch(event -> event.toString().contains(value));
  }

  @Test
  void aMillionEventsTakeSeconds() {
    RandomHistory history = new RandomHistory(new Random(1), 4, 500_000, false);
    assertTrue(history.events().size() > 1_000_000, "events: " + history.events().size());
    long begin = System.nanoTime();
    assertEquals(List.of(), HistoryChecker.check(history.events(), true));
    Duration took = Duration.ofNanos(System.nanoTime() - begin);
    System.out.println(history.events().size() + " events in " + took.toMillis() + " ms");
    assertTrue(took.toSeconds() < 60, "took " + took);
  }

  /** Puts one anomaly into a good history. */
  private static final class Planting {
    private final Random random;
    private final RandomHistory.OneLog log;
    private final Log name;
    private List<Event> events;

    Planting(RandomHistory history, Random random) {
      this.random = random;
      this.events = new ArrayList<>(history.events());
      this.log = history.logs().get(random.nextInt(history.logs().size()));
      this.name = log.log();
    }

    /** The value that shows it; null if this history has no place for it. */
    @Nullable String plant(Kind kind) {
      return switch (kind) {
        case LOST -> lost();
        case UNSEEN -> unseen();
        case ABORTED_READ -> abortedRead();
        case PHANTOM -> phantom();
        case INCONSISTENT_OFFSET -> inconsistentOffset();
        case DUPLICATE -> duplicate();
        case REORDERED -> reordered();
        case SEEN_UNCOMMITTED -> seenUncommitted();
        case WENT_BACK -> wentBack();
        case SKIPPED -> skipped();
        case STALE_END -> staleEnd();
        case TWO_OWNERS, COMMIT_WENT_BACK, REDELIVERED -> null;
      };
    }

    /** Values in the log in the end that were acknowledged by all, after the last loss. */
    private List<String> safe() {
      Set<String> acked = new HashSet<>();
      Set<String> byAll = new HashSet<>();
      for (Event event : events) {
        if (event instanceof Event.UncleanElection unclean && unclean.log().equals(name)) {
          byAll.clear();
          acked.clear();
        } else if (event instanceof Sent sent && sent.log().equals(name)) {
          if (sent.sending().acks() == Acks.ALL && sent.sending().idempotent()) {
            byAll.add(sent.value());
          }
        } else if (event instanceof Acked ack && ack.log().equals(name)) {
          acked.add(ack.value());
        }
      }
      return log.stored().subList(log.start(), log.stored().size()).stream()
          .filter(value -> acked.contains(value) && byAll.contains(value))
          .toList();
    }

    private @Nullable String lost() {
      List<String> safe = new ArrayList<>(safe());
      safe.remove(lastStored());
      String gone = any(safe);
      removeReads(gone);
      return gone;
    }

    private @Nullable String unseen() {
      String gone = lastStored();
      if (gone == null || !safe().contains(gone)) {
        return null;
      }
      removeReads(gone);
      events.replaceAll(
          event ->
              event.equals(new EndReached("final", name, log.stored().size()))
                  ? new EndReached("final", name, log.stored().size() - 1)
                  : event);
      return gone;
    }

    private @Nullable String abortedRead() {
      List<Unknown> unknown = new ArrayList<>();
      for (Event event : events) {
        if (event instanceof Unknown one
            && log.stored().indexOf(one.value()) >= log.start()
            && log.stored().indexOf(one.value()) == log.stored().lastIndexOf(one.value())
            && one.log().equals(name)) {
          unknown.add(one);
        }
      }
      Unknown refused = any(unknown);
      if (refused == null) {
        return null;
      }
      events.replaceAll(
          event ->
              event.equals(refused)
                  ? new Refused(refused.producer(), refused.number(), name, refused.value())
                  : event);
      return triedOnce(refused.value()) ? refused.value() : null;
    }

    private boolean triedOnce(String value) {
      return events.stream()
              .filter(event -> event instanceof Sent s && s.value().equals(value))
              .count()
          == 1;
    }

    private @Nullable String phantom() {
      String nobodys = any(stored());
      events.removeIf(event -> event instanceof Send send && send.value().equals(nobodys));
      return nobodys;
    }

    private @Nullable String inconsistentOffset() {
      String value = any(safe());
      if (value == null) {
        return null;
      }
      int offset = log.stored().indexOf(value);
      events.add(finalAsked(), new Sent("other", 0, name, "other", Event.Sending.DEFAULT));
      replaceRead("final", offset, "other");
      return value;
    }

    private @Nullable String duplicate() {
      String value = any(safe());
      if (value == null) {
        return null;
      }
      long end = log.stored().size();
      int at = events.indexOf(new EndReached("final", name, end));
      events.set(at, new EndReached("final", name, end + 1));
      events.add(at, new Read("final", name, value, end));
      return value;
    }

    private @Nullable String reordered() {
      List<Send> ofOne = new ArrayList<>();
      List<String> safe = safe();
      for (Event event : events) {
        if (event instanceof Acked acked && safe.contains(acked.value())) {
          ofOne.add(acked);
        }
      }
      if (ofOne.size() < 2) {
        return null;
      }
      Send one = ofOne.get(0);
      Send other = ofOne.get(ofOne.size() - 1);
      if (one.number() == other.number() || !one.producer().equals(other.producer())) {
        return null;
      }
      events.replaceAll(
          event -> {
            if (event instanceof Send send && send.value().equals(one.value())) {
              return numbered(send, other.number());
            }
            if (event instanceof Send send && send.value().equals(other.value())) {
              return numbered(send, one.number());
            }
            return event;
          });
      return other.producer() + "-";
    }

    private static Event numbered(Send send, long number) {
      return send instanceof Sent sent
          ? new Sent(sent.producer(), number, sent.log(), sent.value(), sent.sending())
          : new Acked(send.producer(), number, send.log(), send.value(), ((Acked) send).offset());
    }

    private @Nullable String seenUncommitted() {
      long end = log.stored().size();
      events.addAll(
          finalAsked(),
          List.of(
              new Sent("other", 0, name, "other", Event.Sending.DEFAULT),
              new Asked("other", name, end),
              new Read("other", name, "other", end)));
      return "other";
    }

    private @Nullable String wentBack() {
      List<Read> reads = new ArrayList<>();
      for (Event event : events) {
        if (event instanceof Read read
            && read.log().equals(name)
            && read.consumer().equals("last")) {
          reads.add(read);
        }
      }
      Read again = any(reads);
      if (again == null) {
        return null;
      }
      int at = events.indexOf(again);
      events.add(at + 1, new Asked(again.consumer(), name, again.offset()));
      events.add(at + 2, again);
      return again.value();
    }

    private @Nullable String skipped() {
      List<Read> reads = new ArrayList<>();
      for (Event event : events) {
        if (event instanceof Read read
            && read.log().equals(name)
            && read.consumer().equals("last")
            && read.offset() < log.stored().size() - 1) {
          reads.add(read);
        }
      }
      Read gone = any(reads);
      events.remove(gone);
      return gone == null ? null : gone.value();
    }

    private @Nullable String staleEnd() {
      String known = lastStored();
      if (known == null) {
        return null;
      }
      long end = log.stored().size() - 1L;
      events.addAll(
          finalAsked(), List.of(new Asked("stale", name, end), new EndReached("stale", name, end)));
      return known;
    }

    private List<String> stored() {
      return log.stored().subList(log.start(), log.stored().size());
    }

    private @Nullable String lastStored() {
      List<String> stored = stored();
      return stored.isEmpty() ? null : stored.get(stored.size() - 1);
    }

    private int finalAsked() {
      return events.indexOf(new Asked("final", name, log.start()));
    }

    private void removeReads(@Nullable String value) {
      events.removeIf(event -> event instanceof Read read && read.value().equals(value));
    }

    private void replaceRead(String consumer, long offset, String value) {
      events.replaceAll(
          event ->
              event instanceof Read read
                      && read.consumer().equals(consumer)
                      && read.log().equals(name)
                      && read.offset() == offset
                  ? new Read(consumer, name, value, offset)
                  : event);
    }

    private <T> @Nullable T any(List<T> list) {
      return list.isEmpty() ? null : list.get(random.nextInt(list.size()));
    }
  }
}
