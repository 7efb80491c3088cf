package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.Event.Acked;
import io.kontiki.chaos.history.Event.Read;
import io.kontiki.chaos.history.Event.Refused;
import io.kontiki.chaos.history.Event.Send;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Looks for what an ordered log that loses nothing may not show (docs/correctness.md 4.5): lost,
 * duplicated, reordered and phantom records, two meanings of one offset, consumers that went back.
 *
 * <p>The producers are idempotent, and consumers read partitions from an offset onwards on their
 * own (no group), so that going back and skipping are faults. One pass per partition; everything
 * fits in memory.
 */
public final class HistoryChecker {
  private HistoryChecker() {}

  /**
   * All anomalies, partition by partition; empty if the history is one of a correct log.
   *
   * @param events sends with their outcomes, and reads; those of one consumer in its order
   * @param complete at least one consumer has read every partition from its start to its end after
   *     the last acknowledgement: what was acknowledged and not read is then an anomaly, wherever
   *     it lies
   */
  public static List<Anomaly> check(List<? extends Event> events, boolean complete) {
    Map<Integer, PartitionHistory> partitions = new TreeMap<>();
    for (Event event : events) {
      partitions
          .computeIfAbsent(event.partition(), p -> new PartitionHistory(p, complete))
          .add(event);
    }
    List<Anomaly> anomalies = new ArrayList<>();
    for (PartitionHistory partition : partitions.values()) {
      partition.check(anomalies);
    }
    return List.copyOf(anomalies);
  }

  /** Everything about one partition. */
  private static final class PartitionHistory {
    private final int partition;
    private final boolean complete;

    private final Map<String, Send> sends = new TreeMap<>();
    private final Map<String, List<Send>> byProducer = new TreeMap<>();
    private final Map<String, List<Read>> byConsumer = new TreeMap<>();

    /** Where a value was first seen, by an acknowledgement or a read. */
    private final Map<String, Place> placeOfValue = new HashMap<>();

    /** What was first seen at an offset. */
    private final TreeMap<Long, Place> placeOfOffset = new TreeMap<>();

    private final Map<String, Read> readOf = new HashMap<>();
    private @Nullable Read farthest;

    PartitionHistory(int partition, boolean complete) {
      this.partition = partition;
      this.complete = complete;
    }

    private record Place(long offset, String value, Event seen) {}

    void add(Event event) {
      if (event instanceof Send send) {
        sends.put(send.value(), send);
        byProducer.computeIfAbsent(send.producer(), name -> new ArrayList<>()).add(send);
      } else if (event instanceof Read read) {
        byConsumer.computeIfAbsent(read.consumer(), name -> new ArrayList<>()).add(read);
        readOf.putIfAbsent(read.value(), read);
        if (farthest == null || read.offset() > farthest.offset()) {
          farthest = read;
        }
      }
    }

    void check(List<Anomaly> found) {
      places(found);
      origins(found);
      losses(found);
      for (List<Send> ofOne : byProducer.values()) {
        order(ofOne, found);
      }
      for (List<Read> ofOne : byConsumer.values()) {
        progress(ofOne, found);
      }
    }

    private void places(List<Anomaly> found) {
      for (List<Send> ofOne : byProducer.values()) {
        for (Send send : ofOne) {
          if (send instanceof Acked acked) {
            place(acked, acked.offset(), found);
          }
        }
      }
      for (List<Read> ofOne : byConsumer.values()) {
        for (Read read : ofOne) {
          place(read, read.offset(), found);
        }
      }
    }

    private void place(Event event, long offset, List<Anomaly> found) {
      Place here = new Place(offset, event.value(), event);
      Place atOffset = placeOfOffset.putIfAbsent(offset, here);
      if (atOffset != null && !atOffset.value().equals(event.value())) {
        found.add(
            anomaly(
                Kind.INCONSISTENT_OFFSET,
                "two values at offset " + offset,
                List.of(atOffset.seen(), event)));
      }
      Place ofValue = placeOfValue.putIfAbsent(event.value(), here);
      if (ofValue != null && ofValue.offset() != offset) {
        found.add(
            anomaly(
                Kind.DUPLICATE,
                "one value at offsets " + ofValue.offset() + " and " + offset,
                List.of(ofValue.seen(), event)));
      }
    }

    private void origins(List<Anomaly> found) {
      for (List<Read> ofOne : byConsumer.values()) {
        for (Read read : ofOne) {
          Send send = sends.get(read.value());
          if (readOf.get(read.value()) != read) {
            continue; // told once is enough
          }
          if (send == null) {
            found.add(anomaly(Kind.PHANTOM, "nobody sent this", List.of(read)));
          } else if (send instanceof Refused) {
            found.add(
                anomaly(
                    Kind.ABORTED_READ,
                    "refused with a definite error, and read",
                    List.of(send, read)));
          }
        }
      }
    }

    private void losses(List<Anomaly> found) {
      for (Send send : sends.values()) {
        if (!(send instanceof Acked acked) || readOf.containsKey(acked.value())) {
          continue;
        }
        if (farthest != null && acked.offset() < farthest.offset()) {
          found.add(
              anomaly(
                  Kind.LOST,
                  "acknowledged at offset "
                      + acked.offset()
                      + ", and not there though offset "
                      + farthest.offset()
                      + " was read",
                  List.of(acked, farthest)));
        } else if (complete) {
          found.add(
              anomaly(
                  Kind.UNSEEN,
                  "acknowledged at offset " + acked.offset() + ", and never read",
                  List.of(acked)));
        }
      }
    }

    private void order(List<Send> ofOne, List<Anomaly> found) {
      List<Send> sorted = new ArrayList<>(ofOne);
      sorted.sort((a, b) -> Long.compare(a.number(), b.number()));
      Send before = null;
      long offsetBefore = -1;
      for (Send send : sorted) {
        Place place = placeOfValue.get(send.value());
        if (place == null) {
          continue; // never appended, as far as anyone knows
        }
        if (before != null && place.offset() < offsetBefore) {
          found.add(
              anomaly(
                  Kind.REORDERED,
                  "sent later, and stored at offset "
                      + place.offset()
                      + " before offset "
                      + offsetBefore,
                  List.of(before, send, place.seen())));
        }
        before = send;
        offsetBefore = place.offset();
      }
    }

    private void progress(List<Read> ofOne, List<Anomaly> found) {
      Read before = null;
      for (Read read : ofOne) {
        if (before != null && read.offset() <= before.offset()) {
          found.add(
              anomaly(
                  Kind.WENT_BACK,
                  "offset " + read.offset() + " after offset " + before.offset(),
                  List.of(before, read)));
        } else if (before != null) {
          Map.Entry<Long, Place> between = placeOfOffset.higherEntry(before.offset());
          if (between != null && between.getKey() < read.offset()) {
            found.add(
                anomaly(
                    Kind.SKIPPED,
                    "passed over offset " + between.getKey(),
                    List.of(before, between.getValue().seen(), read)));
          }
        }
        before = read;
      }
    }

    private Anomaly anomaly(Kind kind, String message, List<Event> excerpt) {
      return new Anomaly(kind, partition, message, excerpt);
    }
  }
}
