package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Event.Acked;
import io.kontiki.chaos.history.Event.Asked;
import io.kontiki.chaos.history.Event.EndReached;
import io.kontiki.chaos.history.Event.Read;
import io.kontiki.chaos.history.Event.Refused;
import io.kontiki.chaos.history.Event.Sending;
import io.kontiki.chaos.history.Event.Sent;
import io.kontiki.chaos.history.Event.Unknown;
import io.kontiki.model.Acks;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A history as a log that keeps its promises makes it: a leader with a tail that only it has, which
 * a change of the leader cuts; unclean elections that cut more; a log start that rises; producers
 * of all kinds whose answers are late or lost; consumers that ask and are answered later. In the
 * end two consumers read everything.
 */
final class RandomHistory {
  private static final int PRODUCERS = 4;
  private static final int READERS = 3;

  private final Random random;
  private final boolean losses;
  private final List<Event> events = new ArrayList<>();
  private final List<OneLog> logs = new ArrayList<>();
  private final long[] numbers = new long[PRODUCERS];

  /**
   * @param losses whether leaders change, elections are unclean, starts rise
   */
  RandomHistory(Random random, int logs, int steps, boolean losses) {
    this.random = random;
    this.losses = losses;
    for (int i = 0; i < logs; i++) {
      this.logs.add(new OneLog(new Log("t" + i / 2, i % 2)));
    }
    for (int i = 0; i < steps; i++) {
      this.logs.get(random.nextInt(logs)).step();
    }
    this.logs.forEach(OneLog::finish);
  }

  List<Event> events() {
    return events;
  }

  /** What is in each log in the end, from its start on. */
  List<OneLog> logs() {
    return logs;
  }

  /** A send without an answer yet. */
  private record Pending(Sent sent, long offset) {}

  /** One partition. */
  final class OneLog {
    private final Log log;
    private final List<String> stored = new ArrayList<>();
    private final List<Pending> pending = new ArrayList<>();
    private final long[] next = new long[READERS];
    private final boolean[] asked = new boolean[READERS];
    private int highWatermark;
    private int start;

    private OneLog(Log log) {
      this.log = log;
    }

    Log log() {
      return log;
    }

    int start() {
      return start;
    }

    /** Its values, by offset. */
    List<String> stored() {
      return stored;
    }

    private void step() {
      switch (random.nextInt(10)) {
        case 0, 1, 2 -> send();
        case 3, 4 -> replicate();
        case 5, 6, 7 -> read(random.nextInt(READERS));
        case 8 -> answer();
        default -> fault();
      }
    }

    private void send() {
      int producer = random.nextInt(PRODUCERS);
      boolean idempotent = producer % 2 == 0;
      Acks acks = producer < 2 ? Acks.ALL : Acks.LEADER;
      String name = "p" + producer;
      String value = name + "-" + numbers[producer];
      Sent sent =
          new Sent(name, numbers[producer]++, log, value, new Sending(acks, idempotent, null));
      events.add(sent);
      int fate = random.nextInt(12);
      if (fate == 0) {
        events.add(new Refused(name, sent.number(), log, value));
      } else if (fate == 1) {
        events.add(new Unknown(name, sent.number(), log, value));
      } else if (fate == 2 && !idempotent) { // tried again, and appended by both tries
        stored.add(value);
        events.add(sent);
        append(sent);
      } else {
        append(sent);
      }
    }

    private void append(Sent sent) {
      stored.add(sent.value());
      long offset = stored.size() - 1;
      if (sent.sending().acks() == Acks.LEADER) {
        outcome(sent, offset);
      } else {
        pending.add(new Pending(sent, offset));
      }
    }

    private void outcome(Sent sent, long offset) {
      if (random.nextInt(8) == 0) {
        events.add(new Unknown(sent.producer(), sent.number(), log, sent.value()));
      } else {
        events.add(new Acked(sent.producer(), sent.number(), log, sent.value(), offset));
      }
    }

    private void replicate() {
      highWatermark += random.nextInt(stored.size() - highWatermark + 1);
    }

    private void answer() {
      for (int i = 0; i < pending.size(); i++) {
        Pending one = pending.get(i);
        if (one.offset() < highWatermark && random.nextInt(3) != 0) {
          pending.remove(i--);
          outcome(one.sent(), one.offset());
        }
      }
    }

    private void read(int reader) {
      String name = "r" + reader;
      if (!asked[reader]) {
        next[reader] = Math.max(next[reader], start);
        events.add(new Asked(name, log, next[reader]));
        asked[reader] = true;
        return;
      }
      asked[reader] = false;
      next[reader] = Math.max(next[reader], start);
      long end = Math.min(highWatermark, next[reader] + random.nextInt(20));
      while (next[reader] < end) {
        events.add(new Read(name, log, stored.get((int) next[reader]), next[reader]++));
      }
      if (next[reader] == highWatermark) {
        events.add(new EndReached(name, log, highWatermark));
      }
    }

    private void fault() {
      if (!losses) {
        return;
      }
      switch (random.nextInt(20)) {
        case 0 -> {
          events.add(new Event.UncleanElection(log));
          cutTo(start + random.nextInt(stored.size() - start + 1));
          highWatermark = stored.size();
          for (int i = 0; i < READERS; i++) {
            next[i] = Math.min(next[i], stored.size());
          }
        }
        case 1, 2, 3 -> {
          events.add(new Event.LeaderChanged(log));
          cutTo(highWatermark + random.nextInt(stored.size() - highWatermark + 1));
        }
        case 4 -> {
          int to = start + random.nextInt(highWatermark - start + 1);
          events.add(new Event.LogStartRaised(log, to));
          start = to;
        }
        default -> {}
      }
    }

    private void cutTo(int end) {
      stored.subList(end, stored.size()).clear();
      highWatermark = Math.min(highWatermark, end);
      List<Pending> cut = pending.stream().filter(one -> one.offset() >= end).toList();
      pending.removeAll(cut);
      for (Pending one : cut) {
        if (one.sent().sending().idempotent()) {
          append(one.sent()); // it does not give up, and sends in its order
        } else {
          events.add(
              new Unknown(one.sent().producer(), one.sent().number(), log, one.sent().value()));
        }
      }
    }

    private void finish() {
      highWatermark = stored.size();
      pending.forEach(one -> outcome(one.sent(), one.offset()));
      readAll("last");
      readAll("final");
    }

    private void readAll(String name) {
      events.add(new Asked(name, log, start));
      for (int offset = start; offset < stored.size(); offset++) {
        events.add(new Read(name, log, stored.get(offset), offset));
      }
      events.add(new EndReached(name, log, stored.size()));
    }
  }
}
