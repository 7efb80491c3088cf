package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.client.Consumer;
import io.kontiki.client.ConsumerOptions;
import io.kontiki.client.ConsumerRecord;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.StartAt;
import io.kontiki.client.TopicPartition;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** A consumer of its own of all partitions, from the beginning, which goes on to the end. */
final class SdkReader extends Worker {
  private static final Duration POLL = Duration.ofMillis(100);

  private final KontikiClient client;
  private final List<Log> logs;
  private final History history;

  /** The offset behind the last record that was read. */
  private final Map<Log, Long> next = new TreeMap<>();

  SdkReader(String name, KontikiClient client, List<Log> logs, History history) {
    super(name);
    this.client = client;
    this.logs = logs;
    this.history = history;
  }

  @Override
  void work() {
    try (Consumer consumer =
        client.newConsumer(
            // Any other start, and any other policy, would hide a hole.
            ConsumerOptions.DEFAULT
                .withStartAt(StartAt.BEGINNING)
                .withOutOfRange(ConsumerOptions.OutOfRange.ERROR))) {
      logs.forEach(log -> history.add(new Event.Asked(name(), log, 0)));
      consumer.assign(
          logs.stream().map(log -> new TopicPartition(log.topic(), log.partition())).toList());
      while (!stopping()) {
        try {
          consumer.poll(POLL).forEach(this::note);
        } catch (KontikiException e) {
          surprise("a partition cannot go on: " + e.getMessage());
          return;
        }
      }
    }
  }

  private synchronized void note(ConsumerRecord record) {
    Log log = new Log(record.topic(), record.partition());
    String value = new String(Objects.requireNonNull(record.value()), StandardCharsets.UTF_8);
    history.add(new Event.Read(name(), log, value, record.offset()));
    next.put(log, record.offset() + 1);
  }

  /** Where it is, of the partitions in which it is not at the end. */
  synchronized Map<Log, Long> behind(Map<Log, Long> ends) {
    Map<Log, Long> behind = new TreeMap<>();
    ends.forEach(
        (log, end) -> {
          long at = next.getOrDefault(log, 0L);
          if (at < end) {
            behind.put(log, at);
          }
        });
    return behind;
  }
}
