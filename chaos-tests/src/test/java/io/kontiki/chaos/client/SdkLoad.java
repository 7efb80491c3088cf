package io.kontiki.chaos.client;

import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import io.kontiki.client.RecordMetadata;
import io.kontiki.record.Compression;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One producer for each compression, each used by two threads that go round the partitions, and
 * what became of each record. A value says who sent it and as which of his: {@code
 * gzip/1/000000042}; his records of one partition have growing numbers.
 */
final class SdkLoad implements AutoCloseable {
  static final int THREADS_PER_PRODUCER = 2;
  private static final int UNDER_WAY = 100;

  /** What became of a record: exactly one of the last two is there. */
  record Fate(
      int partition,
      String value,
      @Nullable RecordMetadata stored,
      @Nullable KontikiException failure) {}

  private final List<Producer> producers = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final Queue<Fate> fates = new ConcurrentLinkedQueue<>();
  private final Queue<Throwable> surprises = new ConcurrentLinkedQueue<>();
  private final AtomicLong acked = new AtomicLong();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong outcomes = new AtomicLong();
  private volatile boolean stopping;

  /** Begins at once. */
  static SdkLoad start(
      KontikiClient client, String topic, int partitions, ProducerOptions options) {
    SdkLoad load = new SdkLoad();
    for (Compression compression : Compression.values()) {
      Producer producer = client.newProducer(options.withCompression(compression));
      load.producers.add(producer);
      for (int thread = 0; thread < THREADS_PER_PRODUCER; thread++) {
        String name = compression.configValue() + "/" + thread;
        Thread runner = new Thread(() -> load.run(producer, topic, partitions, name), name);
        load.threads.add(runner);
        runner.start();
      }
    }
    return load;
  }

  private void run(Producer producer, String topic, int partitions, String name) {
    Semaphore underWay = new Semaphore(UNDER_WAY);
    try {
      for (int number = 0; !stopping; number++) {
        if (!underWay.tryAcquire(100, TimeUnit.MILLISECONDS)) {
          number--;
          continue;
        }
        int partition = number % partitions;
        String value = String.format("%s/%09d", name, number);
        sent.incrementAndGet();
        producer
            .send(ProducerRecord.of(topic, name, value).toPartition(partition))
            .whenComplete(
                (stored, failure) -> {
                  underWay.release();
                  outcomes.incrementAndGet();
                  note(partition, value, stored, failure);
                });
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      surprises.add(e);
    }
  }

  private void note(
      int partition, String value, @Nullable RecordMetadata stored, @Nullable Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (stored != null) {
      acked.incrementAndGet();
      fates.add(new Fate(partition, value, stored, null));
    } else if (cause instanceof KontikiException error) {
      fates.add(new Fate(partition, value, null, error));
    } else {
      surprises.add(new AssertionError("neither stored nor refused: " + value, cause));
    }
  }

  /** Acknowledged so far. */
  long acked() {
    return acked.get();
  }

  /** Exceptions that the contract does not have. */
  List<Throwable> surprises() {
    return List.copyOf(surprises);
  }

  /**
   * Ends the load; the producers are closed, so that every record has its outcome.
   *
   * @return what became of each
   */
  List<Fate> finish() throws InterruptedException {
    stopThreads();
    producers.forEach(Producer::close);
    if (sent.get() != outcomes.get()) {
      surprises.add(
          new AssertionError(
              "closed producers leave "
                  + (sent.get() - outcomes.get())
                  + " records without outcome"));
    }
    return List.copyOf(fates);
  }

  private void stopThreads() throws InterruptedException {
    stopping = true;
    for (Thread thread : threads) {
      thread.join();
    }
  }

  @Override
  public void close() {
    try {
      stopThreads();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    producers.forEach(producer -> producer.close(Duration.ZERO));
  }
}
