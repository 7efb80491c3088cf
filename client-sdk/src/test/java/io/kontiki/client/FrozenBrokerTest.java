package io.kontiki.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.Endpoint;
import io.kontiki.runtime.memory.SeededRandom;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The client on real sockets while a broker keeps its connections and says nothing: news of another
 * leader arrive all the same, and at once.
 */
@Timeout(60)
class FrozenBrokerTest {
  /** Measured: some milliseconds. The limit is far below every time-out that could help instead. */
  private static final long AT_ONCE_MS = 700;

  private FakeCluster cluster;
  private KontikiClient client;

  @BeforeEach
  void start() throws IOException {
    cluster = new FakeCluster(3);
    client = KontikiClient.connect(cluster.bootstrap());
  }

  @AfterEach
  void stop() {
    client.close();
    cluster.brokers.values().forEach(FakeBroker::thaw);
    cluster.close();
  }

  @Test
  void whicheverBrokerFreezesAProducerGoesToTheNewLeaderAtOnce() throws Exception {
    cluster.create("t", 1);
    int number = 0;
    try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
      for (int frozen = 1; frozen <= 3; frozen++) {
        int next = 1 + frozen % 3;
        producer.send(ProducerRecord.of("t", null, "" + number++)).get(20, TimeUnit.SECONDS);
        cluster.brokers.get(frozen).freeze();
        List<CompletableFuture<RecordMetadata>> sent = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
          sent.add(producer.send(ProducerRecord.of("t", null, "" + number++)));
        }
        waitAMoment();
        assertFalse(sent.get(0).isDone(), "the leader is frozen");
        long moved = System.nanoTime();
        cluster.move("t", 0, next, true);
        for (CompletableFuture<RecordMetadata> one : sent) {
          one.get(20, TimeUnit.SECONDS);
        }
        assertAtOnce(moved);
        cluster.brokers.get(frozen).thaw();
        cluster.move("t", 0, next, true);
      }
    }
    try (Consumer consumer = consumer()) {
      for (int i = 0; i < number; ) {
        for (ConsumerRecord record : consumer.poll(Duration.ofSeconds(20))) {
          assertEquals("" + i++, text(record), "P5, P8: late copies do no harm");
        }
      }
    }
  }

  @Test
  void whicheverBrokerFreezesAConsumerGoesToTheNewLeaderAtOnce() throws Exception {
    cluster.create("t", 1);
    try (KontikiClient writing = KontikiClient.connect(cluster.bootstrap());
        Producer producer = writing.newProducer(ProducerOptions.DEFAULT);
        Consumer consumer = consumer()) {
      for (int frozen = 1; frozen <= 3; frozen++) {
        int next = 1 + frozen % 3;
        producer.send(ProducerRecord.of("t", null, "before")).get(20, TimeUnit.SECONDS);
        assertEquals("before", text(consumer.poll(Duration.ofSeconds(20)).get(0)));
        cluster.brokers.get(frozen).freeze();
        cluster.move("t", 0, next, true);
        producer.send(ProducerRecord.of("t", null, "after")).get(20, TimeUnit.SECONDS);
        long written = System.nanoTime();
        assertEquals("after", text(consumer.poll(Duration.ofSeconds(20)).get(0)), "P6");
        assertAtOnce(written);
        cluster.brokers.get(frozen).thaw();
      }
    }
  }

  @Test
  void whoeverIsAskedAndFrozenACallThatMayBeRepeatedIsAnsweredByAnother() throws Exception {
    cluster.create("t", 1);
    for (int frozen = 1; frozen <= 3; frozen++) {
      cluster.brokers.get(frozen).freeze();
      for (int again = 0; again < 3; again++) {
        long asked = System.nanoTime();
        client.admin().listOffsets("t", List.of(), StartAt.END).get(20, TimeUnit.SECONDS);
        // One broker may be waited for, once; then it is asked last.
        assertTrue(elapsedMs(asked) < 1_500, "after " + elapsedMs(asked) + " ms");
      }
      cluster.brokers.get(frozen).thaw();
    }
  }

  @Test
  void aChangeThatNeverLeftTheClientIsMadeThroughAnotherBroker() throws Exception {
    // It takes connections, as the kernel does for a frozen process, and does not answer.
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      String bootstrap =
          "127.0.0.1:" + silent.getLocalPort() + "," + cluster.brokers.get(2).address();
      for (int i = 0; i < 6; i++) {
        try (KontikiClient other = KontikiClient.connect(bootstrap)) {
          long asked = System.nanoTime();
          assertNotNull(
              other.admin().createTopic("t" + i, 1, 1, Map.of()).get(20, TimeUnit.SECONDS));
          assertTrue(elapsedMs(asked) < 2_000, "after " + elapsedMs(asked) + " ms");
        }
      }
    }
    assertEquals(6, cluster.brokers.get(2).creations);
  }

  @Test
  void aChangeThatMayHaveHappenedIsMadeOnce() throws Exception {
    ClientOptions impatient =
        ClientOptions.of(cluster.bootstrap()).withCallTimeout(Duration.ofMillis(1_500));
    try (KontikiClient other = KontikiClient.connect(impatient)) {
      cluster.brokers.values().forEach(FakeBroker::freeze);
      ExecutionException failure =
          assertThrows(
              ExecutionException.class,
              () -> other.admin().createTopic("t", 1, 1, Map.of()).get(20, TimeUnit.SECONDS));
      KontikiException unknown = assertInstanceOf(KontikiException.class, failure.getCause());
      assertFalse(unknown.definite(), "P4, R45: " + unknown.getMessage());
    }
    cluster.brokers.values().forEach(FakeBroker::thaw);
    waitAMoment();
    assertTrue(
        cluster.brokers.values().stream().mapToInt(broker -> broker.creations).sum() <= 1, "R45");
  }

  @Test
  void aStreamAtABrokerThatIsFencedMovesToOneThatServes() throws Exception {
    cluster.create("t", 1);
    try (Watching watching = new Watching(cluster)) {
      watching.await(() -> watching.watched().size() == 2 && watching.knows("t"));
      Endpoint first = watching.watched().get(0);
      int id = idOf(cluster, first);
      cluster.brokers.get(id).freeze();
      cluster.fence(id);
      watching.await(() -> watching.watched().size() == 2 && !watching.watched().contains(first));
    }
  }

  @Test
  void whenBothWatchedBrokersFreezeAnUnansweredRequestLeadsToAThird() throws Exception {
    try (FakeCluster five = new FakeCluster(5);
        Watching watching = new Watching(five)) {
      five.create("t", 1);
      watching.await(() -> watching.watched().size() == 2 && watching.knows("t"));
      int leader = idOf(five, watching.watched().get(0));
      int second = idOf(five, watching.watched().get(1));
      int next =
          five.brokers.keySet().stream()
              .filter(id -> id != leader && id != second)
              .findFirst()
              .orElseThrow();
      five.move("t", 0, leader, true);
      Producer producer = watching.producer();
      producer.send(ProducerRecord.of("t", null, "before")).get(20, TimeUnit.SECONDS);
      five.brokers.get(leader).freeze();
      five.brokers.get(second).freeze();
      CompletableFuture<RecordMetadata> sent = producer.send(ProducerRecord.of("t", null, "after"));
      five.move("t", 0, next, true);
      long moved = System.nanoTime();
      assertEquals(1, sent.get(20, TimeUnit.SECONDS).offset());
      assertTrue(elapsedMs(moved) < 4_000, "after " + elapsedMs(moved) + " ms");
      producer.close(Duration.ZERO);
      five.brokers.values().forEach(FakeBroker::thaw);
    }
  }

  /** A watch with its loop, without the rest of a client. */
  private static final class Watching implements AutoCloseable {
    private final ClientLoop loop = new ClientLoop();
    private final Channels channels = new Channels(loop);
    private final BrokerList brokers;
    private final ClusterWatch watch;

    Watching(FakeCluster cluster) {
      brokers =
          new BrokerList(
              Arrays.stream(cluster.bootstrap().split(",")).map(Endpoint::parse).toList(), 0);
      watch = new ClusterWatch(loop, channels, brokers, new SeededRandom(1));
      loop.execute(() -> watch.watch("t"));
    }

    Producer producer() {
      UnaryCalls calls = new UnaryCalls(loop, channels, brokers, new SeededRandom(2));
      ProducerOptions options = ProducerOptions.DEFAULT;
      return new Producer(
          loop, new SendLoop(loop, channels, watch, calls, options, new SeededRandom(3)), options);
    }

    List<Endpoint> watched() throws Exception {
      return onLoop(watch::watched);
    }

    boolean knows(String topic) throws Exception {
      return onLoop(() -> watch.view().topic(topic) != null);
    }

    void await(Callable<Boolean> holds) throws Exception {
      long begin = System.nanoTime();
      while (!holds.call()) {
        assertTrue(elapsedMs(begin) < 10_000, "watched: " + watched());
        waitAMoment();
      }
    }

    private <T> T onLoop(Callable<T> question) throws Exception {
      CompletableFuture<T> answer = new CompletableFuture<>();
      loop.execute(
          () -> {
            try {
              answer.complete(question.call());
            } catch (Exception e) {
              answer.completeExceptionally(e);
            }
          });
      return answer.get(10, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
      loop.execute(
          () -> {
            watch.close();
            channels.close();
          });
      loop.close();
    }
  }

  private Consumer consumer() {
    Consumer consumer = client.newConsumer(ConsumerOptions.DEFAULT.withStartAt(StartAt.BEGINNING));
    consumer.assign(List.of(new TopicPartition("t", 0)));
    return consumer;
  }

  private static int idOf(FakeCluster cluster, Endpoint endpoint) {
    return cluster.brokers.entrySet().stream()
        .filter(broker -> broker.getValue().address().equals(endpoint.toString()))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }

  private static void assertAtOnce(long sinceNanos) {
    long ms = elapsedMs(sinceNanos);
    assertTrue(ms < AT_ONCE_MS, "after " + ms + " ms");
  }

  private static long elapsedMs(long sinceNanos) {
    return (System.nanoTime() - sinceNanos) / 1_000_000;
  }

  private static void waitAMoment() throws Exception {
    // Nothing can tell that something does not happen; 50 ms are ten times what it would take.
    new CompletableFuture<Void>().completeOnTimeout(null, 50, TimeUnit.MILLISECONDS).get();
  }

  private static String text(ConsumerRecord record) {
    byte[] value = record.value();
    return value == null ? "null" : new String(value, StandardCharsets.UTF_8);
  }
}
