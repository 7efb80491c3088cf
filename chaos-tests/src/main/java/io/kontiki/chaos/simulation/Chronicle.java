package io.kontiki.chaos.simulation;

import io.kontiki.chaos.history.Anomaly;
import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.HistoryChecker;
import io.kontiki.chaos.history.Log;
import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.Acks;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What the clients of a run did and saw, as the history that the tests with real processes write,
 * too, and the verdict of the same {@link HistoryChecker}. It knows nothing of replicas: what it
 * finds is what a client can show.
 *
 * <p>A batch counts as one record at its first offset; of a compacted topic, each record for
 * itself. What the {@link Ledger} excuses is left out.
 */
final class Chronicle {
  private final List<Entry> entries = new ArrayList<>();

  /** An event, and what it is about; null: all of a topic. */
  private record Entry(@Nullable PartitionId partition, Event event) {}

  private static Log log(PartitionId id) {
    return new Log(id.topicId().toString(), id.partition());
  }

  private void add(PartitionId id, Event event) {
    entries.add(new Entry(id, event));
  }

  /** A topic is made. */
  void topic(TopicImage topic) {
    TopicConfig config = TopicConfig.of(topic.config());
    entries.add(
        new Entry(
            null,
            new Event.TopicSet(
                topic.id().toString(), config.durability(), 1, config.cleanupPolicy().compacts())));
  }

  /** A producer begins to send a batch, whose records have these keys. */
  void sends(String producer, ProducerPlan how, PartitionId id, Unit batch) {
    batch.forEach(
        (value, i) ->
            add(
                id,
                new Event.Sent(
                    producer,
                    batch.number() * Values.MAX_RECORDS + i,
                    log(id),
                    value,
                    new Event.Sending(how.acks(), how.idempotent(), batch.key(i)))));
  }

  /**
   * It was acknowledged.
   *
   * @param acks as far as they promise anything
   */
  void acked(String producer, Acks acks, PartitionId id, Unit batch, long base) {
    batch.forEach(
        (value, i) -> {
          long number = batch.number() * Values.MAX_RECORDS + i;
          add(
              id,
              acks == Acks.NONE
                  ? new Event.Unknown(producer, number, log(id), value)
                  : new Event.Acked(producer, number, log(id), value, base + i));
        });
  }

  /** It will not be sent again, and was refused for certain, or nobody knows. */
  void ended(String producer, PartitionId id, Unit batch, boolean refused) {
    batch.forEach(
        (value, i) -> {
          long number = batch.number() * Values.MAX_RECORDS + i;
          add(
              id,
              refused
                  ? new Event.Refused(producer, number, log(id), value)
                  : new Event.Unknown(producer, number, log(id), value));
        });
  }

  /**
   * A batch that somebody sends.
   *
   * @param keys of its records; empty: they have none, and it counts as one
   */
  record Unit(long value, long number, List<String> keys) {
    Unit {
      keys = List.copyOf(keys);
    }

    private @Nullable String key(int i) {
      return keys.isEmpty() ? null : keys.get(i);
    }

    private interface Each {
      void accept(String value, int i);
    }

    private void forEach(Each each) {
      if (keys.isEmpty()) {
        each.accept(String.valueOf(value), 0);
      } else {
        for (int i = 0; i < keys.size(); i++) {
          each.accept(value + "." + i, i);
        }
      }
    }
  }

  /** A consumer asks for what comes from an offset on. */
  void asks(String consumer, PartitionId id, long offset) {
    add(id, new Event.Asked(consumer, log(id), offset));
  }

  /** It got a batch, which it has read up to an offset. */
  void reads(String consumer, PartitionId id, RecordBatch batch, long from) {
    if (Values.keyed(batch)) {
      Values.records(batch)
          .forEach(
              record -> {
                if (record.offset() >= from) {
                  String value = Values.of(record) + "." + (record.offset() - batch.baseOffset());
                  add(id, new Event.Read(consumer, log(id), value, record.offset()));
                }
              });
    } else if (batch.baseOffset() >= from && batch.recordCount() > 0) {
      String value = String.valueOf(Values.of(batch));
      add(id, new Event.Read(consumer, log(id), value, batch.baseOffset()));
    }
  }

  /** It was told that there is nothing from its offset on. */
  void end(String consumer, PartitionId id, long offset) {
    add(id, new Event.EndReached(consumer, log(id), offset));
  }

  /** What lies before an offset may be gone. */
  void startsAt(PartitionId id, long offset) {
    add(id, new Event.LogStartRaised(log(id), offset));
  }

  /** A leader epoch begins. */
  void leaderChanged(PartitionId id) {
    add(id, new Event.LeaderChanged(log(id)));
  }

  /** What was acknowledged or read so far may be gone, and no promise is broken (R19). */
  void mayLose(PartitionId id) {
    add(id, new Event.UncleanElection(log(id)));
  }

  /**
   * The verdict, when somebody has read everything to its end.
   *
   * @param promised of which partitions
   */
  void check(Predicate<PartitionId> promised) {
    List<Event> events = new ArrayList<>(entries.size());
    for (Entry entry : entries) {
      if (entry.partition() == null || promised.test(entry.partition())) {
        events.add(entry.event());
      }
    }
    List<Anomaly> found = HistoryChecker.check(events, true);
    if (!found.isEmpty()) {
      Anomaly first = found.get(0);
      throw new Violation(
          "history", first.kind() + " and " + (found.size() - 1) + " more: " + first);
    }
  }
}
