package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;

import io.kontiki.chaos.history.Anomaly;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.HistoryChecker;
import io.kontiki.client.KontikiClient;
import io.kontiki.model.ErrorReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Producers and readers of one topic that run while faults happen, and the judgement afterwards.
 *
 * <pre>{@code
 * try (Load load = Load.start(cluster, "orders", 6, 4)) {
 *   load.awaitAcked(200);
 *   cluster.node(1).kill();
 *   load.awaitAcked(200);
 *   assertEquals(List.of(), load.finish());
 * }
 * }</pre>
 */
public final class Load implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  private final List<String> addresses;
  private final String topic;
  private final List<Integer> partitions;
  private final History history = new History();
  private final PauseMeter pauses = new PauseMeter();
  private final Map<ErrorReason, Integer> refusals = new ConcurrentHashMap<>();
  private final AckTimes times = new AckTimes();
  private @Nullable PacedProducer paced;
  private final List<Brokers> connections = new ArrayList<>();
  private final List<LoadProducer> producers = new ArrayList<>();
  private final List<LoadReader> readers = new ArrayList<>();
  private final List<Thread> producerThreads = new ArrayList<>();
  private final List<Thread> readerThreads = new ArrayList<>();

  private Load(List<String> addresses, String topic, List<Integer> partitions) {
    this.addresses = addresses;
    this.topic = topic;
    this.partitions = partitions;
  }

  /** Starts producers, and one reader per partition. The topic must be there. */
  public static Load start(ProcessCluster cluster, String topic, int partitions, int producers) {
    return start(cluster, topic, IntStream.range(0, partitions).boxed().toList(), producers);
  }

  /** The same for some of the partitions, by number. */
  public static Load start(
      ProcessCluster cluster, String topic, List<Integer> partitions, int producers) {
    Load load = new Load(cluster.bootstrap(), topic, partitions);
    load.startReaders();
    load.startProducers(producers);
    return load;
  }

  /**
   * Records at a fixed rate by the client's producer, whose times are taken; by the shape, others
   * beside it.
   */
  static Load start(
      ProcessCluster cluster,
      KontikiClient client,
      String topic,
      List<Integer> partitions,
      LoadShape shape) {
    Load load = new Load(cluster.bootstrap(), topic, partitions);
    if (shape.readAlong()) {
      load.startReaders();
    }
    load.startProducers(shape.oneByOne());
    PacedProducer paced =
        new PacedProducer(
            "paced", topic, partitions, shape.perSecond(), client, load.history, load.times);
    load.paced = paced;
    load.producerThreads.add(start(paced, "producer-paced"));
    return load;
  }

  private void startReaders() {
    for (int p : partitions) {
      startReader("reader", p, true);
    }
  }

  private void startProducers(int count) {
    for (int i = 0; i < count; i++) {
      LoadProducer producer =
          new LoadProducer("p" + i, topic, partitions, connect(i), history, pauses, refusals);
      producers.add(producer);
      producerThreads.add(start(producer, "producer-" + i));
    }
  }

  private void startReader(String name, int partition, boolean follow) {
    LoadReader reader = new LoadReader(name, topic, partition, follow, connect(partition), history);
    readers.add(reader);
    readerThreads.add(start(reader, name + "-" + partition));
  }

  private Brokers connect(int first) {
    Brokers brokers = new Brokers(addresses, first);
    connections.add(brokers);
    return brokers;
  }

  private static Thread start(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  /** Waits until this many more records are acknowledged than now. */
  public void awaitAcked(long more) {
    long goal = history.acked() + more;
    await(more + " more acknowledgements").atMost(PATIENCE).until(() -> history.acked() >= goal);
  }

  /**
   * Waits until every producer has had one more acknowledgement than now, that with a fixed rate
   * one for each partition, of a record that is not even due now.
   */
  public void awaitAllGoOn() {
    long now = System.nanoTime();
    await("an acknowledgement for every producer")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(10))
        .until(() -> pauses.allWentOn(now) && (paced == null || times.allWentOn(partitions, now)));
  }

  /** For what others send beside this. */
  History history() {
    return history;
  }

  /** Of the producer with a fixed rate. */
  AckTimes times() {
    return times;
  }

  /** Records of the producer with a fixed rate that were not acknowledged. */
  long failed() {
    return paced == null ? 0 : paced.failed();
  }

  /** How many records were acknowledged so far. */
  public long acked() {
    return history.acked();
  }

  /** How often a broker has refused a send for good so far, whatever its repetition brought. */
  public int refusals(ErrorReason reason) {
    return refusals.getOrDefault(reason, 0);
  }

  /** From here on {@link #longestPauseMs} counts. */
  public void resetPauses() {
    pauses.reset();
  }

  /** The longest time that any producer waited for an acknowledgement. */
  public long longestPauseMs() {
    return pauses.longestMs();
  }

  /**
   * Stops the producers, reads every partition once more from its start to its end, and checks all
   * that was seen. The cluster must be able to serve every partition.
   */
  public List<Anomaly> finish() {
    stopProducers();
    awaitEnd(producerThreads);
    if (paced != null && !paced.surprises().isEmpty()) {
      throw new AssertionError("not in the client's contract", paced.surprises().get(0));
    }
    readers.forEach(LoadReader::stop);
    awaitEnd(readerThreads);
    for (int p : partitions) {
      startReader("final", p, false);
    }
    awaitEnd(readerThreads);
    return HistoryChecker.check(history.events(), true);
  }

  private static void awaitEnd(List<Thread> threads) {
    await("the end of " + threads)
        .atMost(PATIENCE)
        .until(() -> threads.stream().noneMatch(Thread::isAlive));
  }

  private void stopProducers() {
    producers.forEach(LoadProducer::stop);
    if (paced != null) {
      paced.stop();
    }
  }

  @Override
  public void close() {
    stopProducers();
    readers.forEach(LoadReader::stop);
    connections.forEach(Brokers::close);
  }
}
