package io.kontiki.client;

import io.kontiki.runtime.Clock;
import io.kontiki.v1.Assigned;
import io.kontiki.v1.Records;
import io.kontiki.v1.Repositioned;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Hands what a Consume stream tells from the loop to the polling thread. What concerns the
 * membership overtakes records, which are taken away where it makes them void, so that a slow
 * reader gives partitions up in time. Bounded by the credit that the loop gives out. Thread-safe.
 */
final class GroupInbox {
  /** What the polling thread is told. */
  sealed interface Item {}

  /** Somebody called {@link #wakeUp}. */
  record WokenUp() implements Item {}

  /** Something about the membership. */
  sealed interface Signal extends Item {}

  /** Partitions came; the first of a stream names it. */
  record Came(long streamId, Assigned assigned) implements Signal {}

  /** Partitions are to be given up. */
  record Going(Set<TopicPartition> partitions, Duration timeLeft) implements Signal {
    Going {
      partitions = Collections.unmodifiableSet(new TreeSet<>(partitions));
    }
  }

  /** Partitions have gone. */
  record Gone(Set<TopicPartition> partitions, RebalanceListener.Reason reason) implements Signal {
    Gone {
      partitions = Collections.unmodifiableSet(new TreeSet<>(partitions));
    }
  }

  /** The broker stops by plan: everything is to be finished. */
  record Stopping(Duration timeLeft) implements Signal {}

  /** The stream has ended; another one follows. */
  record Lost() implements Signal {}

  /** The stream has ended, and none follows. */
  record Failed(KontikiException reason) implements Signal {}

  /** What belongs to a partition's records and keeps its place among them. */
  sealed interface Data extends Item {
    TopicPartition partition();
  }

  /** Records of one partition. */
  record Chunk(TopicPartition partition, Records records, long sizeBytes) implements Data {}

  /** From here on records are those of another place. */
  record Jump(TopicPartition partition, Repositioned to) implements Data {}

  private final Clock clock;
  private final ArrayDeque<Signal> signals = new ArrayDeque<>();
  private final ArrayDeque<Data> data = new ArrayDeque<>();
  private boolean wokenUp;

  GroupInbox(Clock clock) {
    this.clock = clock;
  }

  synchronized void put(Signal signal) {
    signals.add(signal);
    notifyAll();
  }

  synchronized void put(Data one) {
    data.add(one);
    notifyAll();
  }

  /** Takes these partitions' data away; returns how many bytes of records that was. */
  synchronized long drop(Collection<TopicPartition> partitions) {
    Set<TopicPartition> gone = new TreeSet<>(partitions);
    long bytes = 0;
    for (Iterator<Data> left = data.iterator(); left.hasNext(); ) {
      Data one = left.next();
      if (gone.contains(one.partition())) {
        left.remove();
        bytes += one instanceof Chunk chunk ? chunk.sizeBytes() : 0;
      }
    }
    return bytes;
  }

  /** Takes all data away: it belongs to a stream that has ended. */
  synchronized void dropAll() {
    data.clear();
  }

  /** The next item, waiting for it; null if none came in time. */
  synchronized @Nullable Item take(long maxWaitNanos) throws InterruptedException {
    long deadline = clock.nanoTime() + maxWaitNanos;
    while (signals.isEmpty() && data.isEmpty() && !wokenUp) {
      long left = deadline - clock.nanoTime();
      if (left <= 0) {
        return null;
      }
      // Rounded up: a wait of 0 ms would be for ever.
      wait(left / 1_000_000 + 1);
    }
    if (wokenUp) {
      wokenUp = false;
      return new WokenUp();
    }
    return signals.isEmpty() ? data.poll() : signals.poll();
  }

  /** Data that is there, unless a signal comes before it. */
  synchronized @Nullable Data takeData() {
    return signals.isEmpty() ? data.poll() : null;
  }

  /** A signal, if there is one. */
  synchronized @Nullable Signal takeSignal() {
    return signals.poll();
  }

  /** Nothing that was told counts any more. */
  synchronized void clear() {
    signals.clear();
    data.clear();
  }

  /** Ends the present wait, or the next. */
  synchronized void wakeUp() {
    wokenUp = true;
    notifyAll();
  }
}
