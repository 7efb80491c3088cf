package io.kontiki.client;

import io.kontiki.client.PartitionSender.Attempt;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A partition as a producer sees it: one log, of which a change of leader may cut what is not
 * committed; duplicates and gaps judged by what is in the log, as rules I1 to I3 say.
 */
final class ModelBroker {
  /** One appended batch. */
  record Entry(long producerId, int epoch, int sequence, int lastSequence, List<Integer> values) {}

  /** What becomes of an attempt; appended: answered when the log is committed up to {@code end}. */
  record Verdict(int end, ApiError refusal) {}

  final List<Entry> log = new ArrayList<>();
  int committed;
  int leaderEpoch = 1;
  private final SeededRandom random;

  ModelBroker(SeededRandom random) {
    this.random = random;
  }

  /** A new leader: what is not committed survives in part, and is then committed. */
  void elect() {
    int keep = committed + random.nextInt(log.size() - committed + 1);
    while (log.size() > keep) {
      log.remove(log.size() - 1);
    }
    committed = keep;
    leaderEpoch++;
  }

  void commit() {
    if (committed < log.size()) {
      committed += 1 + random.nextInt(log.size() - committed);
    }
  }

  Verdict process(Attempt attempt, boolean mayRefuse) {
    if (attempt.leader().epoch() != leaderEpoch) {
      return refuse(ErrorReason.NOT_LEADER);
    }
    if (mayRefuse && random.oneIn(10)) {
      return refuse(random.oneIn(2) ? ErrorReason.NOT_ENOUGH_REPLICAS : ErrorReason.BUSY);
    }
    if (mayRefuse && random.oneIn(40)) {
      return refuse(ErrorReason.INVALID_BATCH);
    }
    RecordBatch batch = RecordBatch.at(attempt.batch());
    Entry entry =
        new Entry(
            batch.producerId(),
            batch.producerEpoch(),
            batch.baseSequence(),
            batch.lastSequence(),
            values(attempt.batch()));
    List<Entry> mine = log.stream().filter(e -> e.producerId() == entry.producerId()).toList();
    if (entry.producerId() < 0) {
      return append(entry);
    }
    if (mine.isEmpty()) {
      ErrorReason unknown =
          random.oneIn(2) ? ErrorReason.UNKNOWN_PRODUCER_ID : ErrorReason.SEQUENCE_OUT_OF_ORDER;
      return entry.sequence() == 0 ? append(entry) : refuse(unknown);
    }
    Entry last = mine.get(mine.size() - 1);
    if (entry.epoch() < last.epoch()) {
      return refuse(ErrorReason.PRODUCER_FENCED);
    }
    if (entry.epoch() > last.epoch()) {
      return entry.sequence() == 0 ? append(entry) : refuse(ErrorReason.SEQUENCE_OUT_OF_ORDER);
    }
    List<Entry> known = mine.stream().filter(e -> e.epoch() == entry.epoch()).toList();
    for (Entry old : known.subList(Math.max(0, known.size() - 5), known.size())) {
      if (old.sequence() == entry.sequence()) {
        return new Verdict(log.indexOf(old) + 1, null);
      }
    }
    if (entry.sequence() == last.lastSequence() + 1) {
      return append(entry);
    }
    return entry.sequence() <= last.lastSequence()
        ? new Verdict(
            0, ApiError.indefinite(ErrorReason.SEQUENCE_TOO_OLD, "before the last five"))
        : refuse(ErrorReason.SEQUENCE_OUT_OF_ORDER);
  }

  /** All values in the order of the log. */
  List<Integer> values() {
    return log.stream().flatMap(entry -> entry.values().stream()).toList();
  }

  private Verdict append(Entry entry) {
    log.add(entry);
    return new Verdict(log.size(), null);
  }

  private static Verdict refuse(ErrorReason reason) {
    return new Verdict(0, ApiError.definite(reason, "refused by the model"));
  }

  static List<Integer> values(ByteBuffer batch) {
    List<Integer> values = new ArrayList<>();
    for (Record record : RecordReader.readAll(RecordBatch.at(batch), 1 << 20)) {
      values.add(ByteBuffer.wrap(record.value()).getInt());
    }
    return values;
  }
}
