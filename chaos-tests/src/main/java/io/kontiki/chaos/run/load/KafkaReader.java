package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.chaos.run.kafka.KafkaReads;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Kafka's consumer of all partitions, from the beginning. */
final class KafkaReader extends Worker {
  private static final Duration POLL = Duration.ofMillis(100);

  private final String bootstrap;
  private final List<Log> logs;
  private final History history;

  KafkaReader(String name, String bootstrap, List<Log> logs, History history) {
    super(name);
    this.bootstrap = bootstrap;
    this.logs = logs;
    this.history = history;
  }

  @Override
  void work() {
    Map<String, Integer> topics = new TreeMap<>();
    logs.forEach(log -> topics.merge(log.topic(), 1, Integer::sum));
    try (KafkaReads reads = new KafkaReads(bootstrap, name(), topics)) {
      while (!stopping()) {
        String failure =
            reads.poll(
                POLL,
                (topic, partition, offset, value) ->
                    history.add(new Event.Read(name(), new Log(topic, partition), value, offset)));
        if (!failure.isEmpty()) {
          surprise(failure);
          return;
        }
      }
    }
  }
}
