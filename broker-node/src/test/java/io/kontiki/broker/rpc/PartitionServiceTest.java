package io.kontiki.broker.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.testing.DoorFixture;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.proto.PayloadMethods;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.raw.v1.Durability;
import io.kontiki.raw.v1.FetchCredit;
import io.kontiki.raw.v1.FetchRequest;
import io.kontiki.raw.v1.FetchResponse;
import io.kontiki.raw.v1.FetchStart;
import io.kontiki.raw.v1.FetchStop;
import io.kontiki.raw.v1.InitProducerIdRequest;
import io.kontiki.raw.v1.PartitionServiceGrpc;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PartitionServiceTest {
  private final DoorFixture doors;
  private final TopicId topic;

  PartitionServiceTest() throws Exception {
    doors = new DoorFixture();
    topic = doors.metadata.topic("orders", 2, Map.of());
  }

  @AfterEach
  void close() {
    doors.close();
  }

  private static final class Answers<T> implements StreamObserver<T> {
    final List<T> all = new CopyOnWriteArrayList<>();
    volatile boolean completed;
    volatile Status status = Status.OK;

    @Override
    public void onNext(T answer) {
      all.add(answer);
    }

    @Override
    public void onError(Throwable failure) {
      status = Status.fromThrowable(failure);
    }

    @Override
    public void onCompleted() {
      completed = true;
    }
  }

  private StreamObserver<WithPayload<AppendRequest>> append(Answers<AppendResponse> answers) {
    return ClientCalls.asyncBidiStreamingCall(
        doors.channel.newCall(PayloadMethods.append(1 << 20), CallOptions.DEFAULT), answers);
  }

  private StreamObserver<FetchRequest> fetch(Answers<WithPayload<FetchResponse>> answers) {
    return ClientCalls.asyncBidiStreamingCall(
        doors.channel.newCall(PayloadMethods.fetch(8 << 20), CallOptions.DEFAULT), answers);
  }

  private AppendRequest.Builder request(long id, int partition) {
    return AppendRequest.newBuilder()
        .setCorrelationId(id)
        .setTopicId(ByteString.copyFrom(topic.toBytes()))
        .setPartition(partition);
  }

  private static ByteBuffer batch(String value, long producerId) {
    RecordBatchBuilder builder =
        new RecordBatchBuilder(Compression.NONE).append(1, null, value.getBytes(), List.of());
    return producerId < 0 ? builder.build() : builder.build(producerId, (short) 0, 0);
  }

  @Test
  void batchesAreAppendedInOrderAndAnsweredInOrderPerPartition() {
    doors.partitions.pausing(new PartitionId(topic, 0), true);
    Answers<AppendResponse> answers = new Answers<>();
    StreamObserver<WithPayload<AppendRequest>> stream = append(answers);
    for (int i = 0; i < 20; i++) {
      stream.onNext(WithPayload.of(request(i, i % 2).build(), batch("v" + i, -1)));
    }
    stream.onCompleted();
    Awaitility.await().until(() -> answers.all.size() == 10);
    assertTrue(answers.all.stream().allMatch(answer -> answer.getCorrelationId() % 2 == 1));
    doors.partitions.pausing(new PartitionId(topic, 0), false);
    Awaitility.await().until(() -> answers.completed);
    assertEquals(20, answers.all.size());
    AppendResponse last = answers.all.get(19);
    assertEquals(18, last.getCorrelationId());
    assertEquals(9, last.getBaseOffset());
    assertEquals(10, last.getHighWatermark());
    assertEquals(Durability.DURABILITY_FSYNC, last.getDurability());
    assertEquals(doors.metadata.image().index(), last.getMetadataIndex());
    assertEquals(0, doors.bytes.taken());
  }

  @Test
  void aRefusalBehindAWaitingRequestIsAnsweredAfterIt() {
    PartitionId partition = new PartitionId(topic, 0);
    doors.partitions.pausing(partition, true);
    Answers<AppendResponse> answers = new Answers<>();
    StreamObserver<WithPayload<AppendRequest>> stream = append(answers);
    stream.onNext(WithPayload.of(request(1, 0).build(), batch("v", -1)));
    stream.onNext(WithPayload.of(request(2, 0).build()));
    stream.onNext(WithPayload.of(request(3, 1).build(), batch("v", -1)));
    Awaitility.await().until(() -> answers.all.size() == 1);
    assertEquals(3, answers.all.get(0).getCorrelationId());
    doors.partitions.pausing(partition, false);
    Awaitility.await().until(() -> answers.all.size() == 3);
    assertEquals(1, answers.all.get(1).getCorrelationId());
    assertEquals("INVALID_BATCH", answers.all.get(2).getFailure().getReason());
    stream.onCompleted();
  }

  @Test
  void refusalsNameReasonAndLeaderAndTheStreamGoesOn() {
    Answers<AppendResponse> answers = new Answers<>();
    StreamObserver<WithPayload<AppendRequest>> stream = append(answers);
    doors.partitions.failing(
        new PartitionId(topic, 0),
        () -> ApiError.definite(ErrorReason.NOT_LEADER, "broker 2 does"));
    stream.onNext(WithPayload.of(request(1, 0).build(), batch("v", -1)));
    stream.onNext(
        WithPayload.of(
            request(2, 0).setTopicId(ByteString.copyFromUtf8("short")).build(), batch("v", -1)));
    stream.onNext(WithPayload.of(request(3, 1).setTimeoutMs(400_000).build(), batch("v", -1)));
    stream.onNext(WithPayload.of(request(4, 1).build(), batch("v", 77)));
    stream.onNext(WithPayload.of(request(5, 1).build(), batch("v", -1)));
    stream.onCompleted();
    Awaitility.await().until(() -> answers.completed);
    assertEquals(5, answers.all.size());
    for (AppendResponse answer : answers.all) {
      switch ((int) answer.getCorrelationId()) {
        case 1 -> {
          assertEquals("NOT_LEADER", answer.getFailure().getReason());
          assertTrue(answer.getFailure().getDefinite());
          assertEquals("10.0.0.2:7600", answer.getLeader().getGrpcAddress());
          assertEquals(5, answer.getLeader().getLeaderEpoch());
        }
        case 2, 3 -> assertEquals("INVALID_FIELD", answer.getFailure().getReason());
        case 4 -> assertEquals("UNKNOWN_PRODUCER_ID", answer.getFailure().getReason());
        default -> assertFalse(answer.hasFailure());
      }
    }
  }

  @Test
  void anIdFromInitProducerIdIsKnown() {
    long id =
        PartitionServiceGrpc.newBlockingStub(doors.channel)
            .initProducerId(InitProducerIdRequest.getDefaultInstance())
            .getProducerId();
    assertTrue(id >= 0 && id < 1L << 52);
    Answers<AppendResponse> answers = new Answers<>();
    StreamObserver<WithPayload<AppendRequest>> stream = append(answers);
    stream.onNext(WithPayload.of(request(1, 0).build(), batch("v", id)));
    stream.onCompleted();
    Awaitility.await().until(() -> answers.completed);
    assertEquals(0, answers.all.get(0).getBaseOffset());
    assertTrue(answers.all.get(0).hasBaseOffset());
  }

  private static FetchRequest start(
      int id, TopicId topic, int partition, long offset, long credit) {
    return FetchRequest.newBuilder()
        .setStart(
            FetchStart.newBuilder()
                .setFetchId(id)
                .setTopicId(ByteString.copyFrom(topic.toBytes()))
                .setPartition(partition)
                .setOffset(offset)
                .setCreditBytes(credit))
        .build();
  }

  @Test
  void aFetchDeliversAsItsCreditAllowsAndEndsWhenStopped() {
    PartitionId partition = new PartitionId(topic, 0);
    int size = batch("v", -1).remaining();
    for (int i = 0; i < 6; i++) {
      doors.partitions.put(partition, batch("v", -1));
    }
    Answers<WithPayload<FetchResponse>> answers = new Answers<>();
    StreamObserver<FetchRequest> stream = fetch(answers);
    stream.onNext(start(7, topic, 0, 1, 2L * size));
    Awaitility.await().until(() -> answers.all.size() == 1);
    FetchResponse first = answers.all.get(0).message();
    assertEquals(7, first.getFetchId());
    assertEquals(3, first.getNextOffset());
    assertEquals(6, first.getHighWatermark());
    assertEquals(2 * size, answers.all.get(0).payloadBytes());
    assertEquals(1, RecordBatch.at(answers.all.get(0).joined()).baseOffset());
    stream.onNext(
        FetchRequest.newBuilder()
            .setCredit(FetchCredit.newBuilder().setFetchId(7).setBytes(100L * size))
            .build());
    Awaitility.await().until(() -> answers.all.size() == 2);
    assertEquals(6, answers.all.get(1).message().getNextOffset());
    doors.partitions.put(partition, batch("later", -1));
    Awaitility.await().until(() -> answers.all.size() == 3);
    assertEquals(7, answers.all.get(2).message().getNextOffset());
    stream.onNext(FetchRequest.newBuilder().setStop(FetchStop.newBuilder().setFetchId(7)).build());
    // A batch that comes before the stop is delivered, and then it takes another one, or 10 s, to
    // end.
    Awaitility.await()
        .until(
            () -> {
              doors.partitions.put(partition, batch("on its way", -1));
              return answers.all.get(answers.all.size() - 1).message().getEnded();
            });
    stream.onCompleted();
    Awaitility.await().until(() -> answers.completed);
    Awaitility.await().until(() -> doors.streams.taken() == 0);
  }

  @Test
  void aFailureEndsOneFetchAndTheOthersGoOn() {
    Answers<WithPayload<FetchResponse>> answers = new Answers<>();
    StreamObserver<FetchRequest> stream = fetch(answers);
    doors.partitions.put(new PartitionId(topic, 1), batch("v", -1));
    stream.onNext(start(1, topic, 0, 44, 1000));
    stream.onNext(start(2, new TopicId(1, 2), 0, 0, 1000));
    stream.onNext(start(3, topic, 1, 0, 1000));
    Awaitility.await().until(() -> answers.all.size() == 3);
    for (WithPayload<FetchResponse> answer : answers.all) {
      FetchResponse message = answer.message();
      switch (message.getFetchId()) {
        case 1 -> {
          assertEquals("OFFSET_OUT_OF_RANGE", message.getFailure().getReason());
          assertEquals("0", message.getFailure().getMetadataOrThrow("startOffset"));
          assertTrue(message.getEnded());
        }
        case 2 -> assertEquals("TOPIC_NOT_FOUND", message.getFailure().getReason());
        default -> assertEquals(1, message.getNextOffset());
      }
    }
    doors.metadata.apply(new MetadataCommand.DeleteTopic(0, topic));
    doors.partitions.put(new PartitionId(topic, 1), batch("v", -1));
    Awaitility.await().until(() -> answers.all.size() == 4);
    assertEquals("TOPIC_NOT_FOUND", answers.all.get(3).message().getFailure().getReason());
    stream.onNext(FetchRequest.getDefaultInstance());
    Awaitility.await().until(() -> answers.status.getCode() == Status.Code.INVALID_ARGUMENT);
  }
}
