package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.chaos.run.kafka.KafkaSender;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Kafka's producer: a record to each partition in turn. What it reports as failed is unknown. */
final class KafkaWriter extends Worker {
  private static final int UNDER_WAY = 500;
  private static final long BETWEEN_NANOS = 20_000_000;

  private final String bootstrap;
  private final List<Log> logs;
  private final History history;
  private final AckLog acks;
  private final Semaphore underWay = new Semaphore(UNDER_WAY);

  KafkaWriter(String name, String bootstrap, List<Log> logs, History history, AckLog acks) {
    super(name);
    this.bootstrap = bootstrap;
    this.logs = logs;
    this.history = history;
    this.acks = acks;
  }

  @Override
  void work() throws InterruptedException {
    try (KafkaSender sender = new KafkaSender(bootstrap, name())) {
      for (long number = 0; !stopping(); ) {
        if (underWay.tryAcquire(100, TimeUnit.MILLISECONDS)) {
          send(sender, number++);
          LockSupport.parkNanos(BETWEEN_NANOS);
        }
      }
    }
  }

  private void send(KafkaSender sender, long number) {
    Log log = logs.get((int) (number % logs.size()));
    String value = name() + "." + number;
    history.add(new Event.Sent(name(), number, log, value, Event.Sending.DEFAULT));
    sender.send(
        log.topic(),
        log.partition(),
        value,
        offset -> {
          underWay.release();
          if (offset >= 0) {
            history.add(new Event.Acked(name(), number, log, value, offset));
            acks.add(log);
          } else {
            history.add(new Event.Unknown(name(), number, log, value));
          }
        });
  }
}
