package io.kontiki.chaos.cluster;

import com.google.protobuf.ByteString;
import io.grpc.StatusRuntimeException;
import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.proto.Statuses;
import io.kontiki.v1.Acks;
import io.kontiki.v1.InitProducerIdRequest;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.ProduceResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends records one after the other with acks=all and a producer id, over all partitions in turn,
 * and writes down how each send ended. A send is repeated with its sequence, at the next broker,
 * until it is acknowledged, refused for good, or 30 s are over. Runs in a thread of its own.
 */
final class LoadProducer implements Runnable {
  private static final long TRY_MS = 5_000;
  private static final long DELIVERY_NANOS = Duration.ofSeconds(30).toNanos();
  private static final long PAUSE_NANOS = Duration.ofMillis(20).toNanos();

  private final String name;
  private final String topic;
  private final List<Integer> partitions;
  private final Brokers brokers;
  private final History history;
  private final PauseMeter pauses;
  private final Map<ErrorReason, Integer> refusals;
  private volatile boolean stopping;

  LoadProducer(
      String name,
      String topic,
      List<Integer> partitions,
      Brokers brokers,
      History history,
      PauseMeter pauses,
      Map<ErrorReason, Integer> refusals) {
    this.name = name;
    this.topic = topic;
    this.partitions = partitions;
    this.brokers = brokers;
    this.history = history;
    this.pauses = pauses;
    this.refusals = refusals;
  }

  /** Ends after the send that is under way. */
  void stop() {
    stopping = true;
  }

  @Override
  public void run() {
    long producerId = producerId();
    for (int number = 0; !stopping; number++) {
      history.add(send(producerId, number));
    }
  }

  private long producerId() {
    long give = System.nanoTime() + DELIVERY_NANOS;
    while (true) {
      try {
        return brokers
            .stub()
            .withDeadlineAfter(TRY_MS, TimeUnit.MILLISECONDS)
            .initProducerId(InitProducerIdRequest.getDefaultInstance())
            .getProducerId();
      } catch (StatusRuntimeException e) {
        if (System.nanoTime() - give > 0) {
          throw e;
        }
        pause();
      }
    }
  }

  private Event send(long producerId, int number) {
    int partition = partitions.get(number % partitions.size());
    String value = name + "-" + number;
    Log log = new Log(topic, partition);
    history.add(new Event.Sent(name, number, log, value, Event.Sending.DEFAULT));
    ProduceRequest request =
        ProduceRequest.newBuilder()
            .setTopic(topic)
            .setPartition(partition)
            .addRecords(LogRecord.newBuilder().setValue(ByteString.copyFromUtf8(value)))
            .setAcks(Acks.ACKS_ALL)
            .setProducerId(producerId)
            .setSequence(number)
            .build();
    long end = System.nanoTime() + DELIVERY_NANOS;
    boolean maybeAppended = false;
    while (true) {
      try {
        ProduceResponse response =
            brokers.stub().withDeadlineAfter(TRY_MS, TimeUnit.MILLISECONDS).produce(request);
        pauses.onProgress(name);
        return new Event.Acked(name, number, log, value, response.getPositions(0).getOffset());
      } catch (StatusRuntimeException e) {
        ApiError error = Statuses.fromThrowable(e);
        if (error.definite()) {
          refusals.merge(error.reason(), 1, Integer::sum);
        }
        // a refused repetition says nothing about a try before it
        maybeAppended |= !error.definite();
        if (!mayHelp(error) || System.nanoTime() - end > 0) {
          return maybeAppended
              ? new Event.Unknown(name, number, log, value)
              : new Event.Refused(name, number, log, value);
        }
        pause();
      }
    }
  }

  private static boolean mayHelp(ApiError error) {
    return !error.definite()
        || List.of(ErrorReason.Code.UNAVAILABLE, ErrorReason.Code.RESOURCE_EXHAUSTED)
            .contains(error.reason().code());
  }

  private void pause() {
    brokers.next();
    LockSupport.parkNanos(PAUSE_NANOS);
  }
}
