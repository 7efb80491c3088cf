package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.Requests.Append;
import io.kontiki.broker.partition.Requests.Appended;
import io.kontiki.broker.partition.Requests.Description;
import io.kontiki.broker.partition.Requests.Divergence;
import io.kontiki.broker.partition.Requests.FoundOffset;
import io.kontiki.broker.partition.Requests.OffsetQuery;
import io.kontiki.broker.partition.Requests.Read;
import io.kontiki.broker.partition.Requests.ReadAnswer;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.record.RecordBatch;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What clients ask of the partition that broker 1 leads and brokers 2 and 3 follow. */
class PartitionTest {
  private final TestCluster cluster = new TestCluster(1, Durability.FSYNC);

  @BeforeEach
  void start() {
    cluster.startAll();
  }

  private Partition leader() {
    return cluster.node(1).partition(TestCluster.P0);
  }

  /** An answer that may come later. */
  static final class Answer<T> {
    final List<T> got = new ArrayList<>();

    T get() {
      assertEquals(1, got.size(), "answered so often");
      return got.get(0);
    }
  }

  private long inMs(long ms) {
    return cluster.time.clock().nanoTime() + ms * TestCluster.MS;
  }

  private Answer<Result<Appended>> append(Acks acks, int epoch, ByteBuffer batch, long ms) {
    Answer<Result<Appended>> answer = new Answer<>();
    Append request = new Append(epoch, acks, batch, inMs(ms));
    cluster.node(1).loop.run(() -> leader().append(request, answer.got::add));
    return answer;
  }

  private Answer<Result<Appended>> append(Acks acks, long value) {
    return append(acks, Requests.ANY_EPOCH, TestBatches.of(value), 5_000);
  }

  private Answer<ReadAnswer> read(int epoch, long offset, int lastEpoch, int min, long ms) {
    Answer<ReadAnswer> answer = new Answer<>();
    Read request = new Read(epoch, offset, lastEpoch, 1 << 20, min, inMs(ms));
    cluster.node(1).loop.run(() -> leader().read(request, answer.got::add));
    return answer;
  }

  private Answer<ReadAnswer> read(long offset) {
    return read(Requests.ANY_EPOCH, offset, Requests.ANY_EPOCH, 1, 300);
  }

  private Result<FoundOffset> list(OffsetQuery query) {
    Answer<Result<FoundOffset>> answer = new Answer<>();
    cluster.node(1).loop.run(() -> leader().listOffset(Requests.ANY_EPOCH, query, answer.got::add));
    return answer.get();
  }

  private static Appended ok(Answer<Result<Appended>> answer) {
    return ((Result.Ok<Appended>) answer.get()).value();
  }

  private static void refused(
      Answer<Result<Appended>> answer, ErrorReason reason, boolean definite) {
    ApiError error = ((Result.Err<Appended>) answer.get()).error();
    assertEquals(reason, error.reason(), error.toString());
    assertEquals(definite, error.definite(), error.toString());
  }

  private static void failed(Answer<ReadAnswer> answer, ErrorReason reason) {
    assertEquals(reason, assertInstanceOf(ReadAnswer.Failed.class, answer.get()).error().reason());
  }

  private static List<Long> values(Answer<ReadAnswer> answer) {
    List<Long> values = new ArrayList<>();
    for (ByteBuffer batch : assertInstanceOf(ReadAnswer.Records.class, answer.get()).batches()) {
      values.add(TestBatches.value(RecordBatch.at(batch)));
    }
    return values;
  }

  /** Brokers 2 and 3 are gone and fenced: the in-sync set is the leader alone. */
  private void loseFollowers() {
    cluster.node(2).kill(false);
    cluster.node(3).kill(false);
    cluster.controller.fence(2);
    cluster.controller.fence(3);
    cluster.settle();
  }

  @Test
  void anAppendIsAnsweredWhenAllInSyncReplicasHoldItR21() {
    Answer<Result<Appended>> answer = append(Acks.ALL, 1);
    assertEquals(0, answer.got.size());
    cluster.time.advanceMs(20);
    Appended done = ok(answer);
    assertEquals(0, done.baseOffset());
    assertEquals(1, done.highWatermark());
    for (int broker = 1; broker <= 3; broker++) {
      assertEquals(1, cluster.node(broker).log(TestCluster.P0).heldEndOffset());
    }
  }

  @Test
  void acksLeaderWaitsForTheLeadersOwnHoldAndAcksNoneForNothingR36() {
    assertEquals(0, ok(append(Acks.NONE, 1)).baseOffset());
    Answer<Result<Appended>> answer = append(Acks.LEADER, 2);
    assertEquals(0, answer.got.size());
    cluster.time.advance(900_000); // two syncs of 0.5 ms, no acknowledgement yet
    cluster.time.advance(200_000);
    assertEquals(1, ok(answer).baseOffset());
    assertEquals(0, ok(answer).highWatermark());
  }

  @Test
  void acksAllIsRefusedForCertainBelowMinIsrR8() {
    loseFollowers();
    refused(append(Acks.ALL, 1), ErrorReason.NOT_ENOUGH_REPLICAS, true);
    assertEquals(0, leader().describe().logEndOffset());
    Answer<Result<Appended>> one = append(Acks.LEADER, 2);
    cluster.time.advanceMs(5);
    ok(one);
  }

  @Test
  void theHighWatermarkStaysWhenTheInSyncSetShrinks() {
    Answer<Result<Appended>> first = append(Acks.ALL, 1);
    cluster.time.advanceMs(20);
    ok(first);
    loseFollowers();
    assertEquals(1, leader().describe().highWatermark(), "and stays where it is");
  }

  @Test
  void anAppendThatWaitsWhenLeadershipIsLostIsIndefiniteR23() {
    cluster.node(2).kill(false);
    Answer<Result<Appended>> answer = append(Acks.ALL, 1);
    cluster.controller.move(TestCluster.P0, 3);
    cluster.node(1).learn();
    refused(answer, ErrorReason.OUTCOME_UNKNOWN, false);
    refused(append(Acks.ALL, 2), ErrorReason.NOT_LEADER, true);
    assertEquals(
        "3", ((Result.Err<Appended>) append(Acks.ALL, 2).get()).error().metadata().get("leader"));
  }

  @Test
  void anAppendThatNobodyAcknowledgesIsIndefiniteAtItsDeadline() {
    cluster.node(2).kill(false);
    cluster.node(3).kill(false);
    Answer<Result<Appended>> answer = append(Acks.ALL, Requests.ANY_EPOCH, TestBatches.of(1), 100);
    cluster.time.advanceMs(99);
    assertEquals(0, answer.got.size());
    cluster.time.advanceMs(2);
    refused(answer, ErrorReason.OUTCOME_UNKNOWN, false);
    cluster.time.advanceMs(10_000);
    assertEquals(1, answer.got.size());
  }

  @Test
  void anotherLeaderEpochIsRefusedR25() {
    refused(append(Acks.ALL, 0, TestBatches.of(1), 100), ErrorReason.FENCED_LEADER_EPOCH, true);
    refused(append(Acks.ALL, 2, TestBatches.of(1), 100), ErrorReason.UNKNOWN_LEADER_EPOCH, true);
    failed(read(0, 0, Requests.ANY_EPOCH, 0, 100), ErrorReason.FENCED_LEADER_EPOCH);
    failed(read(2, 0, Requests.ANY_EPOCH, 0, 100), ErrorReason.UNKNOWN_LEADER_EPOCH);
  }

  @Test
  void aRepetitionGetsTheFirstAnswerOnceItIsCommittedI2() {
    Answer<Result<Appended>> first =
        append(Acks.ALL, Requests.ANY_EPOCH, TestBatches.idempotent(7), 5_000);
    Answer<Result<Appended>> again =
        append(Acks.ALL, Requests.ANY_EPOCH, TestBatches.idempotent(7), 5_000);
    assertEquals(0, again.got.size());
    cluster.time.advanceMs(20);
    assertEquals(ok(first), ok(again));
    assertEquals(1, leader().describe().logEndOffset());
  }

  @Test
  void aBadOrTooLargeBatchIsRefused() {
    ByteBuffer bad = TestBatches.of(1);
    bad.put(bad.limit() - 1, (byte) 99);
    refused(append(Acks.ALL, Requests.ANY_EPOCH, bad, 100), ErrorReason.INVALID_BATCH, true);
    refused(
        append(Acks.ALL, Requests.ANY_EPOCH, TestBatches.of(1, 1, 2 << 20), 100),
        ErrorReason.RECORD_TOO_LARGE,
        true);
  }

  @Test
  void readersSeeOnlyWhatIsCommittedAndWaitForMoreR22() {
    Answer<ReadAnswer> waiting = read(0);
    append(Acks.ALL, 5);
    cluster.time.advance(1_000_000);
    assertEquals(0, waiting.got.size(), "appended, but not committed");
    cluster.time.advanceMs(20);
    assertEquals(List.of(5L), values(waiting));
    assertEquals(1, ((ReadAnswer.Records) waiting.get()).nextOffset());
  }

  @Test
  void aReaderGetsAnEmptyAnswerAtItsDeadline() {
    Answer<ReadAnswer> waiting = read(0);
    cluster.time.advanceMs(299);
    assertEquals(0, waiting.got.size());
    cluster.time.advanceMs(2);
    assertEquals(List.of(), values(waiting));
    assertEquals(List.of(), values(read(Requests.ANY_EPOCH, 0, Requests.ANY_EPOCH, 0, 1_000)));
  }

  @Test
  void aReaderWaitsForItsMinimumOfBytes() {
    Answer<ReadAnswer> waiting = read(Requests.ANY_EPOCH, 0, Requests.ANY_EPOCH, 200, 1_000);
    append(Acks.ALL, 1);
    cluster.time.advanceMs(20);
    assertEquals(0, waiting.got.size());
    append(Acks.ALL, 2);
    append(Acks.ALL, 3);
    cluster.time.advanceMs(20);
    assertEquals(List.of(1L, 2L, 3L), values(waiting));
  }

  @Test
  void aReaderThatWaitsWhenLeadershipIsLostIsSentToTheNewLeader() {
    Answer<ReadAnswer> waiting = read(0);
    cluster.controller.move(TestCluster.P0, 2);
    cluster.node(1).learn();
    failed(waiting, ErrorReason.NOT_LEADER);
  }

  @Test
  void coldReadsAnswerLaterAndNotAfterTheRoleEnded() {
    append(Acks.ALL, 1);
    cluster.time.advanceMs(20);
    cluster.node(1).log(TestCluster.P0).coldBelow = 100;
    Answer<ReadAnswer> cold = read(0);
    assertEquals(0, cold.got.size());
    cluster.time.advanceMs(2);
    assertEquals(List.of(1L), values(cold));
    Answer<ReadAnswer> late = read(0);
    cluster.controller.move(TestCluster.P0, 2);
    cluster.node(1).learn();
    cluster.time.advanceMs(2);
    failed(late, ErrorReason.NOT_LEADER);
  }

  @Test
  void beyondTheEndIsOutOfRangeOnlyWhenTheTrueHighWatermarkIsKnownR40() {
    append(Acks.ALL, 1);
    cluster.time.advanceMs(20);
    Answer<ReadAnswer> beyond = read(9);
    failed(beyond, ErrorReason.OFFSET_OUT_OF_RANGE);
    ReadAnswer.Failed answer = (ReadAnswer.Failed) beyond.get();
    assertEquals(new Divergence(1, 1), answer.divergence());
    assertEquals("1", answer.error().metadata().get("endOffset"));
  }

  @Test
  void aNewLeaderThatDoesNotKnowItsHighWatermarkSaysSoR40R22() {
    append(Acks.ALL, 1);
    cluster.time.advanceMs(20);
    // Broker 2 holds an uncommitted record and leads with its follower gone.
    cluster.node(3).kill(false);
    append(Acks.ALL, 2);
    cluster.time.advanceMs(8);
    cluster.node(1).kill(false);
    cluster.controller.move(TestCluster.P0, 2);
    cluster.node(2).learn();
    cluster.time.advanceMs(100);
    Partition two = cluster.node(2).partition(TestCluster.P0);
    assertTrue(two.leading());
    assertEquals(-1, two.describe().highWatermark());
    List<ReadAnswer> answers = new ArrayList<>();
    List<Result<FoundOffset>> found = new ArrayList<>();
    cluster
        .node(2)
        .loop
        .run(
            () -> {
              two.read(new Read(-1, 50, -1, 100, 1, inMs(10)), answers::add);
              two.read(new Read(-1, 0, -1, 100, 1, inMs(10)), answers::add);
              two.listOffset(-1, new OffsetQuery.Latest(), found::add);
              two.listOffset(-1, new OffsetQuery.Earliest(), found::add);
            });
    assertEquals(
        ErrorReason.OFFSET_NOT_AVAILABLE, ((ReadAnswer.Failed) answers.get(0)).error().reason());
    assertInstanceOf(ReadAnswer.Records.class, answers.get(1), "stored and committed: served");
    assertEquals(
        ErrorReason.OFFSET_NOT_AVAILABLE,
        ((Result.Err<FoundOffset>) found.get(0)).error().reason());
    assertInstanceOf(Result.Ok.class, found.get(1));
  }

  @Test
  void aReaderWhoseHistoryPartsFromTheLogLearnsWhere() {
    append(Acks.ALL, 1);
    cluster.time.advanceMs(20);
    cluster.controller.move(TestCluster.P0, 2);
    cluster.settle();
    cluster.controller.move(TestCluster.P0, 1);
    cluster.settle();
    append(Acks.ALL, 2);
    cluster.time.advanceMs(20);
    // Epoch 1 ends at 1; epoch 2 had no records; epoch 3 begins at 1.
    Answer<ReadAnswer> parted = read(3, 2, 2, 1, 100);
    failed(parted, ErrorReason.LOG_TRUNCATED);
    assertEquals(new Divergence(1, 1), ((ReadAnswer.Failed) parted.get()).divergence());
    assertEquals(List.of(2L), values(read(3, 1, 1, 1, 100)));
  }

  @Test
  void aDeposedLeaderDoesNotCallTruncatedWhatWasCommittedWithoutItR5P6() {
    append(Acks.ALL, 1);
    cluster.time.advanceMs(20);
    cluster.controller.move(TestCluster.P0, 2);
    cluster.settle();
    cluster.network.cut(1, true);
    Partition two = cluster.node(2).partition(TestCluster.P0);
    Append uncommitted = new Append(-1, Acks.ALL, TestBatches.of(2), inMs(5_000));
    cluster.node(2).loop.run(() -> two.append(uncommitted, appended -> {}));
    cluster.time.advanceMs(20);
    // Of epoch 2, and held by brokers 2 and 3; broker 1 leads in epoch 3 without it, and goes on.
    cluster.controller.move(TestCluster.P0, 1);
    cluster.node(1).learn();
    ok(append(Acks.NONE, 3));
    ok(append(Acks.NONE, 4));
    cluster.node(1).leased = false;
    cluster.controller.fence(1);
    cluster.node(2).learn();
    cluster.node(3).learn();
    cluster.time.advanceMs(100);
    Answer<ReadAnswer> committed = new Answer<>();
    Read next = new Read(Requests.ANY_EPOCH, 1, 1, 1 << 20, 1, inMs(300));
    cluster.node(2).loop.run(() -> two.read(next, committed.got::add));
    assertEquals(List.of(2L), values(committed), "committed in epoch 4");
    // Who has read that names its epoch: nothing tells broker 1 that it is deposed.
    Answer<ReadAnswer> deposed = read(Requests.ANY_EPOCH, 2, 2, 1, 300);
    failed(deposed, ErrorReason.LEADER_UNAVAILABLE);
    assertNull(((ReadAnswer.Failed) deposed.get()).divergence());
  }

  @Test
  void withoutLeaseNothingIsSaidThatADeposedLeaderCouldGetWrongR5() {
    append(Acks.ALL, 1);
    cluster.time.advanceMs(20);
    cluster.node(1).leased = false;
    refused(append(Acks.LEADER, 2), ErrorReason.LEADER_UNAVAILABLE, true);
    refused(append(Acks.NONE, 2), ErrorReason.LEADER_UNAVAILABLE, true);
    failed(read(9), ErrorReason.LEADER_UNAVAILABLE);
    assertInstanceOf(Result.Err.class, list(new OffsetQuery.Latest()));
    assertInstanceOf(Result.Err.class, list(new OffsetQuery.Earliest()));
    assertEquals(-1, leader().describe().highWatermark());
    Answer<ReadAnswer> stored = read(0);
    assertEquals(List.of(1L), values(stored), "stored bytes below the high watermark");
    assertEquals(-1, ((ReadAnswer.Records) stored.get()).highWatermark(), "it may be an old one");
    Answer<ReadAnswer> end = read(1);
    cluster.time.advanceMs(301);
    failed(end, ErrorReason.LEADER_UNAVAILABLE);
  }

  @Test
  void withoutLeaseAcksAllGoesOnWhileAllMembersAreSubscribedR5() {
    cluster.node(1).leased = false;
    Answer<Result<Appended>> answer = append(Acks.ALL, 1);
    cluster.time.advanceMs(20);
    ok(answer);
    cluster.node(3).kill(false);
    cluster.time.advanceMs(5);
    refused(append(Acks.ALL, 2), ErrorReason.LEADER_UNAVAILABLE, true);
  }

  @Test
  void offsetsAreFoundFromTheStartTheEndAndByTime() {
    for (int i = 0; i < 5; i++) {
      append(Acks.ALL, i);
    }
    cluster.time.advanceMs(20);
    assertEquals(Result.ok(new FoundOffset(0, -1, -1)), list(new OffsetQuery.Earliest()));
    assertEquals(Result.ok(new FoundOffset(5, -1, 1)), list(new OffsetQuery.Latest()));
    assertEquals(Result.ok(new FoundOffset(3, 3, 1)), list(new OffsetQuery.AtTime(3)));
    assertEquals(Result.ok(new FoundOffset(5, -1, 1)), list(new OffsetQuery.AtTime(77)));
  }

  @Test
  void whoIsGoneForGoodIsToldSoR46() {
    Answer<ReadAnswer> reader = read(0);
    cluster.node(2).kill(false);
    Answer<Result<Appended>> producer = append(Acks.ALL, 1);
    List<Object> logs = new ArrayList<>();
    cluster.node(1).loop.run(() -> cluster.node(1).partitions.remove(TestCluster.P0, logs::add));
    failed(reader, ErrorReason.PARTITION_NOT_FOUND);
    refused(producer, ErrorReason.OUTCOME_UNKNOWN, false);
    assertEquals(List.of(cluster.node(1).log(TestCluster.P0)), logs);
    @Nullable Partition gone = cluster.node(1).partition(TestCluster.P0);
    assertNull(gone);
  }

  @Test
  void aFailedLogEndsTheRoleL4() {
    Answer<ReadAnswer> reader = read(0);
    Answer<Result<Appended>> producer = append(Acks.ALL, 1);
    cluster.node(1).loop.run(() -> cluster.node(1).log(TestCluster.P0).fail());
    refused(producer, ErrorReason.OUTCOME_UNKNOWN, false);
    failed(reader, ErrorReason.LEADER_UNAVAILABLE);
    assertFalse(leader().leading());
    refused(append(Acks.ALL, 2), ErrorReason.LEADER_UNAVAILABLE, true);
    Description offline = leader().describe();
    assertEquals(-1, offline.logEndOffset());
  }
}
