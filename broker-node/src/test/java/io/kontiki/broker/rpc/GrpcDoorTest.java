package io.kontiki.broker.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.StatusProto;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.testing.DoorFixture;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.proto.Statuses;
import io.kontiki.v1.Acks;
import io.kontiki.v1.AddQuorumVoterRequest;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.CreateTopicRequest;
import io.kontiki.v1.CreateTopicResponse;
import io.kontiki.v1.DescribeConfigRequest;
import io.kontiki.v1.InitProducerIdRequest;
import io.kontiki.v1.ListOffsetsRequest;
import io.kontiki.v1.ListOffsetsResponse;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.OffsetAnchor;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.ProduceResponse;
import io.kontiki.v1.ProduceStreamRequest;
import io.kontiki.v1.ProduceStreamResponse;
import io.kontiki.v1.ReadRequest;
import io.kontiki.v1.ReadResponse;
import io.kontiki.v1.RecordHeader;
import io.kontiki.v1.RemoveQuorumVoterRequest;
import io.kontiki.v1.WatchClusterRequest;
import io.kontiki.v1.WatchClusterResponse;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GrpcDoorTest {
  private final DoorFixture doors;
  private final LogServiceGrpc.LogServiceBlockingStub log;
  private final AdminServiceGrpc.AdminServiceBlockingStub admin;

  GrpcDoorTest() throws Exception {
    doors = new DoorFixture();
    log = LogServiceGrpc.newBlockingStub(doors.channel);
    admin = AdminServiceGrpc.newBlockingStub(doors.channel);
  }

  @AfterEach
  void close() {
    doors.close();
  }

  private static LogRecord record(String key, String value) {
    return LogRecord.newBuilder()
        .setKey(ByteString.copyFromUtf8(key))
        .setValue(ByteString.copyFromUtf8(value))
        .build();
  }

  private static ProduceRequest.Builder produce(String topic, String... values) {
    ProduceRequest.Builder request = ProduceRequest.newBuilder().setTopic(topic);
    for (String value : values) {
      request.addRecords(record("k", value));
    }
    return request;
  }

  private static ErrorInfo info(StatusRuntimeException failure) {
    try {
      return StatusProto.fromThrowable(failure).getDetails(0).unpack(ErrorInfo.class);
    } catch (com.google.protobuf.InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
  }

  private static void refused(
      Status.Code code, ErrorReason reason, boolean definite, Runnable call) {
    StatusRuntimeException failure = assertThrows(StatusRuntimeException.class, call::run);
    assertEquals(code, failure.getStatus().getCode(), failure.getMessage());
    ErrorInfo info = info(failure);
    assertEquals(reason.name(), info.getReason());
    assertEquals("kontiki", info.getDomain());
    assertEquals(definite ? "definite" : "indefinite", info.getMetadataOrThrow("outcome"));
  }

  @Test
  void recordsGoInAndComeOutAsTheyWere() {
    CreateTopicResponse created =
        admin.createTopic(
            CreateTopicRequest.newBuilder().setName("orders").setPartitions(3).build());
    assertEquals(3, created.getTopic().getPartitionsCount());
    assertEquals(0, created.getPartitionsNotReadyCount());
    LogRecord bare =
        LogRecord.newBuilder().setTimestamp(Timestamp.newBuilder().setSeconds(5)).build();
    LogRecord full =
        record("key", "value").toBuilder()
            .addHeaders(RecordHeader.newBuilder().setKey("h"))
            .addHeaders(
                RecordHeader.newBuilder().setKey("h").setValue(ByteString.copyFromUtf8("2")))
            .setTimestamp(Timestamp.newBuilder().setSeconds(7).setNanos(8_999_999))
            .build();
    ProduceResponse produced =
        log.produce(
            ProduceRequest.newBuilder()
                .setTopic("orders")
                .setPartition(1)
                .addRecords(bare)
                .addRecords(full)
                .build());
    assertEquals(1, produced.getPositions(1).getOffset());
    Iterator<ReadResponse> read =
        log.read(ReadRequest.newBuilder().setTopic("orders").setPartition(1).build());
    ReadResponse response = read.next();
    assertFalse(read.hasNext());
    LogRecord first = response.getRecords().getRecords(0);
    LogRecord second = response.getRecords().getRecords(1);
    assertFalse(first.hasKey() || first.hasValue());
    assertEquals(5, first.getTimestamp().getSeconds());
    assertEquals(
        full.toBuilder()
            .setOffset(1)
            .setTimestamp(Timestamp.newBuilder().setSeconds(7).setNanos(8_000_000))
            .build(),
        second);
    assertEquals(2, response.getRecords().getPosition().getOffset());
    assertEquals(2, response.getRecords().getHighWatermark());
  }

  @Test
  void everyRefusalOfProduceCarriesItsReasonAndOutcome() {
    TopicId topic = doors.metadata.topic("orders", 1, Map.of("max.message.bytes", "200"));
    refused(
        Status.Code.NOT_FOUND,
        ErrorReason.TOPIC_NOT_FOUND,
        true,
        () -> log.produce(produce("nothing", "v").build()));
    refused(
        Status.Code.NOT_FOUND,
        ErrorReason.PARTITION_NOT_FOUND,
        true,
        () -> log.produce(produce("orders", "v").setPartition(1).build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        ErrorReason.RECORD_TOO_LARGE,
        true,
        () -> log.produce(produce("orders", "x".repeat(300)).build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        ErrorReason.UNKNOWN_PRODUCER_ID,
        true,
        () -> log.produce(produce("orders", "v").setProducerId((1L << 52) + 9).build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        ErrorReason.INVALID_FIELD,
        true,
        () -> log.produce(produce("orders", "v").setAcksValue(9).build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        ErrorReason.INVALID_FIELD,
        true,
        () -> log.produce(produce("orders", "v").setPartition(-1).build()));
    doors.partitions.failing(
        new PartitionId(topic, 0),
        () -> ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "deadline"));
    refused(
        Status.Code.UNKNOWN,
        ErrorReason.OUTCOME_UNKNOWN,
        false,
        () -> log.produce(produce("orders", "v").build()));
    long id = log.initProducerId(InitProducerIdRequest.getDefaultInstance()).getProducerId();
    refused(
        Status.Code.UNAVAILABLE,
        ErrorReason.OUTCOME_UNKNOWN,
        false,
        () -> log.produce(produce("orders", "v").setProducerId(id).build()));
    doors.partitions.failing(
        new PartitionId(topic, 0),
        () -> ApiError.retriable(ErrorReason.NOT_ENOUGH_REPLICAS, "isr", 250));
    StatusRuntimeException failure =
        assertThrows(
            StatusRuntimeException.class, () -> log.produce(produce("orders", "v").build()));
    assertEquals("250", failure.getTrailers().get(Statuses.RETRY_PUSHBACK));
  }

  @Test
  void aBadFieldIsNamedInABadRequest() throws Exception {
    StatusRuntimeException failure =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                log.produce(
                    produce("orders", "v")
                        .addRecords(
                            LogRecord.newBuilder()
                                .setTimestamp(Timestamp.newBuilder().setSeconds(-1)))
                        .build()));
    BadRequest bad = StatusProto.fromThrowable(failure).getDetails(1).unpack(BadRequest.class);
    assertEquals("records[1].timestamp", bad.getFieldViolations(0).getField());
  }

  @Test
  void theAnswerComesBeforeTheClientsDeadline() {
    doors.metadata.quorum(false);
    StatusRuntimeException failure =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                log.withDeadlineAfter(2, TimeUnit.SECONDS)
                    .produce(produce("nothing", "v").build()));
    assertEquals(ErrorReason.LEADER_UNAVAILABLE.name(), info(failure).getReason());
  }

  @Test
  void aStreamAnswersEveryRequestAndEndsAfterHalfClose() throws Exception {
    TopicId topic = doors.metadata.topic("orders", 2, Map.of());
    List<ProduceStreamResponse> answers = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch end = new CountDownLatch(1);
    StreamObserver<ProduceStreamRequest> requests =
        LogServiceGrpc.newStub(doors.channel).produceStream(observer(answers, end));
    int count = 2000;
    for (int i = 0; i < count; i++) {
      requests.onNext(
          ProduceStreamRequest.newBuilder()
              .setCorrelationId(i)
              .setProduce(produce("orders", "v" + i).setPartition(i % 2))
              .build());
    }
    requests.onNext(ProduceStreamRequest.newBuilder().setCorrelationId(-1).build());
    requests.onNext(
        ProduceStreamRequest.newBuilder()
            .setCorrelationId(-2)
            .setProduce(produce("nothing", "v"))
            .build());
    requests.onCompleted();
    assertTrue(end.await(30, TimeUnit.SECONDS));
    assertEquals(count + 2, answers.size());
    for (int partition = 0; partition < 2; partition++) {
      long offset = 0;
      for (ProduceStreamResponse answer : answers) {
        if (answer.hasProduced()
            && answer.getProduced().getPositions(0).getPartition() == partition) {
          assertEquals(offset++, answer.getProduced().getPositions(0).getOffset());
        }
      }
      assertEquals(count / 2, offset);
      int p = partition;
      List<io.kontiki.record.Record> stored =
          doors.partitions.records(new PartitionId(topic, partition));
      for (int i = 0; i < stored.size(); i++) {
        assertEquals("v" + (2 * i + p), new String(stored.get(i).value()));
      }
    }
    List<String> reasons =
        answers.stream()
            .filter(ProduceStreamResponse::hasFailure)
            .map(answer -> answer.getCorrelationId() + " " + answer.getFailure().getReason())
            .sorted()
            .toList();
    assertEquals(List.of("-1 INVALID_FIELD", "-2 TOPIC_NOT_FOUND"), reasons);
    assertEquals(0, doors.bytes.taken());
    Awaitility.await().until(() -> doors.streams.taken() == 0);
  }

  private static <T> StreamObserver<T> observer(List<T> answers, CountDownLatch end) {
    return new StreamObserver<>() {
      @Override
      public void onNext(T answer) {
        answers.add(answer);
      }

      @Override
      public void onError(Throwable failure) {
        failure.printStackTrace();
      }

      @Override
      public void onCompleted() {
        end.countDown();
      }
    };
  }

  @Test
  void aStreamStopsReadingWhileTooManyBytesAreInFlight() {
    TopicId topic = doors.metadata.topic("orders", 1, Map.of());
    doors.partitions.pausing(new PartitionId(topic, 0), true);
    List<ProduceStreamResponse> answers = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch end = new CountDownLatch(1);
    StreamObserver<ProduceStreamRequest> requests =
        LogServiceGrpc.newStub(doors.channel).produceStream(observer(answers, end));
    String big = "x".repeat(500_000);
    for (int i = 0; i < 60; i++) {
      requests.onNext(
          ProduceStreamRequest.newBuilder()
              .setCorrelationId(i)
              .setProduce(produce("orders", big))
              .build());
    }
    requests.onCompleted();
    Awaitility.await()
        .until(() -> doors.bytes.taken() >= ServerLimits.DEFAULT.streamInFlightBytes());
    assertTrue(
        doors.bytes.taken() <= ServerLimits.DEFAULT.streamInFlightBytes() + 510_000,
        "of 30 MB: " + doors.bytes.taken());
    doors.partitions.pausing(new PartitionId(topic, 0), false);
    Awaitility.await().until(() -> end.getCount() == 0);
    assertEquals(60, answers.size());
  }

  @Test
  void followingStreamsDeliverWhatComesUntilTheyAreCancelled() throws Exception {
    doors.metadata.topic("orders", 2, Map.of());
    Iterator<ReadResponse> read =
        log.withDeadlineAfter(20, TimeUnit.SECONDS)
            .read(
                ReadRequest.newBuilder()
                    .setTopic("orders")
                    .setFollow(true)
                    .setMaxRecords(3)
                    .build());
    for (int i = 0; i < 3; i++) {
      log.produce(produce("orders", "v" + i).setPartition(i % 2).build());
    }
    int records = 0;
    while (read.hasNext()) {
      records += read.next().getRecords().getRecordsCount();
    }
    assertEquals(3, records);
    io.grpc.Context.CancellableContext context = io.grpc.Context.current().withCancellation();
    context.run(
        () -> log.read(ReadRequest.newBuilder().setTopic("orders").setFollow(true).build()).next());
    Awaitility.await().until(() -> doors.streams.taken() == 1);
    context.cancel(null);
    Awaitility.await().until(() -> doors.streams.taken() == 0);
  }

  @Test
  void offsetsAreFoundByAnchorAndTime() {
    doors.metadata.topic("orders", 2, Map.of());
    log.produce(
        produce("orders")
            .setPartition(1)
            .addRecords(
                record("k", "v").toBuilder().setTimestamp(Timestamp.newBuilder().setSeconds(9)))
            .build());
    ListOffsetsResponse latest =
        log.listOffsets(ListOffsetsRequest.newBuilder().setTopic("orders").build());
    assertEquals(1, latest.getOffsets(1).getOffset());
    assertEquals(0, latest.getOffsets(0).getOffset());
    assertFalse(latest.getOffsets(0).hasLeaderEpoch());
    ListOffsetsResponse byTime =
        log.listOffsets(
            ListOffsetsRequest.newBuilder()
                .setTopic("orders")
                .addPartitions(1)
                .setAt(OffsetSpec.newBuilder().setTimestamp(Timestamp.newBuilder().setSeconds(3)))
                .build());
    assertEquals(9, byTime.getOffsets(0).getTimestamp().getSeconds());
    refused(
        Status.Code.INVALID_ARGUMENT,
        ErrorReason.INVALID_FIELD,
        true,
        () ->
            log.listOffsets(
                ListOffsetsRequest.newBuilder()
                    .setTopic("orders")
                    .setAt(
                        OffsetSpec.newBuilder().setAnchor(OffsetAnchor.OFFSET_ANCHOR_UNSPECIFIED))
                    .build()));
  }

  @Test
  void whoVotesIsNotChangedWhereNothingIsToChange() {
    refused(
        Status.Code.NOT_FOUND,
        ErrorReason.BROKER_NOT_FOUND,
        true,
        () -> admin.addQuorumVoter(AddQuorumVoterRequest.newBuilder().setNodeId(9).build()));
    refused(
        Status.Code.NOT_FOUND,
        ErrorReason.VOTER_NOT_FOUND,
        true,
        () -> admin.removeQuorumVoter(RemoveQuorumVoterRequest.newBuilder().setNodeId(9).build()));
  }

  @Test
  void configurationIsDescribedOfTopicsAndOfThisBroker() {
    doors.metadata.topic("orders", 1, Map.of());
    assertTrue(
        admin
                .describeConfig(DescribeConfigRequest.newBuilder().setTopic("orders").build())
                .getEntriesCount()
            > 5);
    assertEquals(
        "node.id",
        admin
            .describeConfig(DescribeConfigRequest.newBuilder().setBrokerId(1).build())
            .getEntries(0)
            .getKey());
    refused(
        Status.Code.UNAVAILABLE,
        ErrorReason.BROKER_UNREACHABLE,
        true,
        () -> admin.describeConfig(DescribeConfigRequest.newBuilder().setBrokerId(2).build()));
    refused(
        Status.Code.INVALID_ARGUMENT,
        ErrorReason.INVALID_FIELD,
        true,
        () -> admin.describeConfig(DescribeConfigRequest.getDefaultInstance()));
  }

  @Test
  void aWatchTellsOfTopicsThatCome() {
    Iterator<WatchClusterResponse> watch =
        admin
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .watchCluster(WatchClusterRequest.newBuilder().setAllTopics(true).build());
    WatchClusterResponse snapshot = watch.next();
    assertTrue(snapshot.getSnapshot() && snapshot.getComplete());
    assertEquals(3, snapshot.getBrokersCount());
    assertEquals(22, snapshot.getClusterId().length());
    doors.metadata.topic("orders", 2, Map.of());
    WatchClusterResponse change = watch.next();
    assertEquals("orders", change.getTopics(0).getName());
    assertEquals(1, change.getTopics(0).getPartitions(1).getLeader());
    assertTrue(change.getMetadataIndex() > snapshot.getMetadataIndex());
  }

  @Test
  void healthFollowsReadinessAndReflectionKnowsTheServices() {
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(doors.channel);
    HealthCheckRequest service =
        HealthCheckRequest.newBuilder().setService("kontiki.v1.LogService").build();
    assertEquals(
        ServingStatus.SERVING, health.check(HealthCheckRequest.getDefaultInstance()).getStatus());
    Awaitility.await().until(() -> health.check(service).getStatus() == ServingStatus.SERVING);
    doors.health.ready = false;
    Awaitility.await().until(() -> health.check(service).getStatus() == ServingStatus.NOT_SERVING);
    LinkedBlockingQueue<ServerReflectionResponse> answers = new LinkedBlockingQueue<>();
    CountDownLatch end = new CountDownLatch(1);
    List<ServerReflectionResponse> list = Collections.synchronizedList(new ArrayList<>());
    StreamObserver<ServerReflectionRequest> asking =
        ServerReflectionGrpc.newStub(doors.channel).serverReflectionInfo(observer(list, end));
    asking.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    asking.onNext(
        ServerReflectionRequest.newBuilder()
            .setFileContainingSymbol("kontiki.raw.v1.PartitionService")
            .build());
    asking.onCompleted();
    Awaitility.await().until(() -> end.getCount() == 0);
    answers.addAll(list);
    String names = list.get(0).getListServicesResponse().toString();
    for (String name :
        List.of(
            "kontiki.v1.LogService",
            "kontiki.v1.AdminService",
            "kontiki.raw.v1.PartitionService",
            "grpc.reflection.v1alpha.ServerReflection",
            "grpc.health.v1.Health")) {
      assertTrue(names.contains(name), name + " in " + names);
    }
    assertTrue(list.get(1).hasFileDescriptorResponse(), list.get(1).toString());
  }

  @Test
  void aBrokerThatStartsOrStopsRefusesDefinitely() {
    doors.state.enter(ServiceState.Phase.STARTING);
    refused(
        Status.Code.UNAVAILABLE,
        ErrorReason.BROKER_STARTING,
        true,
        () -> log.produce(produce("orders", "v").build()));
    doors.state.enter(ServiceState.Phase.STOPPING);
    refused(
        Status.Code.UNAVAILABLE,
        ErrorReason.BROKER_STOPPING,
        true,
        () -> log.produce(produce("orders", "v").build()));
  }

  @Test
  void messagesAndHeadersBeyondTheLimitAreRefused() {
    doors.metadata.topic("orders", 1, Map.of());
    StatusRuntimeException tooLarge =
        assertThrows(
            StatusRuntimeException.class,
            () -> log.produce(produce("orders", "x".repeat(5 << 20)).build()));
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, tooLarge.getStatus().getCode());
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("big", Metadata.ASCII_STRING_MARSHALLER), "x".repeat(9000));
    assertThrows(
        StatusRuntimeException.class,
        () ->
            log.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .produce(produce("orders", "v").build()));
    assertEquals(
        1,
        log.produce(produce("orders", "v").setAcks(Acks.ACKS_LEADER).build()).getPositionsCount());
  }

  @Test
  void requestsAndTopicsAreCounted() {
    doors.metadata.topic("orders", 1, Map.of());
    log.produce(produce("orders", "v").build());
    Awaitility.await()
        .until(
            () ->
                doors
                    .metrics
                    .scrape()
                    .contains(
                        "kontiki_request_seconds_count{code=\"OK\",door=\"grpc\",method=\"LogService/Produce\"} 1"));
  }
}
