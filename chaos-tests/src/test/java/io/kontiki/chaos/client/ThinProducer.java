package io.kontiki.chaos.client;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.proto.Statuses;
import io.kontiki.v1.Acks;
import io.kontiki.v1.InitProducerIdRequest;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.ProduceResponse;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends records one after the other through one broker, which hands on what it does not lead. Each
 * is one call with a long deadline, so that a pause is that of the broker's forwarding. Runs in a
 * thread of its own.
 */
final class ThinProducer implements Runnable, AutoCloseable {
  private static final long DEADLINE_SECONDS = 30;
  private static final long BETWEEN_NANOS = 5_000_000;
  private static final int TRIES = 100;

  private final String name;
  private final String topic;
  private final int partitions;
  private final boolean recognised;
  private final History history;
  private final Gaps pauses;
  private final ManagedChannel channel;
  private final LogServiceGrpc.LogServiceBlockingStub stub;
  private volatile boolean stopping;

  /**
   * @param recognised with a producer id: then the broker repeats what may be repeated, and so does
   *     this; without one an unknown outcome is left at that
   */
  ThinProducer(
      String name,
      Endpoint broker,
      String topic,
      int partitions,
      boolean recognised,
      History history,
      Gaps pauses) {
    this.name = name;
    this.topic = topic;
    this.partitions = partitions;
    this.recognised = recognised;
    this.history = history;
    this.pauses = pauses;
    this.channel =
        NettyChannelBuilder.forAddress(broker.host(), broker.port()).usePlaintext().build();
    this.stub = LogServiceGrpc.newBlockingStub(channel);
  }

  /** Ends after the send that is under way. */
  void stop() {
    stopping = true;
  }

  @Override
  public void run() {
    long id = recognised ? producerId() : 0;
    for (int number = 0; !stopping; number++) {
      history.add(send(id, number));
      pauses.onProgress(EveryClient.place(number % partitions));
      LockSupport.parkNanos(BETWEEN_NANOS);
    }
  }

  private long producerId() {
    for (int tries = 1; ; tries++) {
      try {
        return stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
            .initProducerId(InitProducerIdRequest.getDefaultInstance())
            .getProducerId();
      } catch (StatusRuntimeException e) {
        if (tries == TRIES) {
          throw e;
        }
        LockSupport.parkNanos(BETWEEN_NANOS);
      }
    }
  }

  private Event send(long id, int number) {
    int partition = number % partitions;
    String value = name + "-" + number;
    Log log = new Log(topic, partition);
    history.add(
        new Event.Sent(
            name,
            number,
            log,
            value,
            recognised ? Event.Sending.DEFAULT : Event.Sending.WITHOUT_ID));
    ProduceRequest.Builder request =
        ProduceRequest.newBuilder()
            .setTopic(topic)
            .setPartition(partition)
            .addRecords(LogRecord.newBuilder().setValue(ByteString.copyFromUtf8(value)))
            .setAcks(Acks.ACKS_ALL);
    if (recognised) {
      request.setProducerId(id).setSequence(number);
    }
    boolean maybeAppended = false;
    for (int tries = 1; ; tries++) {
      try {
        ProduceResponse response =
            stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS).produce(request.build());
        return new Event.Acked(name, number, log, value, response.getPositions(0).getOffset());
      } catch (StatusRuntimeException e) {
        ApiError error = Statuses.fromThrowable(e);
        maybeAppended |= !error.definite();
        if (tries == TRIES || (!recognised && maybeAppended)) {
          return maybeAppended
              ? new Event.Unknown(name, number, log, value)
              : new Event.Refused(name, number, log, value);
        }
      }
      LockSupport.parkNanos(BETWEEN_NANOS);
    }
  }

  @Override
  public void close() {
    stop();
    channel.shutdownNow();
  }
}
