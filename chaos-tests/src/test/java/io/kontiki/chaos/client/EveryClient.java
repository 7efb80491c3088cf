package io.kontiki.chaos.client;

import static org.awaitility.Awaitility.await;

import io.kontiki.chaos.cluster.ProcessCluster;
import io.kontiki.chaos.history.Anomaly;
import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.HistoryChecker;
import io.kontiki.chaos.history.Log;
import io.kontiki.client.Consumer;
import io.kontiki.client.ConsumerOptions;
import io.kontiki.client.ConsumerRecord;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import io.kontiki.client.RecordMetadata;
import io.kontiki.client.StartAt;
import io.kontiki.client.TopicPartition;
import io.kontiki.model.Endpoint;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One of each kind of client at work on one topic: a producer of the Java client that sends by the
 * clock, a consumer in a client of its own, which learns of leaders by nothing but its watch, and
 * two thin producers behind one broker, with a producer id and without. How long each has waited,
 * and whether what they saw is what was promised.
 */
final class EveryClient implements AutoCloseable {
  private static final int PER_SECOND = 500;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String topic;
  private final int partitions;
  private final History history = new History();
  private final Map<String, Gaps> pauses = new TreeMap<>();
  private final Queue<Throwable> surprises = new ConcurrentLinkedQueue<>();
  private final KontikiClient writing;
  private final KontikiClient reading;
  private final Producer producer;
  private final List<ThinProducer> thin = new ArrayList<>();
  private final List<Thread> writers = new ArrayList<>();
  private final Thread reader;
  private final long[] nextOffsets;
  private volatile boolean stopping;
  private volatile boolean readingOver;

  /**
   * Begins at once.
   *
   * @param through the broker that the thin producers use
   */
  EveryClient(ProcessCluster cluster, String topic, int partitions, int through) {
    this.topic = topic;
    this.partitions = partitions;
    this.nextOffsets = new long[partitions];
    String bootstrap = String.join(",", cluster.bootstrap());
    writing = KontikiClient.connect(bootstrap);
    reading = KontikiClient.connect(bootstrap);
    producer = writing.newProducer(ProducerOptions.DEFAULT);
    for (String name : List.of("producer", "consumer", "thin", "thin without id")) {
      pauses.put(name, new Gaps(places()));
    }
    Endpoint edge = Endpoint.parse(cluster.node(through).grpc());
    for (String name : List.of("thin", "thin without id")) {
      thin.add(
          new ThinProducer(
              name, edge, topic, partitions, name.equals("thin"), history, meter(name)));
    }
    reader = start("consumer", () -> read(reading, "consumer", meter("consumer")));
    writers.add(start("producer", this::write));
    thin.forEach(one -> writers.add(start("thin", one)));
  }

  private Thread start(String name, Runnable work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (RuntimeException | Error e) {
                surprises.add(e);
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private List<String> places() {
    return IntStream.range(0, partitions).mapToObj(EveryClient::place).toList();
  }

  /** Of a partition. */
  static String place(int partition) {
    return "partition " + partition;
  }

  private Log log(int partition) {
    return new Log(topic, partition);
  }

  private Gaps meter(String name) {
    return Objects.requireNonNull(pauses.get(name));
  }

  private void write() {
    Gaps meter = meter("producer");
    long begin = System.nanoTime();
    for (int number = 0; !stopping; number++) {
      long due = begin + TimeUnit.SECONDS.toNanos(number) / PER_SECOND;
      for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
      int sent = number;
      int partition = number % partitions;
      String value = "producer-" + number;
      Log log = log(partition);
      history.add(new Event.Sent("producer", number, log, value, Event.Sending.DEFAULT));
      producer
          .send(ProducerRecord.of(topic, null, value).toPartition(partition))
          .whenComplete(
              (stored, failure) -> {
                if (stored != null) {
                  meter.onProgress(place(partition));
                }
                history.add(outcome(sent, log, value, stored, failure));
              });
    }
  }

  private Event outcome(
      int number,
      Log log,
      String value,
      @Nullable RecordMetadata stored,
      @Nullable Throwable failure) {
    if (stored != null) {
      return new Event.Acked("producer", number, log, value, stored.offset());
    }
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    surprises.add(new AssertionError(value + " was not stored within two minutes", cause));
    return cause instanceof KontikiException error && error.definite()
        ? new Event.Refused("producer", number, log, value)
        : new Event.Unknown("producer", number, log, value);
  }

  private void read(KontikiClient client, String name, Gaps meter) {
    ConsumerOptions options =
        ConsumerOptions.DEFAULT
            .withStartAt(StartAt.BEGINNING)
            .withOutOfRange(ConsumerOptions.OutOfRange.ERROR);
    try (Consumer consumer = client.newConsumer(options)) {
      consumer.assign(all());
      while (!readingOver) {
        for (ConsumerRecord record : consumer.poll(Duration.ofMillis(100))) {
          meter.onProgress(place(record.partition()));
          note(name, record);
        }
      }
    }
  }

  private synchronized void note(String name, ConsumerRecord record) {
    String value = new String(Objects.requireNonNull(record.value()), StandardCharsets.UTF_8);
    nextOffsets[record.partition()] = record.offset() + 1;
    history.add(new Event.Read(name, log(record.partition()), value, record.offset()));
  }

  private synchronized boolean hasRead(Map<Integer, Long> ends) {
    return ends.entrySet().stream().allMatch(end -> nextOffsets[end.getKey()] >= end.getValue());
  }

  private List<TopicPartition> all() {
    return IntStream.range(0, partitions)
        .mapToObj(number -> new TopicPartition(topic, number))
        .toList();
  }

  /** Waits until every client has got on in every partition, counted from now. */
  void awaitAllGoOn() {
    long now = System.nanoTime();
    await("progress of every client: " + surprises)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(10))
        .until(() -> pauses.values().stream().allMatch(meter -> meter.allWentOn(now)));
  }

  /** From here on {@link #longestPausesMs} counts. */
  void resetPauses() {
    pauses.values().forEach(Gaps::reset);
  }

  /** The longest wait of each kind of client; those of the Java client in one partition. */
  Map<String, Long> longestPausesMs() {
    Map<String, Long> longest = new TreeMap<>();
    pauses.forEach((name, meter) -> longest.put(name, meter.longestMs()));
    return longest;
  }

  /**
   * Ends the writers, lets the consumer read to the end, reads all once more with another client,
   * and judges.
   */
  List<Anomaly> finish() throws Exception {
    stopWriters();
    producer.close();
    Map<Integer, Long> ends =
        writing.admin().listOffsets(topic, List.of(), StartAt.END).get(30, TimeUnit.SECONDS);
    await("the consumer reads to the end: " + surprises)
        .atMost(PATIENCE)
        .until(() -> hasRead(ends));
    readingOver = true;
    reader.join();
    readAgain(ends);
    if (!surprises.isEmpty()) {
      throw new AssertionError(surprises.size() + " surprises", surprises.peek());
    }
    return HistoryChecker.check(history.events(), true);
  }

  private void readAgain(Map<Integer, Long> ends) throws Exception {
    synchronized (this) {
      Arrays.fill(nextOffsets, 0);
    }
    for (int partition = 0; partition < partitions; partition++) {
      history.add(new Event.Asked("final", log(partition), 0));
    }
    readingOver = false;
    Thread again = start("final", () -> read(writing, "final", new Gaps(places())));
    await("another reader reads to the end").atMost(PATIENCE).until(() -> hasRead(ends));
    readingOver = true;
    again.join();
    ends.forEach(
        (partition, end) -> history.add(new Event.EndReached("final", log(partition), end)));
  }

  private void stopWriters() throws InterruptedException {
    stopping = true;
    thin.forEach(ThinProducer::stop);
    for (Thread writer : writers) {
      writer.join();
    }
  }

  @Override
  public void close() {
    stopping = true;
    readingOver = true;
    thin.forEach(ThinProducer::close);
    producer.close(Duration.ZERO);
    writing.close();
    reading.close();
  }
}
