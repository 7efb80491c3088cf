package io.kontiki.client;

import io.kontiki.runtime.system.SecureRandomSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A client of one cluster: connections, one thread, and what it knows of the cluster, shared by the
 * producers, consumers and the admin made from it. Thread-safe; one for a whole program is best.
 *
 * <pre>{@code
 * try (KontikiClient client = KontikiClient.connect("127.0.0.1:7600");
 *     Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
 *   producer.send(ProducerRecord.of("orders", "key", "value")).join();
 * }
 * }</pre>
 */
public final class KontikiClient implements AutoCloseable {
  private final ClientLoop loop = new ClientLoop();
  private final Channels channels = new Channels(loop);
  private final ClusterWatch watch;
  private final UnaryCalls calls;
  private final ClientOptions options;
  private final SecureRandomSource random = new SecureRandomSource();
  private final List<Producer> producers = new CopyOnWriteArrayList<>();

  private KontikiClient(ClientOptions options) {
    this.options = options;
    // Clients spread over the brokers; each of the two walks the list by itself.
    int start = random.nextInt(1 << 16);
    BrokerList forWatch = new BrokerList(options.bootstrap(), start);
    BrokerList forCalls = new BrokerList(options.bootstrap(), start);
    this.watch = new ClusterWatch(loop, channels, forWatch, random);
    this.calls = new UnaryCalls(loop, channels, forCalls, random);
    loop.execute(() -> watch.listen(forCalls::learn));
  }

  /**
   * A client; brokers are dialled when there is something to do.
   *
   * @param bootstrap {@code HOST:PORT[,HOST:PORT...]}, gRPC addresses of some brokers
   */
  public static KontikiClient connect(String bootstrap) {
    return connect(ClientOptions.of(bootstrap));
  }

  /** A client; brokers are dialled when there is something to do. */
  public static KontikiClient connect(ClientOptions options) {
    return new KontikiClient(options);
  }

  /** A new producer, with a producer id of its own. To be closed before the client. */
  public Producer newProducer(ProducerOptions producerOptions) {
    Producer producer =
        new Producer(
            loop,
            new SendLoop(loop, channels, watch, calls, producerOptions, random),
            producerOptions);
    producers.add(producer);
    return producer;
  }

  /** A new consumer without partitions. To be closed before the client. */
  public Consumer newConsumer(ConsumerOptions consumerOptions) {
    FetchQueue queue = new FetchQueue(loop.clock());
    Admin offsets = admin();
    return new Consumer(
        new FetchLoop(loop, channels, watch, offsets, consumerOptions, queue, random),
        queue,
        consumerOptions,
        loop.clock());
  }

  /** A new consumer that is in no group yet. To be closed before the client. */
  public GroupConsumer newGroupConsumer(GroupConsumerOptions consumerOptions) {
    GroupInbox inbox = new GroupInbox(loop.clock());
    // Members spread over the brokers.
    BrokerList brokers = new BrokerList(options.bootstrap(), random.nextInt(1 << 16));
    return new GroupConsumer(
        new ConsumeLoop(loop, channels, watch, brokers, inbox, random),
        inbox,
        consumerOptions,
        loop.clock(),
        options.callTimeout());
  }

  /** Administration; needs no closing. */
  public Admin admin() {
    return new Admin(calls, options.callTimeout());
  }

  /** Breaks all connections and ends the thread. What is under way fails. Idempotent. */
  @Override
  public void close() {
    producers.forEach(producer -> producer.close(Duration.ZERO));
    loop.execute(
        () -> {
          watch.close();
          channels.close();
        });
    loop.close();
  }
}
