package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.chaos.run.cluster.Target;
import io.kontiki.chaos.run.kafka.KafkaMember;
import io.kontiki.cli.base.Deadline;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.StartAt;
import io.kontiki.model.Endpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** All clients of a run. One thread. */
public final class Workload implements AutoCloseable {
  private static final String GROUP = "chaos";

  /** All groups there may be. */
  public static final List<String> GROUPS =
      List.of(
          GROUP, ofKafka(KafkaMember.Protocol.EAGER), ofKafka(KafkaMember.Protocol.COOPERATIVE));

  private static final int MEMBERS = 3;
  private static final int KAFKA_MEMBERS = 2;
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final long POLL_MS = 50;

  private final KontikiClient client;
  private final List<Log> logs;
  private final History history;
  private final AckLog acks = new AckLog();

  /** What each group was given. */
  private final Map<String, Coverage> groups = new TreeMap<>();

  private final List<Worker> writers = new ArrayList<>();
  private final List<Worker> readers = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();

  /**
   * Lays it out.
   *
   * @param target whose brokers serve Kafka's clients only if it says where
   * @param logs all partitions of the topics, which are there
   * @param perSecond records that are written to each partition
   */
  public Workload(Target target, List<Log> logs, int perSecond, long seed, History history) {
    this.client = KontikiClient.connect(target.bootstrap());
    this.logs = List.copyOf(logs);
    this.history = history;
    long pauseNanos = 2_000_000_000L / perSecond / logs.size();
    for (int i = 1; i <= 2; i++) {
      writers.add(new SdkWriter("w" + i, client, logs, pauseNanos, history, acks));
    }
    List<Endpoint> brokers = target.ids().stream().map(target::grpc).toList();
    writers.add(new ThinWriter("t1", brokers, 0, true, logs, history, acks));
    writers.add(new ThinWriter("t2", brokers, 1, false, logs, history, acks));
    String kafka =
        target.ids().stream()
            .flatMap(id -> target.kafka(id).stream())
            .map(Endpoint::toString)
            .collect(Collectors.joining(","));
    readers.add(
        new Administrator(
            "administrator",
            target.ids().stream().map(target::http).toList(),
            "chaos-admin-" + seed + "-"));
    readers.add(new SdkReader("reader", client, logs, history));
    readers.add(new EndWatcher("ends", client, logs, history));
    Set<String> topics = topics();
    Coverage coverage = coverage(GROUP);
    for (int i = 1; i <= MEMBERS; i++) {
      readers.add(new GroupMember(GROUP, "m" + i, client, topics, seed + i, history, coverage));
    }
    if (!kafka.isEmpty()) {
      writers.add(new KafkaWriter("k1", kafka, logs, history, acks));
      readers.add(new KafkaReader("kafka-reader", kafka, logs, history));
      addKafkaGroup(kafka, KafkaMember.Protocol.EAGER, seed);
      addKafkaGroup(kafka, KafkaMember.Protocol.COOPERATIVE, ~seed);
    }
  }

  private void addKafkaGroup(String bootstrap, KafkaMember.Protocol protocol, long seed) {
    String group = ofKafka(protocol);
    for (int i = 1; i <= KAFKA_MEMBERS; i++) {
      readers.add(
          new KafkaGroupMember(
              bootstrap,
              group,
              group + "-m" + i,
              protocol,
              topics(),
              seed + i,
              history,
              coverage(group)));
    }
  }

  private static String ofKafka(KafkaMember.Protocol protocol) {
    return GROUP + "-" + protocol.name().toLowerCase(Locale.ROOT);
  }

  private Set<String> topics() {
    return logs.stream().map(Log::topic).collect(Collectors.toCollection(TreeSet::new));
  }

  private Coverage coverage(String group) {
    return groups.computeIfAbsent(group, any -> new Coverage());
  }

  public void start() {
    readers.forEach(Worker::start);
    writers.forEach(Worker::start);
  }

  /** When records were acknowledged. */
  public AckLog acks() {
    return acks;
  }

  /** What clients met that their contract does not have; empty if nothing. */
  public List<String> surprises() {
    List<String> surprises = new ArrayList<>();
    for (List<Worker> some : List.of(writers, readers)) {
      for (Worker worker : some) {
        String failure = worker.failure();
        if (failure != null) {
          surprises.add(failure);
        }
      }
    }
    surprises.addAll(problems);
    return surprises;
  }

  /**
   * Stops the writers, waits until readers and group have everything, stops those, and reads all
   * partitions once more from the beginning to the end. What does not come to its end is a
   * surprise. The cluster must be whole.
   */
  public void finish() throws InterruptedException {
    writers.forEach(Worker::stop);
    for (Worker writer : writers) {
      writer.join();
    }
    Map<Log, Long> ends = ends();
    groups.forEach(
        (group, coverage) ->
            await(
                "the group '" + group + "' has not been given",
                () -> coverage.missing(ends),
                ends));
    readers.forEach(Worker::stop);
    for (Worker reader : readers) {
      reader.join();
    }
    readBack();
  }

  private void readBack() throws InterruptedException {
    SdkReader last = new SdkReader("final", client, logs, history);
    readers.add(last);
    logs.forEach(log -> history.add(new Event.Asked("final", log, 0)));
    last.start();
    Map<Log, Long> ends = ends();
    if (await("the last reader has not been given", () -> last.behind(ends), ends)) {
      ends.forEach((log, end) -> history.add(new Event.EndReached("final", log, end)));
    }
    last.stop();
    last.join();
  }

  /** What is waited for: by partition, where somebody is that should be at the end. */
  private interface Lag {
    Map<Log, Long> now();
  }

  private boolean await(String what, Lag lag, Map<Log, Long> ends) {
    Deadline deadline = Deadline.in(PATIENCE);
    while (!lag.now().isEmpty()) {
      if (deadline.hasPassed()) {
        problems.add(
            what
                + " everything within "
                + PATIENCE.toSeconds()
                + " s; it is at "
                + lag.now()
                + " of "
                + ends);
        return false;
      }
      deadline.pause(POLL_MS);
    }
    return true;
  }

  private Map<Log, Long> ends() throws InterruptedException {
    Set<String> topics = topics();
    Map<Log, Long> ends = new TreeMap<>();
    Deadline deadline = Deadline.in(PATIENCE);
    while (ends.size() < logs.size()) {
      ends.clear();
      for (String topic : topics) {
        try {
          client
              .admin()
              .listOffsets(topic, List.of(), StartAt.END)
              .get(deadline.remainingMs(), TimeUnit.MILLISECONDS)
              .forEach((partition, end) -> ends.put(new Log(topic, partition), end));
        } catch (ExecutionException | TimeoutException e) {
          if (deadline.hasPassed()) {
            throw new IllegalStateException("the ends of " + topic + " are not known: " + e, e);
          }
        }
      }
    }
    return ends;
  }

  @Override
  public void close() {
    writers.forEach(Worker::close);
    readers.forEach(Worker::close);
    client.close();
  }
}
