package io.kontiki.chaos.run.rpc;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.proto.Statuses;
import io.kontiki.v1.Acks;
import io.kontiki.v1.InitProducerIdRequest;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.ProduceRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Sends records one by one to any broker, which hands on what it does not lead; at the next one
 * when the last has not answered. One thread.
 */
public final class ThinSender implements AutoCloseable {
  private static final long DEADLINE_SECONDS = 10;

  private final List<ManagedChannel> channels = new ArrayList<>();
  private int current;

  /**
   * How one try ended.
   *
   * @param offset at which it is; -1: it was refused
   * @param definite of a refusal: nothing was appended, and nothing will be
   */
  public record Try(long offset, boolean definite) {
    /** Whether it is stored. */
    public boolean stored() {
      return offset >= 0;
    }
  }

  /** Begins at one of the brokers. */
  public ThinSender(List<Endpoint> brokers, int first) {
    for (Endpoint broker : brokers) {
      channels.add(
          NettyChannelBuilder.forAddress(broker.host(), broker.port()).usePlaintext().build());
    }
    this.current = first % channels.size();
  }

  private LogServiceGrpc.LogServiceBlockingStub stub() {
    return LogServiceGrpc.newBlockingStub(channels.get(current))
        .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private void next() {
    current = (current + 1) % channels.size();
  }

  /** An id under which repetitions are recognised; 0 if there is none at the moment. */
  public long producerId() {
    try {
      return stub().initProducerId(InitProducerIdRequest.getDefaultInstance()).getProducerId();
    } catch (StatusRuntimeException e) {
      next();
      return 0;
    }
  }

  /**
   * Sends a record with acks=all.
   *
   * @param producerId 0: without one
   * @param sequence of the record; grows with each, and is the same when one is sent again
   */
  public Try send(String topic, int partition, String value, long producerId, int sequence) {
    ProduceRequest.Builder request =
        ProduceRequest.newBuilder()
            .setTopic(topic)
            .setPartition(partition)
            .addRecords(LogRecord.newBuilder().setValue(ByteString.copyFromUtf8(value)))
            .setAcks(Acks.ACKS_ALL);
    if (producerId != 0) {
      request.setProducerId(producerId).setSequence(sequence);
    }
    try {
      return new Try(stub().produce(request.build()).getPositions(0).getOffset(), true);
    } catch (StatusRuntimeException e) {
      ApiError error = Statuses.fromThrowable(e);
      next();
      return new Try(-1, error.definite());
    }
  }

  @Override
  public void close() {
    channels.forEach(ManagedChannel::shutdownNow);
  }
}
