package io.kontiki.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.client.RebalanceListener.Reason;
import io.kontiki.client.ScriptedBroker.Stream;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.proto.Failures;
import io.kontiki.v1.CommitFailure;
import io.kontiki.v1.Committed;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeRequest.ActionCase;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.Reconnect;
import io.kontiki.v1.RepositionCause;
import io.kontiki.v1.Repositioned;
import io.kontiki.v1.RevokeReason;
import io.kontiki.v1.Revoked;
import io.kontiki.v1.Revoking;
import io.kontiki.v1.Subscribe;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A member of a group on real sockets, against a broker that says what the test says. */
@Timeout(60)
class GroupConsumerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final TopicPartition T0 = new TopicPartition("t", 0);
  private static final TopicPartition T1 = new TopicPartition("t", 1);

  /** Automatic commits whenever the next poll has something to say. */
  private static final GroupConsumerOptions AUTO =
      GroupConsumerOptions.of("g").withAutoCommit(Duration.ofMillis(10));

  private static final GroupConsumerOptions MANUAL =
      GroupConsumerOptions.of("g").withManualCommit();

  private ScriptedBroker broker;
  private KontikiClient client;
  private final List<String> told = new ArrayList<>();

  private final RebalanceListener listener =
      new RebalanceListener() {
        @Override
        public void onAssigned(Map<TopicPartition, Long> partitions) {
          told.add("assigned " + partitions);
        }

        @Override
        public void onRevoking(Collection<TopicPartition> partitions, Duration timeLeft) {
          told.add("revoking " + partitions);
        }

        @Override
        public void onRevoked(Collection<TopicPartition> partitions, Reason reason) {
          told.add("revoked " + partitions + " " + reason);
        }
      };

  @BeforeEach
  void start() throws IOException {
    broker = new ScriptedBroker();
    client = KontikiClient.connect(broker.address());
  }

  @AfterEach
  void stop() {
    client.close();
    broker.close();
  }

  @Test
  void theFirstMessageSaysAllThatTheOptionsSay() throws Exception {
    GroupConsumerOptions options =
        GroupConsumerOptions.of("g")
            .withMemberName("one")
            .withClientId("test")
            .withStart(StartAt.END, ConsumerOptions.OutOfRange.ERROR)
            .withAssignor(GroupConsumerOptions.Assignor.RANGE)
            .withTimeouts(Duration.ofSeconds(3), Duration.ofMillis(1_500))
            .withBounds(1_000, 10);
    try (GroupConsumer consumer = client.newGroupConsumer(options)) {
      consumer.subscribe(List.of("t", "u"));
      Subscribe first = broker.accept().next().getSubscribe();
      assertEquals("g", first.getGroup());
      assertEquals(List.of("t", "u"), first.getTopicsList());
      assertEquals("one", first.getMemberName());
      assertEquals("test", first.getClientId());
      assertEquals("", first.getMemberId());
      assertEquals(io.kontiki.v1.OffsetAnchor.OFFSET_ANCHOR_LATEST, first.getStartAt().getAnchor());
      assertEquals(io.kontiki.v1.OutOfRangePolicy.OUT_OF_RANGE_POLICY_ERROR, first.getOutOfRange());
      assertEquals(io.kontiki.v1.Assignor.ASSIGNOR_RANGE, first.getAssignor());
      assertEquals(3, first.getSessionTimeout().getSeconds());
      assertEquals(500_000_000, first.getRevokeTimeout().getNanos());
      assertEquals(1_000, first.getInitialCreditBytes());
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void whatOnePollReturnedIsCommittedWhenTheNextBegins() throws Exception {
    try (GroupConsumer consumer = join(AUTO)) {
      Stream stream = stream();
      stream.assign(1, "m", 0);
      stream.records(0, 0, 3);
      assertEquals(3, consumer.poll(PATIENCE).size());
      consumer.pause(Set.of()); // a mark among what is sent
      for (ConsumeRequest request = stream.next(); !request.hasPause(); request = stream.next()) {
        assertEquals(List.of(ScriptedBroker.at(0, 0)), request.getCommit().getOffsetsList());
      }
      assertEquals(List.of(), consumer.poll(Duration.ofMillis(50)));
      List<PartitionOffset> commit = nextCommit(stream);
      while (commit.get(0).getOffset() == 0) {
        commit = nextCommit(stream);
      }
      assertEquals(List.of(ScriptedBroker.at(0, 3)), commit);
      assertEquals("m", consumer.memberId());
      assertEquals(1, consumer.generation());
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void closingDoesNotCommitWhatTheLastPollReturned() throws Exception {
    GroupConsumer consumer = join(GroupConsumerOptions.of("g").withBounds(1_000, 2));
    Stream stream = stream();
    stream.assign(1, "m", 0);
    stream.records(0, 0, 4);
    assertEquals(List.of(0L, 1L), offsets(consumer.poll(PATIENCE)));
    assertEquals(List.of(2L, 3L), offsets(consumer.poll(PATIENCE)));
    CompletableFuture<Void> closing = CompletableFuture.runAsync(consumer::close);
    long last = -1;
    for (ConsumeRequest request = stream.next();
        request.getActionCase() != ActionCase.ACTION_NOT_SET;
        request = stream.next()) {
      if (request.hasCommit()) {
        last = request.getCommit().getOffsets(0).getOffset();
      }
    }
    assertEquals(2, last, "at least once: 2 and 3 may not be processed");
    assertFalse(closing.isDone(), "the commit is not answered yet");
    stream.complete();
    closing.get(20, TimeUnit.SECONDS);
    assertEquals(List.of("assigned {t-0=0}", "revoking [t-0]", "revoked [t-0] LEFT"), told);
  }

  @Test
  void aManualCommitCoversAllThatWasPolledAndWaitsForTheAnswer() throws Exception {
    try (GroupConsumer consumer = join(MANUAL)) {
      Stream stream = stream();
      stream.assign(1, "m", 5, 7);
      stream.records(0, 5, 8);
      assertEquals(3, consumer.poll(PATIENCE).size());
      CompletableFuture<Void> committing = CompletableFuture.runAsync(consumer::commit);
      List<PartitionOffset> asked = nextCommit(stream);
      assertEquals(List.of(ScriptedBroker.at(0, 8), ScriptedBroker.at(1, 7)), asked);
      stream.committed(ScriptedBroker.at(0, 8));
      assertFalse(committing.isDone());
      stream.committed(ScriptedBroker.at(1, 7));
      committing.get(20, TimeUnit.SECONDS);
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void aCommitThatIsRefusedSaysWhy() throws Exception {
    try (GroupConsumer consumer = join(MANUAL)) {
      Stream stream = stream();
      stream.assign(1, "m", 0);
      stream.records(0, 0, 3);
      consumer.poll(PATIENCE);
      KontikiException beyond =
          assertThrows(
              KontikiException.class, () -> consumer.commit(Map.of(T0, new OffsetAndMetadata(4))));
      assertEquals(ErrorReason.OFFSET_NOT_DELIVERED, beyond.reason());
      KontikiException foreign =
          assertThrows(
              KontikiException.class, () -> consumer.commit(Map.of(T1, new OffsetAndMetadata(0))));
      assertEquals(ErrorReason.NOT_ASSIGNED, foreign.reason());
      CompletableFuture<Void> late =
          consumer.commitAsync(Map.of(T0, new OffsetAndMetadata(2, "half")));
      assertEquals("half", nextCommit(stream).get(0).getMetadata());
      stream.send(
          ConsumeResponse.newBuilder()
              .setCommitted(
                  Committed.newBuilder()
                      .addFailures(
                          CommitFailure.newBuilder()
                              .setOffset(ScriptedBroker.at(0, 2))
                              .setFailure(
                                  Failures.toFailure(
                                      ApiError.definite(ErrorReason.NOT_ASSIGNED, "gone"))))));
      KontikiException refused = failure(late);
      assertEquals(ErrorReason.NOT_ASSIGNED, refused.reason());
      assertTrue(refused.definite());
      CompletableFuture<Void> lost = consumer.commitAsync(Map.of(T0, new OffsetAndMetadata(3)));
      nextCommit(stream);
      stream.fail(ApiError.definite(ErrorReason.MEMBER_FENCED, "too late"));
      KontikiException unknown = failure(lost);
      assertEquals(ErrorReason.OUTCOME_UNKNOWN, unknown.reason());
      assertFalse(unknown.definite());
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void whatIsRevokedIsCommittedThenReleasedAndNotPolledAnyMore() throws Exception {
    try (GroupConsumer consumer = join(AUTO.withBounds(1_000_000, 2))) {
      Stream stream = stream();
      stream.assign(1, "m", 0, 0);
      stream.records(0, 0, 4);
      assertEquals(List.of(0L, 1L), offsets(consumer.poll(PATIENCE)));
      stream.send(
          ConsumeResponse.newBuilder()
              .setRevoking(Revoking.newBuilder().addPartitions(ScriptedBroker.partition(0))));
      stream.records(1, 0, 2);
      List<ConsumerRecord> rest = new ArrayList<>();
      while (!told.contains("revoking [t-0]")) {
        List<ConsumerRecord> polled = consumer.poll(Duration.ofMillis(10));
        if (!told.contains("revoking [t-0]")) {
          rest.addAll(polled); // the announcement was on its way
        }
      }
      long done = 2 + rest.stream().filter(record -> record.partition() == 0).count();
      while (stream.next(ActionCase.COMMIT).getCommit().getOffsetsList().stream()
          .noneMatch(ScriptedBroker.at(0, done)::equals)) {}
      // It is released when the commit is answered: the next owner reads what is stored then.
      stream.committed(ScriptedBroker.at(0, 0), ScriptedBroker.at(0, done));
      assertEquals(
          List.of(ScriptedBroker.partition(0)),
          stream.next(ActionCase.RELEASE).getRelease().getPartitionsList());
      stream.send(
          ConsumeResponse.newBuilder()
              .setRevoked(
                  Revoked.newBuilder()
                      .addPartitions(ScriptedBroker.partition(0))
                      .setReason(RevokeReason.REVOKE_REASON_REBALANCE)));
      while (!told.contains("revoked [t-0] REBALANCE")) {
        List<ConsumerRecord> polled = consumer.poll(Duration.ofMillis(10));
        assertTrue(polled.stream().allMatch(record -> record.partition() == 1));
        assertFalse(Thread.currentThread().isInterrupted(), "timed out");
      }
      assertEquals(Set.of(T1), consumer.assignment());
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void aBrokenStreamIsOpenedAgainWithTheSameMemberAndGoesBackToTheCommit() throws Exception {
    try (GroupConsumer consumer = join(MANUAL)) {
      Stream stream = stream();
      stream.assign(3, "m", 0);
      stream.records(0, 0, 5);
      assertEquals(5, consumer.poll(PATIENCE).size());
      stream.fail(ApiError.definite(ErrorReason.COORDINATOR_UNAVAILABLE, "moving"));
      Stream second = broker.accept();
      assertEquals("m", second.next().getSubscribe().getMemberId());
      second.assign(4, "m", 2);
      second.records(0, 2, 5);
      assertEquals(List.of(2L, 3L, 4L), offsets(poll(consumer)));
      assertEquals(List.of("assigned {t-0=0}", "revoked [t-0] LOST", "assigned {t-0=2}"), told);
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void aBrokerThatStopsByPlanGetsTheCommitsFirst() throws Exception {
    try (GroupConsumer consumer = join(AUTO)) {
      Stream stream = stream();
      stream.assign(1, "m", 0);
      stream.records(0, 0, 3);
      assertEquals(3, consumer.poll(PATIENCE).size());
      stream.send(
          ConsumeResponse.newBuilder()
              .setReconnect(
                  Reconnect.newBuilder()
                      .setTimeLeft(com.google.protobuf.Duration.newBuilder().setSeconds(5))));
      while (told.size() < 2) {
        consumer.poll(Duration.ofMillis(10));
        assertFalse(Thread.currentThread().isInterrupted(), "timed out");
      }
      List<PartitionOffset> commit = nextCommit(stream);
      while (commit.get(0).getOffset() < 3) {
        commit = nextCommit(stream);
      }
      stream.committed(ScriptedBroker.at(0, 0), ScriptedBroker.at(0, 3));
      stream.awaitHalfClose();
      stream.complete();
      Stream second = broker.accept();
      assertEquals("m", second.next().getSubscribe().getMemberId());
      second.assign(1, "m", 3);
      second.records(0, 3, 4);
      assertEquals(List.of(3L), offsets(poll(consumer)));
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void afterASeekNothingOfThePlaceBeforeIsPolled() throws Exception {
    try (GroupConsumer consumer = join(MANUAL.withBounds(1_000_000, 2))) {
      Stream stream = stream();
      stream.assign(1, "m", 10);
      stream.records(0, 10, 14);
      assertEquals(2, consumer.poll(PATIENCE).size());
      consumer.seek(T0, 4);
      assertEquals(OptionalLong.empty(), consumer.position(T0));
      stream.records(0, 14, 16); // on its way when the seek came
      assertEquals(4, stream.next(ActionCase.SEEK).getSeek().getTo().getOffset());
      stream.send(jump(4, RepositionCause.REPOSITION_CAUSE_SEEK));
      stream.records(0, 4, 5);
      assertEquals(List.of(4L), offsets(poll(consumer)));
      assertEquals(OptionalLong.of(5), consumer.position(T0));
      CompletableFuture<Void> back = consumer.commitAsync(Map.of(T0, new OffsetAndMetadata(5)));
      assertEquals(List.of(ScriptedBroker.at(0, 5)), nextCommit(stream));
      stream.committed(ScriptedBroker.at(0, 5));
      back.get(20, TimeUnit.SECONDS);
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void ofSeeksThatOvertakeEachOtherTheLastCounts() throws Exception {
    try (GroupConsumer consumer = join(MANUAL)) {
      Stream stream = stream();
      stream.assign(1, "m", 10);
      consumer.poll(Duration.ofMillis(200));
      while (consumer.assignment().isEmpty()) {
        consumer.poll(Duration.ofMillis(10));
      }
      consumer.seek(T0, 1);
      consumer.seek(T0, 2);
      consumer.seek(T0, 3);
      assertEquals(1, stream.next(ActionCase.SEEK).getSeek().getTo().getOffset());
      stream.send(jump(100, RepositionCause.REPOSITION_CAUSE_OUT_OF_RANGE));
      stream.send(jump(1, RepositionCause.REPOSITION_CAUSE_SEEK));
      stream.records(0, 1, 2);
      assertEquals(List.of(), consumer.poll(Duration.ofMillis(200)));
      assertEquals(3, stream.next(ActionCase.SEEK).getSeek().getTo().getOffset());
      stream.send(jump(3, RepositionCause.REPOSITION_CAUSE_SEEK));
      stream.records(0, 3, 4);
      assertEquals(List.of(3L), offsets(poll(consumer)));
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void recordsBeforeAJumpByPolicyArePolledBeforeIt() throws Exception {
    try (GroupConsumer consumer = join(MANUAL.withBounds(1_000_000, 2))) {
      Stream stream = stream();
      stream.assign(1, "m", 0);
      stream.records(0, 0, 3);
      stream.send(jump(100, RepositionCause.REPOSITION_CAUSE_OUT_OF_RANGE));
      stream.records(0, 100, 102);
      List<Long> read = new ArrayList<>();
      while (read.size() < 5) {
        read.addAll(offsets(consumer.poll(PATIENCE)));
      }
      assertEquals(List.of(0L, 1L, 2L, 100L, 101L), read);
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void aPausedPartitionKeepsItsRecordsAndTheirOrder() throws Exception {
    try (GroupConsumer consumer = join(MANUAL.withBounds(1_000_000, 2))) {
      Stream stream = stream();
      stream.assign(1, "m", 0, 0);
      stream.records(0, 0, 3);
      assertEquals(List.of(0L, 1L), offsets(consumer.poll(PATIENCE)));
      consumer.pause(Set.of(T0));
      assertEquals(1, stream.next(ActionCase.PAUSE).getPause().getPartitionsCount());
      stream.records(0, 3, 5);
      stream.records(1, 0, 1);
      ConsumerRecord other = poll(consumer).get(0);
      assertEquals(1, other.partition());
      assertEquals(List.of(), consumer.poll(Duration.ofMillis(50)));
      assertEquals(Set.of(T0), consumer.paused());
      consumer.resume(Set.of(T0));
      stream.next(ActionCase.RESUME);
      List<Long> read = new ArrayList<>();
      while (read.size() < 3) {
        read.addAll(offsets(consumer.poll(PATIENCE)));
      }
      assertEquals(List.of(2L, 3L, 4L), read);
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void roomIsGivenForWhatWasPolledAndForWhatWasDroppedButNotForWhatWaits() throws Exception {
    try (GroupConsumer consumer = join(MANUAL.withBounds(80, 10))) {
      Stream stream = stream();
      stream.assign(1, "m", 0, 0);
      stream.records(0, 0, 10);
      stream.records(1, 100, 110);
      assertEquals(10, consumer.poll(PATIENCE).size());
      assertEquals(10, stream.next(ActionCase.CREDIT).getCredit().getBytes());
      stream.send(
          ConsumeResponse.newBuilder()
              .setRevoked(Revoked.newBuilder().addPartitions(ScriptedBroker.partition(1))));
      assertEquals(30, stream.next(ActionCase.CREDIT).getCredit().getBytes());
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void aRefusalForGoodEndsTheSubscriptionAndIsThrown() throws Exception {
    try (GroupConsumer consumer = join(MANUAL)) {
      Stream stream = stream();
      stream.assign(1, "m", 0);
      stream.fail(ApiError.definite(ErrorReason.MEMBER_REPLACED, "another one took the name"));
      KontikiException refused = assertThrows(KontikiException.class, () -> poll(consumer));
      assertEquals(ErrorReason.MEMBER_REPLACED, refused.reason());
      assertEquals(List.of("assigned {t-0=0}", "revoked [t-0] LOST"), told);
      assertThrows(IllegalStateException.class, () -> consumer.poll(Duration.ZERO));
      consumer.subscribe(new SubscriptionPattern("t.*"), listener);
      assertEquals("t.*", broker.accept().next().getSubscribe().getTopicPattern());
      consumer.close(Duration.ZERO);
    }
  }

  @Test
  void wakingUpEndsAPoll() throws Exception {
    try (GroupConsumer consumer = join(AUTO)) {
      stream().assign(1, "m", 0);
      CompletableFuture<List<ConsumerRecord>> polled =
          CompletableFuture.supplyAsync(() -> consumer.poll(Duration.ofMinutes(5)));
      consumer.wakeUp();
      assertEquals(List.of(), polled.get(20, TimeUnit.SECONDS));
      consumer.close(Duration.ZERO);
    }
  }

  private GroupConsumer join(GroupConsumerOptions options) {
    GroupConsumer consumer = client.newGroupConsumer(options);
    consumer.subscribe(List.of("t"), listener);
    return consumer;
  }

  private Stream stream() throws InterruptedException {
    Stream stream = broker.accept();
    stream.next(ActionCase.SUBSCRIBE);
    return stream;
  }

  private static List<PartitionOffset> nextCommit(Stream stream) throws InterruptedException {
    return stream.next(ActionCase.COMMIT).getCommit().getOffsetsList();
  }

  private static List<ConsumerRecord> poll(GroupConsumer consumer) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    List<ConsumerRecord> records = List.of();
    while (records.isEmpty() && System.nanoTime() < deadline) {
      records = consumer.poll(Duration.ofMillis(100));
    }
    return records;
  }

  private static ConsumeResponse.Builder jump(long offset, RepositionCause cause) {
    return ConsumeResponse.newBuilder()
        .setRepositioned(
            Repositioned.newBuilder().setPosition(ScriptedBroker.at(0, offset)).setCause(cause));
  }

  private static List<Long> offsets(List<ConsumerRecord> records) {
    return records.stream().map(ConsumerRecord::offset).toList();
  }

  private static KontikiException failure(CompletableFuture<Void> future) {
    java.util.concurrent.ExecutionException failed =
        assertThrows(
            java.util.concurrent.ExecutionException.class, () -> future.get(20, TimeUnit.SECONDS));
    return (KontikiException) failed.getCause();
  }
}
