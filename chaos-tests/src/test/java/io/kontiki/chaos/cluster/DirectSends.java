package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.proto.Statuses;
import io.kontiki.v1.Acks;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.ProduceResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Records for a node that is frozen: they wait in its socket, and are the first that it sees when
 * it goes on, as the leader that it thinks it is. Each is sent once and its outcome written down.
 */
final class DirectSends implements AutoCloseable {
  private static final int PER_PARTITION = 5;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final ManagedChannel channel;
  private final History history;
  private final AtomicInteger open = new AtomicInteger();

  /** Connects; to be called while the node answers. */
  DirectSends(ServerNode node, History history) {
    this.history = history;
    channel = Grpc.newChannelBuilder(node.grpc(), InsecureChannelCredentials.create()).build();
    channel.getState(true);
  }

  void send(String topic, List<Integer> partitions) {
    for (int partition : partitions) {
      for (int i = 0; i < PER_PARTITION; i++) {
        send(topic, partition, "direct-" + partition + "-" + i);
      }
    }
  }

  private void send(String topic, int partition, String value) {
    Log log = new Log(topic, partition);
    history.add(new Event.Sent(value, 0, log, value, Event.Sending.WITHOUT_ID));
    open.incrementAndGet();
    LogServiceGrpc.newStub(channel)
        .withDeadlineAfter(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .produce(
            ProduceRequest.newBuilder()
                .setTopic(topic)
                .setPartition(partition)
                .addRecords(LogRecord.newBuilder().setValue(ByteString.copyFromUtf8(value)))
                .setAcks(Acks.ACKS_ALL)
                .build(),
            new StreamObserver<>() {
              @Override
              public void onNext(ProduceResponse response) {
                long offset = response.getPositions(0).getOffset();
                end(new Event.Acked(value, 0, log, value, offset));
              }

              @Override
              public void onError(Throwable failure) {
                end(
                    Statuses.fromThrowable(failure).definite()
                        ? new Event.Refused(value, 0, log, value)
                        : new Event.Unknown(value, 0, log, value));
              }

              @Override
              public void onCompleted() {}
            });
  }

  private void end(Event event) {
    history.add(event);
    open.decrementAndGet();
  }

  /** Waits for the outcome of each. */
  void awaitOutcomes() {
    await("the outcome of " + open + " records sent to a frozen node")
        .atMost(PATIENCE.plusSeconds(10))
        .until(() -> open.get() == 0);
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
