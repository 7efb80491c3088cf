package io.kontiki.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.client.PartitionSender.Attempt;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.Compression;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * The sender against a model of a partition, with lost answers, late copies of requests, changes of
 * leader that cut the log, and refusals of every kind.
 */
class PartitionSenderPropertyTest {
  private static final long MS = 1_000_000;
  private static final int RECORDS = 60;

  @Test
  void nothingIsStoredTwiceLostOrOutOfOrderWhateverFails() {
    Map<String, Integer> outcomes = new TreeMap<>();
    for (long seed = 0; seed < 6000; seed++) {
      new Run(seed).play().forEach((what, count) -> outcomes.merge(what, count, Integer::sum));
    }
    // Each kind must have been met, or the test tests nothing.
    for (String kind : List.of("acked", "definite", "unknown", "cut", "late", "bumped")) {
      assertTrue(outcomes.getOrDefault(kind, 0) > 100, kind + " in " + outcomes);
    }
  }

  private record Sent(Attempt attempt, long stream) {}

  private record Answer(Sent sent, ModelBroker.Verdict verdict) {}

  private static final class Run {
    private final long seed;
    private final SeededRandom random;
    private final ModelBroker broker;
    private final PartitionSender sender;
    private final ArrayDeque<Sent> requests = new ArrayDeque<>();
    private final ArrayDeque<Answer> answers = new ArrayDeque<>();
    private final List<Sent> late = new ArrayList<>();
    private final Map<Integer, String> outcomes = new TreeMap<>();
    private final Map<String, Integer> counts = new TreeMap<>();
    private final boolean fatalRefusals;
    private long attempts;
    private long producerIds = 100;
    private long stream = 1;
    private long now;
    private int sentValues;
    private int maxOnTheWay;

    Run(long seed) {
      this.seed = seed;
      this.random = new SeededRandom(seed);
      this.broker = new ModelBroker(random.split());
      this.fatalRefusals = random.oneIn(2);
      this.sender =
          new PartitionSender(
              0,
              new SenderSettings(Compression.NONE, true, 0, 200, 1 + random.nextInt(5), 1000),
              () -> ++attempts,
              random.split());
      tellLeader();
    }

    Map<String, Integer> play() {
      for (int step = 0; step < 400; step++) {
        step();
      }
      // Healed: everything gets its outcome.
      for (int round = 0; !sender.isIdle(); round++) {
        assertTrue(round < 10_000, "seed " + seed + " never ends");
        tellLeader();
        send();
        while (!requests.isEmpty()) {
          process(false);
        }
        broker.committed = broker.log.size();
        answer();
        now += 5 * MS;
      }
      late.forEach(copy -> broker.process(copy.attempt(), false));
      check();
      return counts;
    }

    private void step() {
      switch (random.nextInt(12)) {
        case 0, 1, 2 -> {
          if (sentValues < RECORDS) {
            add();
          }
        }
        case 3, 4 -> send();
        case 5, 6 -> process(fatalRefusals);
        case 7 -> broker.commit();
        case 8, 9 -> answer();
        case 10 -> now += random.nextInt(random.oneIn(20) ? 400 : 20) * MS;
        default -> fault();
      }
    }

    private void fault() {
      switch (random.nextInt(5)) {
        case 0 -> {
          int before = broker.log.size();
          broker.elect();
          count("cut", before - broker.log.size());
          if (random.oneIn(2)) {
            tellLeader();
          }
        }
        case 1 -> breakStream();
        case 2 -> tellLeader();
        case 3 -> {
          if (!late.isEmpty()) {
            // A copy that was in the pipe of a dead connection comes out at the broker.
            ModelBroker.Verdict verdict = broker.process(late.remove(0).attempt(), false);
            count("late", verdict.refusal() == null ? 1 : 0);
          }
        }
        default -> {}
      }
    }

    private void add() {
      int value = sentValues++;
      byte[] bytes = ByteBuffer.allocate(4 + random.nextInt(60)).putInt(value).array();
      ProducerRecord record = ProducerRecord.of("t", null, bytes);
      sender.add(
          new PendingRecord(
              record,
              1,
              PendingRecord.sizeOf(record),
              now + 500 * MS,
              new PendingRecord.Outcome() {
                @Override
                public void acknowledged(int partition, long offset, long timestampMs) {
                  outcome(value, "acked");
                }

                @Override
                public void failed(ApiError error) {
                  outcome(value, error.definite() ? "definite" : "unknown");
                }
              }),
          now);
    }

    private void outcome(int value, String what) {
      assertEquals(null, outcomes.put(value, what), "seed " + seed + ": one outcome only");
      count(what, 1);
    }

    private void send() {
      for (int i = 0; i < 10; i++) {
        if (sender.needsProducerId()) {
          sender.onProducerId(++producerIds);
        }
        Attempt attempt = sender.nextToSend(now, stream);
        if (attempt == null) {
          return;
        }
        requests.add(new Sent(attempt, stream));
        maxOnTheWay = Math.max(maxOnTheWay, requests.size() + answers.size());
      }
    }

    private void process(boolean mayRefuse) {
      Sent sent = requests.poll();
      if (sent != null) {
        answers.add(new Answer(sent, broker.process(sent.attempt(), mayRefuse)));
      }
    }

    /** The next answers in order: refusals at once, appends when they are committed. */
    private void answer() {
      while (!answers.isEmpty()) {
        Answer next = answers.peek();
        ModelBroker.Verdict verdict = next.verdict();
        long id = next.sent().attempt().id();
        if (verdict.refusal() != null) {
          answers.remove();
          boolean hinted = verdict.refusal().reason() == ErrorReason.NOT_LEADER && random.oneIn(2);
          sender.onRefused(id, verdict.refusal(), hinted ? leader() : null, now);
        } else if (next.sent().attempt().leader().epoch() != broker.leaderEpoch) {
          answers.remove();
          ApiError lost = ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "lost leadership");
          sender.onRefused(id, lost, null, now);
        } else if (verdict.end() <= broker.committed) {
          answers.remove();
          sender.onAppended(id, verdict.end() - 1, -1);
        } else {
          return;
        }
      }
    }

    private void breakStream() {
      for (Sent sent : requests) {
        if (random.oneIn(2)) {
          late.add(sent);
        }
      }
      requests.clear();
      answers.clear();
      sender.onStreamEnded(stream, now, true);
      stream++;
    }

    private void tellLeader() {
      sender.onLeader(leader(), broker.leaderEpoch);
    }

    private Leader leader() {
      return new Leader(1, new Endpoint("a", 1), broker.leaderEpoch);
    }

    private void count(String what, int by) {
      counts.merge(what, by, Integer::sum);
    }

    private void check() {
      List<Integer> stored = broker.values();
      String where = "seed " + seed + " log " + broker.log;
      Set<Integer> seen = new HashSet<>();
      int last = -1;
      int lastEpoch = 0;
      for (ModelBroker.Entry entry : broker.log) {
        count("bumped", entry.epoch() > lastEpoch ? 1 : 0);
        lastEpoch = entry.epoch();
      }
      for (int value : stored) {
        assertTrue(seen.add(value), "P8: " + value + " twice, " + where);
        assertTrue(value > last, "P5: " + value + " behind " + last + ", " + where);
        last = value;
      }
      assertEquals(sentValues, outcomes.size(), "each has an outcome, " + where);
      outcomes.forEach(
          (value, outcome) -> {
            if (outcome.equals("acked")) {
              assertTrue(seen.contains(value), "P1: " + value + " acked and lost, " + where);
            } else if (outcome.equals("definite")) {
              assertTrue(!seen.contains(value), "P4: " + value + " refused and there, " + where);
            }
          });
    }
  }
}
