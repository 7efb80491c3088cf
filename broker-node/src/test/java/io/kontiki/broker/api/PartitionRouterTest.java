package io.kontiki.broker.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.PartitionRequests.Append;
import io.kontiki.broker.api.PartitionRequests.AppendAnswer;
import io.kontiki.broker.api.PartitionRequests.DeleteRecords;
import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.ListOffset;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.broker.testing.MemoryPartitions;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.FenceBroker;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** This is broker 2 of three; broker 1 leads until it is fenced, then 2 (rule R45). */
class PartitionRouterTest {
  private static final long SECOND = 1_000_000_000L;

  private final SimulatedTime time = new SimulatedTime();
  private final VirtualLoop control = time.newLoop("control");
  private final VirtualLoop data = time.newLoop("data");
  private final MemoryMetadata metadata = MemoryMetadata.cluster(control, 3);
  private final PartitionId partition = new PartitionId(metadata.topic("orders", 1, Map.of()), 0);
  private final MemoryPartitions own = new MemoryPartitions(data, metadata);
  private final List<Integer> asked = new ArrayList<>();
  private final List<Integer> epochs = new ArrayList<>();
  private Function<Append, AppendAnswer> other = append -> appended(7);
  private FetchAnswer fetchAnswer = fetched();

  /** Other brokers do not answer, as if frozen. */
  private boolean silent;

  /** What goes there leaves this broker. */
  private boolean sent = true;

  private final List<Consumer<ApiError>> hanging = new ArrayList<>();
  private final PartitionRouter router =
      new PartitionRouter(2, metadata, own, new Others(), id -> data);

  private final class Others implements PartitionRouter.Forwarder {
    @Override
    public Runnable append(
        BrokerImage leader, Append request, Completion<AppendAnswer> completion) {
      asked.add(leader.id());
      epochs.add(request.leaderEpoch());
      return silent
          ? hang(error -> completion.complete(failed(error)))
          : answer(completion, other.apply(request));
    }

    @Override
    public Runnable fetch(BrokerImage leader, Fetch request, Completion<FetchAnswer> completion) {
      asked.add(leader.id());
      return silent
          ? hang(error -> completion.complete(new FetchAnswer.Failed(error, null, null)))
          : answer(completion, fetchAnswer);
    }

    @Override
    public Runnable listOffset(
        BrokerImage leader, ListOffset request, Completion<OffsetAnswer> completion) {
      asked.add(leader.id());
      return silent
          ? hang(error -> completion.complete(new OffsetAnswer.Failed(error, null)))
          : answer(completion, new OffsetAnswer.Found(9, -1, 0));
    }

    private <T> Runnable answer(Completion<T> completion, T answer) {
      data.execute(() -> completion.complete(answer));
      return () -> {};
    }

    /** Says nothing until it is given up, or told to say something. */
    private Runnable hang(Consumer<ApiError> fail) {
      boolean[] ended = {false};
      Consumer<ApiError> once =
          error -> {
            if (!ended[0]) {
              ended[0] = true;
              fail.accept(error);
            }
          };
      hanging.add(once);
      return () ->
          once.accept(
              sent
                  ? ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "given up")
                  : ApiError.definite(ErrorReason.BROKER_UNREACHABLE, "never sent"));
    }

    @Override
    public Runnable deleteRecords(
        BrokerImage leader, DeleteRecords request, Completion<OffsetAnswer> completion) {
      asked.add(leader.id());
      completion.complete(new OffsetAnswer.Found(request.before(), -1, -1));
      return () -> {};
    }

    @Override
    public void describe(
        BrokerImage leader,
        PartitionId id,
        long deadlineNanos,
        Completion<Description> completion) {
      asked.add(leader.id());
      completion.complete(new Description(id, true, 1, 2));
    }
  }

  private static AppendAnswer appended(long offset) {
    return new AppendAnswer.Appended(offset, -1, 0, offset + 1, 0, Durability.FSYNC);
  }

  private static FetchAnswer fetched() {
    return new FetchAnswer.Fetched(List.of(), 0, 0, 0, 0, 0);
  }

  private static AppendAnswer failed(ApiError error) {
    return new AppendAnswer.Failed(error, null);
  }

  private static ApiError notLeader() {
    return ApiError.definite(ErrorReason.NOT_LEADER, "no more");
  }

  @BeforeEach
  void settle() {
    time.runUntilIdle();
  }

  private long now() {
    return time.clock().nanoTime();
  }

  private List<AppendAnswer> append(long timeoutNanos) {
    return append(timeoutNanos, RequestPathBatches.batch());
  }

  private List<AppendAnswer> append(long timeoutNanos, ByteBuffer batch) {
    List<AppendAnswer> answers = new ArrayList<>();
    router.append(
        new Append(partition, -1, Acks.ALL, batch, now() + timeoutNanos, Route.FORWARD),
        answers::add);
    return answers;
  }

  private static ApiError error(List<AppendAnswer> answers) {
    assertEquals(1, answers.size());
    return ((AppendAnswer.Failed) answers.get(0)).error();
  }

  @Test
  void anAppendGoesToTheLeaderInItsEpoch() {
    List<AppendAnswer> answers = append(SECOND);
    time.runUntilIdle();
    assertEquals(List.of(appended(7)), answers);
    assertEquals(List.of(1), asked);
    assertEquals(List.of(metadata.image().partition(partition).leaderEpoch()), epochs);
  }

  @Test
  void aDefiniteRefusalIsRetriedAtTheNewLeaderWithTheSameBytes() {
    ByteBuffer sent = RequestPathBatches.batch();
    other =
        append -> {
          append.batch().position(append.batch().limit()); // what a sender does with a buffer
          return failed(notLeader());
        };
    List<AppendAnswer> answers = append(10 * SECOND);
    time.advanceMs(5);
    assertTrue(answers.isEmpty());
    metadata.fence(1);
    time.advanceMs(1); // the image wakes it, not the timer
    assertTrue(answers.get(0) instanceof AppendAnswer.Appended, answers.toString());
    assertEquals(1, own.batches(partition).size());
    assertEquals(sent.remaining(), own.batches(partition).get(0).sizeBytes());
    assertEquals(List.of(1), asked);
  }

  @Test
  void withoutAProducerIdAnIndefiniteOutcomeIsNeverFollowedByASecondAppend() {
    for (ErrorReason reason :
        List.of(
            ErrorReason.OUTCOME_UNKNOWN,
            ErrorReason.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            ErrorReason.LEADER_UNAVAILABLE,
            ErrorReason.BROKER_UNREACHABLE)) {
      asked.clear();
      other = append -> failed(ApiError.indefinite(reason, "who knows"));
      List<AppendAnswer> answers = append(10 * SECOND);
      time.advanceMs(20_000);
      assertEquals(reason, error(answers).reason());
      assertFalse(error(answers).definite());
      assertEquals(List.of(1), asked);
    }
  }

  @Test
  void withAProducerIdAnUnknownOutcomeIsFollowedByTheSameBytesAtTheNewLeader() {
    other = append -> failed(ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "broken"));
    List<AppendAnswer> answers = append(10 * SECOND, RequestPathBatches.idempotent());
    time.advanceMs(5);
    assertTrue(answers.isEmpty());
    metadata.fence(1);
    time.advanceMs(1);
    assertTrue(answers.get(0) instanceof AppendAnswer.Appended, answers.toString());
    assertEquals(
        List.of(RecordBatch.at(RequestPathBatches.idempotent()).baseSequence()),
        own.batches(partition).stream().map(RecordBatch::baseSequence).toList());
  }

  @Test
  void afterAnUnknownOutcomeNoRefusalIsDefinite() {
    other = append -> failed(ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "broken"));
    List<AppendAnswer> answers = append(10 * SECOND, RequestPathBatches.idempotent());
    time.advanceMs(5);
    other = append -> failed(ApiError.definite(ErrorReason.SEQUENCE_OUT_OF_ORDER, "gap"));
    time.advanceMs(200);
    assertEquals(ErrorReason.OUTCOME_UNKNOWN, error(answers).reason());
    assertFalse(error(answers).definite(), "P4");
    answers = append(SECOND, RequestPathBatches.idempotent());
    other = append -> failed(notLeader());
    time.advanceMs(2_000);
    assertTrue(error(answers).definite(), "that one was refused by everybody");
  }

  @Test
  void aFrozenLeadersReadsMoveAsSoonAsTheImageNamesAnother() {
    silent = true;
    List<FetchAnswer> fetches = new ArrayList<>();
    List<OffsetAnswer> offsets = new ArrayList<>();
    router.fetch(
        new Fetch(partition, 0, 0, -1, 1, 0, now() + 10 * SECOND, Route.FORWARD), fetches::add);
    router.listOffset(
        new ListOffset(
            partition,
            new PartitionRequests.OffsetQuery.Latest(),
            now() + 10 * SECOND,
            Route.FORWARD),
        offsets::add);
    time.advanceMs(1_500);
    assertEquals(List.of(1, 1), asked);
    metadata.fence(1);
    time.advanceMs(1);
    assertTrue(fetches.get(0) instanceof FetchAnswer.Fetched, fetches.toString());
    assertTrue(offsets.get(0) instanceof OffsetAnswer.Found, offsets.toString());
  }

  @Test
  void aFrozenLeadersAppendsMoveAtOnceIfTheyMayBeRepeatedAndElseAreUnknownSoon() {
    silent = true;
    List<AppendAnswer> safe = append(10 * SECOND, RequestPathBatches.idempotent());
    List<AppendAnswer> bare = append(10 * SECOND);
    time.advanceMs(1_500);
    metadata.fence(1);
    time.advanceMs(1);
    assertTrue(safe.get(0) instanceof AppendAnswer.Appended, safe.toString());
    assertTrue(bare.isEmpty(), "the former leader may live, and answer");
    time.advanceMs(300);
    assertEquals(ErrorReason.OUTCOME_UNKNOWN, error(bare).reason());
    assertFalse(error(bare).definite(), "P4");
    assertEquals(1, own.batches(partition).size(), "R45: not a second time");
  }

  @Test
  void aFormerLeaderThatLivesHasTheLastWord() {
    silent = true;
    List<AppendAnswer> answers = append(10 * SECOND);
    time.advanceMs(10);
    metadata.fence(1);
    time.advanceMs(10);
    hanging.get(0).accept(ApiError.definite(ErrorReason.NOT_LEADER, "never appended"));
    time.advanceMs(1);
    assertTrue(answers.get(0) instanceof AppendAnswer.Appended, answers.toString());
    time.advanceMs(1_000);
    assertEquals(1, answers.size());
  }

  @Test
  void whatNeverLeftForAFrozenLeaderGoesToTheNewOneEvenWithoutAProducerId() {
    silent = true;
    sent = false;
    List<AppendAnswer> answers = append(10 * SECOND);
    time.advanceMs(10);
    metadata.fence(1);
    time.advanceMs(300);
    assertTrue(answers.get(0) instanceof AppendAnswer.Appended, answers.toString());
    assertEquals(1, own.batches(partition).size());
  }

  @Test
  void aChangeOfTheInSyncSetGivesNothingUp() {
    silent = true;
    List<AppendAnswer> answers = append(10 * SECOND, RequestPathBatches.idempotent());
    time.advanceMs(10);
    metadata.fence(3);
    time.advanceMs(1_000);
    assertEquals(List.of(1), asked);
    assertTrue(answers.isEmpty());
  }

  @Test
  void withoutALeaderItWaitsWithoutABusyLoopAndEndsByTheDeadline() {
    metadata.fence(1);
    metadata.fence(2);
    metadata.fence(3);
    time.runUntilIdle();
    long began = now();
    List<AppendAnswer> answers = append(2 * SECOND);
    assertTrue(time.runUntil(() -> !answers.isEmpty(), 2 * SECOND));
    assertTrue(now() - began > SECOND);
    assertEquals(ErrorReason.LEADER_UNAVAILABLE, error(answers).reason());
    assertTrue(error(answers).definite());
    assertEquals(List.of(), asked);
  }

  @Test
  void aRefusalThatDoesNotHealIsRepeatedSeldomAndOnlyUntilTheDeadline() {
    other = append -> failed(notLeader());
    long began = now();
    List<AppendAnswer> answers = append(2 * SECOND);
    assertTrue(time.runUntil(() -> !answers.isEmpty(), 3 * SECOND));
    assertTrue(now() - began <= 2 * SECOND, "late by " + (now() - began - 2 * SECOND));
    assertEquals(ErrorReason.LEADER_UNAVAILABLE, error(answers).reason());
    assertTrue(asked.size() > 10 && asked.size() < 40, asked.size() + " tries");
  }

  @Test
  void changesOfOtherPartitionsWakeNobody() {
    other = append -> failed(notLeader());
    append(10 * SECOND);
    time.advanceMs(1_000);
    int tries = asked.size();
    for (int i = 0; i < 100; i++) {
      metadata.topic("other-" + i, 1, Map.of());
    }
    time.advanceMs(10);
    assertTrue(asked.size() <= tries + 1, asked.size() - tries + " tries");
  }

  @Test
  void manyWaitingRequestsAreOneListener() {
    other = append -> failed(notLeader());
    for (int i = 0; i < 50; i++) {
      append(SECOND);
    }
    time.advanceMs(100);
    assertEquals(1, metadata.listeners());
    time.advanceMs(2_000);
    time.runUntilIdle();
  }

  @Test
  void whatNoOtherLeaderHealsIsAnsweredAtOnce() {
    other = append -> failed(ApiError.definite(ErrorReason.RECORD_TOO_LARGE, "too large"));
    List<AppendAnswer> answers = append(10 * SECOND);
    time.advanceMs(1);
    assertEquals(ErrorReason.RECORD_TOO_LARGE, error(answers).reason());
  }

  @Test
  void aDeletedTopicEndsTheWait() {
    other = append -> failed(notLeader());
    List<AppendAnswer> answers = append(10 * SECOND);
    time.advanceMs(1);
    metadata.apply(new io.kontiki.metadata.MetadataCommand.DeleteTopic(1, partition.topicId()));
    time.advanceMs(1);
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, error(answers).reason());
  }

  @Test
  void aReadIsRepeatedAfterAnyFailureButNotInAFencedEpochOfItsOwn() {
    List<FetchAnswer> answers = new ArrayList<>();
    fetchAnswer =
        new FetchAnswer.Failed(
            ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "no answer"), null, null);
    Fetch fetch = new Fetch(partition, 0, 0, -1, 1, 1, now() + 10 * SECOND, Route.FORWARD);
    router.fetch(fetch, answers::add);
    time.advanceMs(10);
    assertTrue(answers.isEmpty());
    fetchAnswer = fetched();
    time.advanceMs(100);
    assertEquals(List.of(fetched()), answers);
    answers.clear();
    fetchAnswer =
        new FetchAnswer.Failed(
            ApiError.definite(ErrorReason.FENCED_LEADER_EPOCH, "old"), null, null);
    router.fetch(fetch, answers::add);
    time.advanceMs(1);
    assertEquals(1, answers.size());
  }

  @Test
  void aLocalRequestIsNeverForwarded() {
    List<AppendAnswer> answers = new ArrayList<>();
    own.failing(partition, PartitionRouterTest::notLeader);
    router.append(
        new Append(
            partition, -1, Acks.ALL, RequestPathBatches.batch(), now() + SECOND, Route.LOCAL),
        answers::add);
    time.advanceMs(1);
    assertEquals(ErrorReason.NOT_LEADER, error(answers).reason());
    assertEquals(List.of(), asked);
  }

  @Test
  void descriptionsComeFromTheLeaderOrSayThatThereIsNone() {
    List<Description> answers = new ArrayList<>();
    router.describe(partition, now() + SECOND, answers::add);
    time.runUntilIdle();
    assertTrue(answers.get(0).known());
    ClusterImage image = metadata.image();
    for (int id = 1; id <= 3; id++) {
      metadata.apply(new FenceBroker(1, id, image.brokers().get(id).epoch(), "test"));
    }
    router.describe(partition, now() + SECOND, answers::add);
    time.runUntilIdle();
    assertFalse(answers.get(1).known());
  }
}
