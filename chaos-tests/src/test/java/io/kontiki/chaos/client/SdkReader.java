package io.kontiki.chaos.client;

import io.kontiki.client.Consumer;
import io.kontiki.client.ConsumerOptions;
import io.kontiki.client.ConsumerRecord;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.StartAt;
import io.kontiki.client.TopicPartition;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A consumer of all partitions of a topic, from the beginning, in a thread of its own. */
final class SdkReader implements AutoCloseable {
  private final Consumer consumer;
  private final Thread thread = new Thread(this::run, "reader");
  private final List<List<String>> values = new ArrayList<>();
  private final List<TopicPartition> partitions;
  private @Nullable Throwable failure;
  private volatile boolean stopping;
  private boolean stopped;

  private SdkReader(KontikiClient client, String topic, int partitionCount) {
    // LATEST and EARLIEST would hide a hole.
    consumer =
        client.newConsumer(
            ConsumerOptions.DEFAULT
                .withStartAt(StartAt.BEGINNING)
                .withOutOfRange(ConsumerOptions.OutOfRange.ERROR));
    partitions =
        IntStream.range(0, partitionCount)
            .mapToObj(number -> new TopicPartition(topic, number))
            .toList();
    partitions.forEach(partition -> values.add(new ArrayList<>()));
    consumer.assign(partitions);
  }

  static SdkReader start(KontikiClient client, String topic, int partitionCount) {
    SdkReader reader = new SdkReader(client, topic, partitionCount);
    reader.thread.start();
    return reader;
  }

  private void run() {
    try {
      while (!stopping) {
        consumer.poll(Duration.ofMillis(100)).forEach(this::add);
      }
    } catch (RuntimeException | Error e) {
      synchronized (this) {
        failure = e;
      }
    }
  }

  private synchronized void add(ConsumerRecord record) {
    List<String> read = values.get(record.partition());
    if (record.offset() != read.size()) {
      throw new AssertionError(
          record.topic()
              + "-"
              + record.partition()
              + ": offset "
              + record.offset()
              + " follows "
              + (read.size() - 1));
    }
    read.add(new String(Objects.requireNonNull(record.value()), StandardCharsets.UTF_8));
  }

  /** How many records of a partition were read; fails if the reader has. */
  synchronized long read(int partition) {
    if (failure != null) {
      throw new AssertionError("the reader has failed", failure);
    }
    return values.get(partition).size();
  }

  /** Whether it has read up to these offsets. */
  boolean isAt(Map<Integer, Long> ends) {
    return ends.entrySet().stream().allMatch(end -> read(end.getKey()) >= end.getValue());
  }

  /** Ends it; the values by partition, in the order of their offsets, from 0. */
  List<List<String>> finish() throws InterruptedException {
    close();
    synchronized (this) {
      if (failure != null) {
        throw new AssertionError("the reader has failed", failure);
      }
      return List.copyOf(values);
    }
  }

  @Override
  public void close() {
    if (stopped) {
      return;
    }
    stopped = true;
    stopping = true;
    consumer.wakeUp();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    consumer.close();
  }
}
