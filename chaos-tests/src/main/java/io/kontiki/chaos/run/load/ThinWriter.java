package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.chaos.run.rpc.ThinSender;
import io.kontiki.chaos.run.rpc.ThinSender.Try;
import io.kontiki.model.Endpoint;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A client of single calls. With a producer id it repeats a record until that is acknowledged or
 * its time is over; without one it never repeats what may have been appended.
 */
final class ThinWriter extends Worker {
  private static final long DELIVERY_NANOS = Duration.ofSeconds(40).toNanos();
  private static final long BETWEEN_NANOS = Duration.ofMillis(20).toNanos();

  private final List<Endpoint> brokers;
  private final int first;
  private final boolean recognised;
  private final List<Log> logs;
  private final History history;
  private final AckLog acks;

  /**
   * @param first which of the brokers it begins at
   * @param recognised with a producer id
   */
  ThinWriter(
      String name,
      List<Endpoint> brokers,
      int first,
      boolean recognised,
      List<Log> logs,
      History history,
      AckLog acks) {
    super(name);
    this.brokers = brokers;
    this.first = first;
    this.recognised = recognised;
    this.logs = logs;
    this.history = history;
    this.acks = acks;
  }

  @Override
  void work() {
    try (ThinSender sender = new ThinSender(brokers, first)) {
      long id = 0;
      while (recognised && id == 0 && !stopping()) {
        id = sender.producerId();
      }
      for (int number = 0; !stopping(); number++) {
        send(sender, id, number);
        LockSupport.parkNanos(BETWEEN_NANOS);
      }
    }
  }

  private void send(ThinSender sender, long id, int number) {
    Log log = logs.get(number % logs.size());
    String value = name() + "." + number;
    history.add(
        new Event.Sent(
            name(),
            number,
            log,
            value,
            recognised ? Event.Sending.DEFAULT : Event.Sending.WITHOUT_ID));
    long end = System.nanoTime() + DELIVERY_NANOS;
    boolean maybeAppended = false;
    while (true) {
      Try one = sender.send(log.topic(), log.partition(), value, id, number);
      if (one.stored()) {
        history.add(new Event.Acked(name(), number, log, value, one.offset()));
        acks.add(log);
        return;
      }
      maybeAppended |= !one.definite();
      if (maybeAppended && !recognised || System.nanoTime() - end > 0) {
        history.add(
            maybeAppended
                ? new Event.Unknown(name(), number, log, value)
                : new Event.Refused(name(), number, log, value));
        return;
      }
      LockSupport.parkNanos(BETWEEN_NANOS);
    }
  }
}
