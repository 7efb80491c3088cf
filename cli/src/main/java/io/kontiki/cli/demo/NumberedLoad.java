package io.kontiki.cli.demo;

import com.google.protobuf.ByteString;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.cli.stream.BrokerChannels;
import io.kontiki.cli.stream.RecordWriter;
import io.kontiki.cli.stream.RecordsRefusedException;
import io.kontiki.model.Endpoint;
import io.kontiki.v1.Acks;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.RecordPosition;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes numbered records to every partition until told to stop: one thread and one producer id per
 * partition, each request sent when the one before is acknowledged by all in-sync replicas.
 */
final class NumberedLoad implements AutoCloseable {
  private static final int RECORDS_PER_REQUEST = 10;
  private static final long PAUSE_MS = 5;
  private static final Duration SEND_PATIENCE = Duration.ofSeconds(30);

  private final List<Lane> lanes = new ArrayList<>();
  private volatile boolean stopping;

  NumberedLoad(List<Endpoint> brokers, String topic, int partitions) {
    for (int partition = 0; partition < partitions; partition++) {
      // Each enters at another broker: most requests are forwarded, as those of thin clients are.
      lanes.add(new Lane(new BrokerChannels(brokers, partition), topic, partition));
    }
  }

  void start() {
    lanes.forEach(lane -> lane.thread.start());
  }

  /** Sends nothing more, and waits for what is under way. */
  void stop() {
    stopping = true;
    for (Lane lane : lanes) {
      try {
        lane.thread.join(SEND_PATIENCE.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    stopping = true;
    lanes.forEach(lane -> lane.brokers.close());
    stop();
  }

  /** What went wrong for good; null if nothing did. */
  @Nullable String failure() {
    for (Lane lane : lanes) {
      if (lane.failure != null) {
        return "partition " + lane.partition + ": " + lane.failure;
      }
    }
    return null;
  }

  List<HistoryCheck.Entry> acknowledged() {
    List<HistoryCheck.Entry> all = new ArrayList<>();
    lanes.forEach(lane -> all.addAll(HistoryCheck.copyOf(lane.acknowledged)));
    return all;
  }

  /** Acknowledged records of one partition so far. */
  long acknowledgedCount(int partition) {
    List<HistoryCheck.Entry> acknowledged = lanes.get(partition).acknowledged;
    synchronized (acknowledged) {
      return acknowledged.size();
    }
  }

  /** Sent records by partition, acknowledged or not. */
  Map<Integer, Long> sent() {
    Map<Integer, Long> sent = new TreeMap<>();
    lanes.forEach(lane -> sent.put(lane.partition, lane.sent));
    return sent;
  }

  /** The longest time between two acknowledgements of one partition, in milliseconds. */
  long longestGapMs(int partition) {
    return lanes.get(partition).longestGapNanos / 1_000_000;
  }

  /** One partition's writer. */
  private final class Lane {
    private final BrokerChannels brokers;
    private final RecordWriter writer;
    private final int partition;
    private final Thread thread;
    private final List<HistoryCheck.Entry> acknowledged = new ArrayList<>();
    private volatile long sent;
    private volatile long longestGapNanos;
    private volatile @Nullable String failure;

    Lane(BrokerChannels brokers, String topic, int partition) {
      this.brokers = brokers;
      this.writer = new RecordWriter(brokers, topic, Acks.ACKS_ALL);
      this.partition = partition;
      this.thread = new Thread(this::run, "load-" + partition);
      this.thread.setDaemon(true);
    }

    private void run() {
      try {
        long lastAck = 0;
        while (!stopping) {
          long first = sent;
          sent = first + RECORDS_PER_REQUEST;
          List<RecordPosition> positions =
              writer.send(records(first), partition, Deadline.in(SEND_PATIENCE));
          long now = System.nanoTime();
          if (lastAck != 0) {
            longestGapNanos = Math.max(longestGapNanos, now - lastAck);
          }
          lastAck = now;
          synchronized (acknowledged) {
            for (RecordPosition position : positions) {
              acknowledged.add(
                  new HistoryCheck.Entry(position.getPartition(), position.getOffset(), first++));
            }
          }
          Deadline.in(SEND_PATIENCE).pause(PAUSE_MS);
        }
      } catch (CliException | RecordsRefusedException | IllegalStateException e) {
        failure = stopping ? null : String.valueOf(e.getMessage());
      }
    }

    private static List<LogRecord> records(long first) {
      List<LogRecord> records = new ArrayList<>(RECORDS_PER_REQUEST);
      for (long number = first; number < first + RECORDS_PER_REQUEST; number++) {
        records.add(
            LogRecord.newBuilder().setValue(ByteString.copyFromUtf8("record " + number)).build());
      }
      return records;
    }
  }
}
