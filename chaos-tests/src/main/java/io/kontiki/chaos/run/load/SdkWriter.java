package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import io.kontiki.client.RecordMetadata;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The client's own producer, with acks=all and idempotent: a record to each partition in turn. */
final class SdkWriter extends Worker {
  private static final int UNDER_WAY = 2_000;
  private static final Duration DELIVERY = Duration.ofSeconds(60);

  private final KontikiClient client;
  private final List<Log> logs;
  private final long pauseNanos;
  private final History history;
  private final AckLog acks;
  private final Semaphore underWay = new Semaphore(UNDER_WAY);

  /**
   * @param pauseNanos between two records
   */
  SdkWriter(
      String name,
      KontikiClient client,
      List<Log> logs,
      long pauseNanos,
      History history,
      AckLog acks) {
    super(name);
    this.client = client;
    this.logs = logs;
    this.pauseNanos = pauseNanos;
    this.history = history;
    this.acks = acks;
  }

  @Override
  void work() throws InterruptedException {
    try (Producer producer =
        client.newProducer(
            ProducerOptions.DEFAULT.withTimeouts(DELIVERY, Duration.ofSeconds(10)))) {
      for (long number = 0; !stopping(); number++) {
        // Who waits for room must see that it is over.
        while (!underWay.tryAcquire(100, TimeUnit.MILLISECONDS)) {
          if (stopping()) {
            break;
          }
        }
        if (!stopping()) {
          send(producer, number);
          LockSupport.parkNanos(pauseNanos);
        }
      }
    } // closed, every record has its outcome
  }

  private void send(Producer producer, long number) {
    Log log = logs.get((int) (number % logs.size()));
    String value = name() + "." + number;
    history.add(new Event.Sent(name(), number, log, value, Event.Sending.DEFAULT));
    var unused =
        producer
            .send(ProducerRecord.of(log.topic(), name(), value).toPartition(log.partition()))
            .whenComplete((stored, failure) -> onOutcome(log, number, value, stored, failure));
  }

  private void onOutcome(
      Log log,
      long number,
      String value,
      @Nullable RecordMetadata stored,
      @Nullable Throwable failure) {
    underWay.release();
    if (stored != null) {
      history.add(new Event.Acked(name(), number, log, value, stored.offset()));
      acks.add(log);
      return;
    }
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof KontikiException error && error.definite()) {
      history.add(new Event.Refused(name(), number, log, value));
    } else {
      history.add(new Event.Unknown(name(), number, log, value));
      if (!(cause instanceof KontikiException)) {
        surprise("neither stored nor refused: " + value + ": " + cause);
      }
    }
  }
}
