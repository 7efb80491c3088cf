package io.kontiki.broker.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.testing.DoorFixture;
import io.kontiki.model.ErrorReason;
import io.kontiki.proto.Statuses;
import io.kontiki.runtime.system.SystemClock;
import io.kontiki.v1.Commit;
import io.kontiki.v1.CommitRequest;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.ListOffsetsRequest;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.OffsetAnchor;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.ReadRequest;
import io.kontiki.v1.ReadResponse;
import io.kontiki.v1.RepositionCause;
import io.kontiki.v1.Seek;
import io.kontiki.v1.Subscribe;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Consume, Commit and reads by a group's commits, over the wire. */
class ConsumeCallTest {
  private DoorFixture door;
  private LogServiceGrpc.LogServiceBlockingStub log;

  @BeforeEach
  void open() throws IOException {
    door = new DoorFixture();
    door.metadata.topic("orders", 1, Map.of());
    log = LogServiceGrpc.newBlockingStub(door.channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  @AfterEach
  void close() {
    door.close();
  }

  private void produce(String... values) {
    for (String value : values) {
      log.produce(
          ProduceRequest.newBuilder()
              .setTopic("orders")
              .addRecords(LogRecord.newBuilder().setValue(ByteString.copyFromUtf8(value)))
              .build());
    }
  }

  private static final class Stream implements StreamObserver<ConsumeResponse> {
    private final BlockingQueue<Object> came = new LinkedBlockingQueue<>();
    private final StreamObserver<ConsumeRequest> requests;

    Stream(DoorFixture door) {
      requests = LogServiceGrpc.newStub(door.channel).consume(this);
    }

    Stream subscribe() {
      requests.onNext(
          ConsumeRequest.newBuilder()
              .setSubscribe(Subscribe.newBuilder().setGroup("g").addTopics("orders"))
              .build());
      return this;
    }

    void commit(long offset) {
      requests.onNext(
          ConsumeRequest.newBuilder()
              .setCommit(Commit.newBuilder().addOffsets(place(offset)))
              .build());
    }

    private Object take() throws InterruptedException {
      Object next = came.poll(15, TimeUnit.SECONDS);
      assertNotNull(next, "nothing came");
      return next;
    }

    ConsumeResponse next() throws InterruptedException {
      Object next = take();
      if (next instanceof ConsumeResponse response) {
        return response;
      }
      throw new AssertionError(next.toString());
    }

    ErrorReason failure() throws InterruptedException {
      Object next = take();
      if (next instanceof StatusRuntimeException failed) {
        return Statuses.fromThrowable(failed).reason();
      }
      throw new AssertionError(next.toString());
    }

    @Override
    public void onNext(ConsumeResponse response) {
      came.add(response);
    }

    @Override
    public void onError(Throwable failure) {
      came.add(failure);
    }

    @Override
    public void onCompleted() {
      came.add("OK");
    }
  }

  private static PartitionOffset place(long offset) {
    return PartitionOffset.newBuilder().setTopic("orders").setOffset(offset).build();
  }

  @Test
  void consumesCommitsSeeksAndLeaves() throws InterruptedException {
    produce("a", "b");
    Stream stream = new Stream(door).subscribe();
    ConsumeResponse first = stream.next();
    assertEquals(1, first.getAssigned().getPartitionsCount());
    assertFalse(first.getAssigned().getMemberId().isEmpty());
    long next = 0;
    while (next < 2) {
      ConsumeResponse records = stream.next();
      assertTrue(records.hasRecords());
      next = records.getRecords().getPosition().getOffset();
      assertEquals(0, records.getRecords().getPosition().getLeaderEpoch());
    }
    stream.commit(2);
    assertEquals(2, stream.next().getCommitted().getOffsets(0).getOffset());
    stream.requests.onNext(
        ConsumeRequest.newBuilder()
            .setSeek(
                Seek.newBuilder()
                    .setTopic("orders")
                    .setTo(OffsetSpec.newBuilder().setAnchor(OffsetAnchor.OFFSET_ANCHOR_EARLIEST)))
            .build());
    ConsumeResponse moved = stream.next();
    assertEquals(RepositionCause.REPOSITION_CAUSE_SEEK, moved.getRepositioned().getCause());
    assertEquals("a", stream.next().getRecords().getRecords(0).getValue().toStringUtf8());
    stream.requests.onCompleted();
    Object last = stream.take();
    while (last instanceof ConsumeResponse) {
      last = stream.take();
    }
    assertEquals("OK", last);
    assertEquals(0, door.streams.taken());
    assertEquals(0, door.groupCalls.streams());
  }

  @Test
  void whatCannotBeReadEndsTheStream() throws InterruptedException {
    Stream empty = new Stream(door);
    empty.requests.onNext(ConsumeRequest.getDefaultInstance());
    assertEquals(ErrorReason.UNKNOWN_ACTION, empty.failure());
    Stream seek = new Stream(door).subscribe();
    seek.next();
    seek.requests.onNext(ConsumeRequest.newBuilder().setSeek(Seek.newBuilder()).build());
    assertEquals(ErrorReason.INVALID_FIELD, seek.failure());
    Stream unknown = new Stream(door);
    unknown.requests.onNext(
        ConsumeRequest.newBuilder()
            .setSubscribe(Subscribe.newBuilder().setGroup("g").addTopics("none"))
            .build());
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, unknown.failure());
    assertEquals(0, door.streams.taken());
  }

  @Test
  void aStreamThatIsCancelledGivesItsSlotBack() throws InterruptedException {
    Stream stream = new Stream(door).subscribe();
    stream.next();
    assertEquals(1, door.groupCalls.streams());
    stream.requests.onError(Status.CANCELLED.asRuntimeException());
    org.awaitility.Awaitility.await().until(() -> door.groupCalls.streams() == 0);
    assertEquals(0, door.streams.taken());
  }

  @Test
  void aPlannedStopTellsEveryStreamAndRefusesNewOnes() throws InterruptedException {
    Stream stream = new Stream(door).subscribe();
    stream.next();
    door.groupCalls.closing(2000);
    assertEquals(2, stream.next().getReconnect().getTimeLeft().getSeconds());
    assertEquals("OK", stream.take());
    door.groupCalls.awaitClosed(new SystemClock(), 5000);
    assertEquals(0, door.groupCalls.streams());
    assertEquals(ErrorReason.BROKER_STOPPING, new Stream(door).subscribe().failure());
  }

  @Test
  void commitsFromOutsideAreReadByListOffsetsAndRead() {
    produce("a", "b", "c");
    log.commit(CommitRequest.newBuilder().setGroup("jobs").addOffsets(place(2)).build());
    OffsetSpec at = OffsetSpec.newBuilder().setCommittedBy("jobs").build();
    ListOffsetsRequest list = ListOffsetsRequest.newBuilder().setTopic("orders").setAt(at).build();
    assertEquals(2, log.listOffsets(list).getOffsets(0).getOffset());
    Iterator<ReadResponse> read =
        log.read(ReadRequest.newBuilder().setTopic("orders").setStart(at).build());
    assertEquals("c", read.next().getRecords().getRecords(0).getValue().toStringUtf8());
    log.commit(CommitRequest.newBuilder().setGroup("jobs").addOffsets(place(1)).build());
    assertEquals(1, log.listOffsets(list).getOffsets(0).getOffset(), "it may go back");
    OffsetSpec none = OffsetSpec.newBuilder().setCommittedBy("none").build();
    assertEquals(
        ErrorReason.GROUP_NOT_FOUND,
        reason(() -> log.listOffsets(list.toBuilder().setAt(none).build())));
    assertEquals(
        ErrorReason.NO_COMMITTED_OFFSET,
        reason(
            () ->
                log.read(ReadRequest.newBuilder().setTopic("orders").setStart(none).build())
                    .next()));
  }

  private static ErrorReason reason(Runnable call) {
    return Statuses.fromThrowable(assertThrows(StatusRuntimeException.class, call::run)).reason();
  }

  @Test
  void commitsFromOutsideAreChecked() throws InterruptedException {
    CommitRequest good = CommitRequest.newBuilder().setGroup("jobs").addOffsets(place(2)).build();
    Map<String, CommitRequest> bad =
        Map.of(
            "group", good.toBuilder().setGroup("").build(),
            "offsets", good.toBuilder().clearOffsets().build(),
            "offsets[0].offset", good.toBuilder().setOffsets(0, place(-1)).build(),
            "offsets[1]", good.toBuilder().addOffsets(place(3)).build(),
            "generation", good.toBuilder().setGeneration(-1).build(),
            "offsets[0].leader_epoch",
                good.toBuilder().setOffsets(0, place(2).toBuilder().setLeaderEpoch(9)).build());
    bad.forEach(
        (field, request) -> {
          StatusRuntimeException failed =
              assertThrows(StatusRuntimeException.class, () -> log.commit(request));
          assertEquals(field, Statuses.fromThrowable(failed).metadata().get("field"));
        });
    PartitionOffset far = place(0).toBuilder().setPartition(9).build();
    assertEquals(
        ErrorReason.PARTITION_NOT_FOUND,
        reason(() -> log.commit(good.toBuilder().setOffsets(0, far).build())));
    PartitionOffset gone = place(0).toBuilder().setTopic("none").build();
    assertEquals(
        ErrorReason.TOPIC_NOT_FOUND,
        reason(() -> log.commit(good.toBuilder().setOffsets(0, gone).build())));
    Stream member = new Stream(door).subscribe();
    ConsumeResponse assigned = member.next();
    CommitRequest outside = good.toBuilder().setGroup("g").build();
    assertEquals(ErrorReason.GROUP_ACTIVE, reason(() -> log.commit(outside)));
    CommitRequest onBehalf =
        outside.toBuilder()
            .setMemberId(assigned.getAssigned().getMemberId())
            .setGeneration(assigned.getAssigned().getGeneration())
            .build();
    assertEquals(List.of(), List.copyOf(log.commit(onBehalf).getAllFields().values()));
    assertEquals(
        ErrorReason.MEMBER_FENCED,
        reason(() -> log.commit(onBehalf.toBuilder().setMemberId("nobody").build())));
  }
}
