package io.kontiki.broker.quorum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.Metadata;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MetadataClientTest {
  private static final long SECOND = 1_000_000_000L;
  private static final MetadataCommand COMMAND =
      new MetadataCommand.AllocateProducerIds(1, true, 1);

  private final SimulatedTime time = new SimulatedTime();
  private final VirtualLoop control = time.newLoop("control");
  private final MetadataClient client = new MetadataClient(control);
  private final Quorum quorum = new Quorum();

  /** A quorum that answers what it is told to, or nothing. */
  private final class Quorum implements MetadataClient.QuorumAccess {
    final List<Completion<ProposalEnd>> proposed = new ArrayList<>();
    boolean leaderless;
    final List<Completion<Boolean>> reads = new ArrayList<>();

    @Override
    public void propose(
        MetadataCommand command, long deadlineNanos, Completion<ProposalEnd> completion) {
      assertTrue(control.inLoop());
      proposed.add(completion);
      if (leaderless) {
        completion.complete(new ProposalEnd.NotProposed("no leader"));
      }
    }

    @Override
    public void readIndex(long deadlineNanos, Completion<Boolean> completion) {
      reads.add(completion);
    }

    @Override
    public RaftStatus status() {
      return new RaftStatus("metadata", 1, false, 1, 1, 1, List.of());
    }

    @Override
    public void leaderStatus(long deadlineNanos, Completion<RaftStatus> completion) {
      completion.complete(status());
    }

    void end(int attempt, ProposalEnd end) {
      control.run(() -> proposed.get(attempt).complete(end));
    }
  }

  MetadataClientTest() {
    control.run(() -> client.connect(quorum));
  }

  private static MetadataCommands.ProposalEnd notProposed() {
    return new MetadataCommands.ProposalEnd.NotProposed("no leader");
  }

  private List<Result<Metadata.Submitted>> submit() {
    List<Result<Metadata.Submitted>> ends = new ArrayList<>();
    client.submit(COMMAND, time.clock().nanoTime() + SECOND, ends::add);
    time.advanceMs(1);
    return ends;
  }

  private static ApiError error(List<? extends Result<?>> ends) {
    assertEquals(1, ends.size());
    return ((Result.Err<?>) ends.get(0)).error();
  }

  @Test
  void anOlderImageIsIgnored() {
    client.publish(ClusterImage.EMPTY.at(5));
    client.publish(ClusterImage.EMPTY.at(4));
    assertEquals(5, client.image().index());
  }

  @Test
  void aListenerHearsThePresentImageFirstAndNoneTwice() {
    List<Long> heard = new ArrayList<>();
    client.publish(ClusterImage.EMPTY.at(1)); // the task that tells it is still on its way
    Metadata.Listener listener = image -> heard.add(image.index());
    control.run(() -> client.listen(listener));
    time.runUntilIdle();
    client.publish(ClusterImage.EMPTY.at(2));
    client.publish(ClusterImage.EMPTY.at(3));
    time.runUntilIdle();
    assertEquals(List.of(1L, 3L), heard);
    client.unlisten(listener);
    client.publish(ClusterImage.EMPTY.at(4));
    time.runUntilIdle();
    assertEquals(2, heard.size());
  }

  @Test
  void whoWaitsForAnIndexGetsItOrTheEndOfTheTime() {
    List<Result<ClusterImage>> ends = new ArrayList<>();
    client.awaitIndex(3, time.clock().nanoTime() + SECOND, ends::add);
    client.awaitIndex(9, time.clock().nanoTime() + SECOND, ends::add);
    client.publish(ClusterImage.EMPTY.at(2));
    time.advanceMs(10);
    assertEquals(0, ends.size());
    client.publish(ClusterImage.EMPTY.at(4));
    time.advanceMs(10);
    assertEquals(1, ends.size());
    time.advanceMs(2_000);
    assertEquals(2, ends.size());
    assertEquals(ErrorReason.QUORUM_UNAVAILABLE, ((Result.Err<?>) ends.get(1)).error().reason());
  }

  @Test
  void aReadIsRepeatedUntilItIsConfirmed() {
    List<Result<ClusterImage>> ends = new ArrayList<>();
    client.readLatest(time.clock().nanoTime() + SECOND, ends::add);
    time.advanceMs(1);
    control.run(() -> quorum.reads.get(0).complete(false));
    time.advanceMs(30);
    assertEquals(2, quorum.reads.size());
    client.publish(ClusterImage.EMPTY.at(4));
    control.run(() -> quorum.reads.get(1).complete(true));
    assertEquals(List.of(Result.ok(client.image())), ends);
  }

  @Test
  void aReadThatNobodyAnswersEndsAtItsDeadline() {
    List<Result<ClusterImage>> ends = new ArrayList<>();
    client.readLatest(time.clock().nanoTime() + SECOND, ends::add);
    time.advanceMs(1_001);
    assertEquals(ErrorReason.QUORUM_UNAVAILABLE, error(ends).reason());
    control.run(() -> quorum.reads.get(0).complete(false));
    time.advanceMs(100);
    assertEquals(1, quorum.reads.size());
  }

  @Test
  void whatWasCertainlyNotProposedIsProposedAgain() {
    List<Result<Metadata.Submitted>> ends = submit();
    quorum.end(0, notProposed());
    time.advanceMs(30);
    assertEquals(2, quorum.proposed.size());
    client.publish(ClusterImage.EMPTY.at(8));
    CommandOutcome outcome = new CommandOutcome.Number(5);
    quorum.end(1, new MetadataCommands.ProposalEnd.Applied(8, outcome));
    assertEquals(List.of(Result.ok(new Metadata.Submitted(8, outcome))), ends);
  }

  @Test
  void aSuccessWaitsForTheOwnImageButIsNeverAFailure() {
    List<Result<Metadata.Submitted>> ends = submit();
    quorum.end(0, new MetadataCommands.ProposalEnd.Applied(8, new CommandOutcome.Number(5)));
    time.advanceMs(500);
    assertEquals(0, ends.size());
    time.advanceMs(600);
    assertEquals(1, ends.size());
    assertTrue(ends.get(0) instanceof Result.Ok);
  }

  @Test
  void anUnknownOutcomeIsNeverProposedAgain() {
    List<Result<Metadata.Submitted>> ends = submit();
    quorum.end(0, new MetadataCommands.ProposalEnd.Unknown("stepped down"));
    time.advanceMs(2_000);
    assertFalse(error(ends).definite(), "M3");
    assertEquals(1, quorum.proposed.size());
  }

  @Test
  void aProposalThatNobodyAnswersIsUnknownAtTheDeadline() {
    List<Result<Metadata.Submitted>> ends = submit();
    time.advanceMs(1_000);
    assertEquals(ErrorReason.OUTCOME_UNKNOWN, error(ends).reason());
    quorum.end(0, notProposed()); // late: nothing may follow
    time.advanceMs(1_000);
    assertEquals(1, quorum.proposed.size());
    assertEquals(1, ends.size());
  }

  @Test
  void withoutALeaderTheEndIsDefinite() {
    quorum.leaderless = true;
    List<Result<Metadata.Submitted>> ends = submit();
    time.advanceMs(2_000);
    assertEquals(ErrorReason.QUORUM_UNAVAILABLE, error(ends).reason());
    assertTrue(error(ends).definite());
  }
}
