package io.kontiki.cli.demo;

import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.cli.stream.BrokerChannels;
import io.kontiki.cli.stream.GroupReader;
import io.kontiki.cli.stream.RecordReader;
import io.kontiki.model.Endpoint;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.OffsetAnchor;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.Records;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Reads numbered records: along with the load, and once more at the end. */
final class NumberedReads implements AutoCloseable {
  /** The group that reads along. */
  static final String GROUP = "demo-readers";

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration POLL = Duration.ofMillis(100);
  private static final OffsetSpec EARLIEST =
      OffsetSpec.newBuilder().setAnchor(OffsetAnchor.OFFSET_ANCHOR_EARLIEST).build();

  private final BrokerChannels brokers;
  private final String topic;
  private final Map<Integer, Long> next = new HashMap<>();
  private final List<HistoryCheck.Entry> seen = new ArrayList<>();
  private final Thread thread = new Thread(this::readAlong, "read-along");
  private final AtomicLong again = new AtomicLong();
  private volatile boolean stopping;
  private volatile @Nullable String failure;

  NumberedReads(List<Endpoint> brokers, String topic) {
    this.brokers = new BrokerChannels(brokers, 1);
    this.topic = topic;
    thread.setDaemon(true);
  }

  /** Begins to read along. */
  void start() {
    thread.start();
  }

  /** Everything from the first record to what is readable now. */
  List<HistoryCheck.Entry> readAll() {
    List<HistoryCheck.Entry> all = new ArrayList<>();
    try (RecordReader reader = new RecordReader(brokers, topic, beginning(), false, PATIENCE)) {
      while (!reader.isAtEnd()) {
        add(reader.poll(POLL), all);
      }
    }
    return all;
  }

  private Map<Integer, Long> beginning() {
    return RecordReader.offsets(brokers, topic, null, EARLIEST, Deadline.in(PATIENCE));
  }

  /** As a member of a group, at least once: what comes again was seen. */
  private void readAlong() {
    try (GroupReader reader = new GroupReader(brokers, GROUP, topic, EARLIEST, PATIENCE)) {
      while (!stopping) {
        Records records = reader.poll(POLL);
        if (records != null) {
          add(fresh(records), seen);
          reader.commit(records, records.getPosition().getOffset());
        }
      }
    } catch (CliException | IllegalStateException e) {
      failure = stopping ? null : String.valueOf(e.getMessage());
    }
  }

  private @Nullable Records fresh(Records records) {
    Records.Builder fresh = records.toBuilder().clearRecords();
    for (LogRecord one : records.getRecordsList()) {
      if (one.getOffset() >= next.getOrDefault(records.getPartition(), 0L)) {
        next.put(records.getPartition(), one.getOffset() + 1);
        fresh.addRecords(one);
      } else {
        again.incrementAndGet();
      }
    }
    return fresh.build();
  }

  /** How many records came twice, after a stream had broken. */
  long again() {
    return again.get();
  }

  private static void add(@Nullable Records records, List<HistoryCheck.Entry> to) {
    if (records == null) {
      return;
    }
    synchronized (to) {
      for (LogRecord one : records.getRecordsList()) {
        String text = one.getValue().toStringUtf8();
        long number = Long.parseLong(text.substring(text.indexOf(' ') + 1));
        to.add(new HistoryCheck.Entry(records.getPartition(), one.getOffset(), number));
      }
    }
  }

  /** What was read along so far. */
  List<HistoryCheck.Entry> seen() {
    return HistoryCheck.copyOf(seen);
  }

  /** What went wrong for good; null if nothing did. */
  @Nullable String failure() {
    return failure;
  }

  @Override
  public void close() {
    stopping = true;
    brokers.close();
    try {
      thread.join(PATIENCE.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
