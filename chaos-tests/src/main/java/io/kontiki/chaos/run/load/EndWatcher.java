package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.StartAt;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** Asks where partitions end, all the time: a broker that leads no more may not say (P6, P7). */
final class EndWatcher extends Worker {
  private static final long PAUSE_NANOS = Duration.ofMillis(100).toNanos();
  private static final long PATIENCE_SECONDS = 20;

  private final KontikiClient client;
  private final List<Log> logs;
  private final History history;

  EndWatcher(String name, KontikiClient client, List<Log> logs, History history) {
    super(name);
    this.client = client;
    this.logs = logs;
    this.history = history;
  }

  @Override
  void work() throws InterruptedException {
    Map<String, List<Log>> topics = logs.stream().collect(Collectors.groupingBy(Log::topic));
    while (!stopping()) {
      for (Map.Entry<String, List<Log>> topic : topics.entrySet()) {
        ask(topic.getKey(), topic.getValue());
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private void ask(String topic, List<Log> partitions) throws InterruptedException {
    partitions.forEach(log -> history.add(new Event.Asked(name(), log, 0)));
    try {
      Map<Integer, Long> ends =
          client
              .admin()
              .listOffsets(topic, partitions.stream().map(Log::partition).toList(), StartAt.END)
              .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      ends.forEach(
          (partition, end) ->
              history.add(new Event.EndReached(name(), new Log(topic, partition), end)));
    } catch (ExecutionException | TimeoutException e) {
      // Nobody leads at the moment; the next question tells.
    }
  }
}
