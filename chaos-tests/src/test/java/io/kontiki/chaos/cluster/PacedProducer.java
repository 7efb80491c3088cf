package io.kontiki.chaos.cluster;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import io.kontiki.client.RecordMetadata;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Sends records by the clock to some partitions in turn, by the client's producer with its
 * defaults, whether or not those before are acknowledged: who waits for answers sends nothing while
 * there are none, and sees one slow record where there were hundreds. Runs in a thread of its own.
 */
final class PacedProducer implements Runnable {
  private final String name;
  private final String topic;
  private final List<Integer> partitions;
  private final long intervalNanos;
  private final Producer producer;
  private final History history;
  private final AckTimes times;
  private final AtomicLong failed = new AtomicLong();
  private final Queue<Throwable> surprises = new ConcurrentLinkedQueue<>();
  private volatile boolean stopping;

  PacedProducer(
      String name,
      String topic,
      List<Integer> partitions,
      int perSecond,
      KontikiClient client,
      History history,
      AckTimes times) {
    this.name = name;
    this.topic = topic;
    this.partitions = partitions;
    this.intervalNanos = TimeUnit.SECONDS.toNanos(1) / perSecond;
    this.producer = client.newProducer(ProducerOptions.DEFAULT);
    this.history = history;
    this.times = times;
  }

  /** Ends when every record that was sent has its outcome. */
  void stop() {
    stopping = true;
  }

  /** Records that were not acknowledged in the producer's time, or refused. */
  long failed() {
    return failed.get();
  }

  /** Exceptions that the client's contract does not have. */
  List<Throwable> surprises() {
    return List.copyOf(surprises);
  }

  @Override
  public void run() {
    long begin = System.nanoTime();
    try (producer) {
      for (long number = 0; !stopping; number++) {
        long dueNanos = begin + number * intervalNanos;
        awaitTime(dueNanos);
        send(number, dueNanos);
      }
    } catch (RuntimeException e) {
      surprises.add(e);
    }
  }

  private static void awaitTime(long nanos) {
    for (long left = nanos - System.nanoTime(); left > 0; left = nanos - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private void send(long number, long dueNanos) {
    int partition = partitions.get((int) (number % partitions.size()));
    String value = name + "-" + number;
    Log log = new Log(topic, partition);
    history.add(new Event.Sent(name, number, log, value, Event.Sending.DEFAULT));
    producer
        .send(ProducerRecord.of(topic, name, value).toPartition(partition))
        .whenComplete(
            (stored, failure) -> {
              long now = System.nanoTime();
              if (stored != null) {
                times.onAck(partition, dueNanos, now);
              } else {
                times.onFailure(partition, dueNanos, now);
              }
              history.add(event(number, log, value, stored, failure));
            });
  }

  private Event event(
      long number,
      Log log,
      String value,
      @Nullable RecordMetadata stored,
      @Nullable Throwable failure) {
    if (stored != null) {
      return new Event.Acked(name, number, log, value, stored.offset());
    }
    failed.incrementAndGet();
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof KontikiException error) {
      return error.definite()
          ? new Event.Refused(name, number, log, value)
          : new Event.Unknown(name, number, log, value);
    }
    surprises.add(new AssertionError("neither stored nor refused: " + value, cause));
    return new Event.Unknown(name, number, log, value);
  }
}
