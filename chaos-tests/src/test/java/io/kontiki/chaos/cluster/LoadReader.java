package io.kontiki.chaos.cluster;

import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.ReadRequest;
import io.kontiki.v1.ReadResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.locks.LockSupport;

/**
 * Reads one partition from its first offset onwards and writes down what it sees. When its stream
 * breaks it goes on at the next broker, where it was. Runs in a thread of its own.
 */
final class LoadReader implements Runnable {
  private static final long PAUSE_NANOS = Duration.ofMillis(20).toNanos();

  private final String name;
  private final String topic;
  private final int partition;
  private final boolean follow;
  private final Brokers brokers;
  private final History history;
  private final Context.CancellableContext reading = Context.ROOT.withCancellation();
  private long nextOffset;
  private boolean atEnd;

  /**
   * @param follow false: ends at the high watermark of the moment at which a stream is opened
   */
  LoadReader(
      String name, String topic, int partition, boolean follow, Brokers brokers, History history) {
    this.name = name;
    this.topic = topic;
    this.partition = partition;
    this.follow = follow;
    this.brokers = brokers;
    this.history = history;
  }

  /** Ends the stream that is open. Any thread. */
  void stop() {
    reading.cancel(null);
  }

  @Override
  public void run() {
    reading.run(
        () -> {
          while (!atEnd && !reading.isCancelled()) {
            try {
              readOn();
            } catch (StatusRuntimeException e) {
              brokers.next();
              LockSupport.parkNanos(PAUSE_NANOS);
            }
          }
        });
  }

  private void readOn() {
    Log log = new Log(topic, partition);
    history.add(new Event.Asked(name, log, nextOffset));
    Iterator<ReadResponse> responses =
        brokers
            .stub()
            .read(
                ReadRequest.newBuilder()
                    .setTopic(topic)
                    .setPartition(partition)
                    .setStart(OffsetSpec.newBuilder().setOffset(nextOffset))
                    .setFollow(follow)
                    .build());
    while (responses.hasNext()) {
      ReadResponse response = responses.next();
      for (LogRecord record : response.getRecords().getRecordsList()) {
        history.add(
            new Event.Read(name, log, record.getValue().toStringUtf8(), record.getOffset()));
      }
      if (response.hasRecords()) {
        nextOffset = response.getRecords().getPosition().getOffset();
      }
    }
    if (!follow) {
      history.add(new Event.EndReached(name, log, nextOffset));
      atEnd = true;
    }
  }
}
