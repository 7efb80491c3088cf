package io.kontiki.broker.replicas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.replication.IsrMember;
import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.replication.Resignation;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MetadataIsrProposalsTest {
  private final SimulatedTime time = new SimulatedTime();
  private final VirtualLoop data = time.newLoop("data");
  private final MemoryMetadata metadata = MemoryMetadata.cluster(time.newLoop("control"), 3);
  private final TopicId topic = metadata.topic("orders", 2, Map.of());
  private final PartitionId first = new PartitionId(topic, 0);
  private final PartitionId second = new PartitionId(topic, 1);
  private long epoch = metadata.image().brokers().get(1).epoch();
  private final MetadataIsrProposals proposals =
      new MetadataIsrProposals(1, () -> epoch, metadata, data);

  private IsrProposal proposal(PartitionId id, int epochOffset, Integer... isr) {
    PartitionImage state = metadata.image().partition(id);
    List<IsrMember> members = new ArrayList<>();
    for (int broker : isr) {
      members.add(new IsrMember(broker, metadata.image().brokers().get(broker).epoch()));
    }
    return new IsrProposal(
        id, state.leaderEpoch(), state.partitionEpoch() + epochOffset, members, List.of());
  }

  private List<IsrOutcome> propose(IsrProposal... all) {
    List<IsrOutcome> outcomes = new ArrayList<>();
    int[] answers = {0};
    data.run(
        () ->
            proposals.propose(
                List.of(all),
                answer -> {
                  assertTrue(data.inLoop());
                  answers[0]++;
                  outcomes.addAll(answer);
                }));
    time.advanceMs(3_000);
    assertEquals(1, answers[0]);
    return outcomes;
  }

  @Test
  void oneRefusalDoesNotRefuseTheRest() {
    List<IsrOutcome> outcomes = propose(proposal(first, -1, 1, 2), proposal(second, 0, 1, 2));
    assertTrue(outcomes.get(0) instanceof IsrOutcome.Stale, outcomes.toString());
    IsrOutcome.Applied applied = (IsrOutcome.Applied) outcomes.get(1);
    assertEquals(List.of(1, 2), applied.state().isr());
    assertEquals(
        metadata.image().partition(second).partitionEpoch(), applied.state().partitionEpoch());
  }

  @Test
  void aMemberThatMayNotJoinIsADefiniteRejectionWithANewerState() {
    metadata.fence(3);
    int before = metadata.image().partition(first).partitionEpoch();
    List<IsrOutcome> outcomes = propose(proposal(first, 0, 1, 2, 3));
    IsrOutcome.Rejected rejected = (IsrOutcome.Rejected) outcomes.get(0);
    assertTrue(rejected.state().partitionEpoch() > before, "R17");
  }

  @Test
  void whatNobodyAnsweredAndWhatNobodyProposedIsUnknown() {
    IsrProposal shrink = proposal(first, 0, 1, 2);
    metadata.quorum(false);
    assertEquals(List.of(new IsrOutcome.Unknown()), propose(shrink));
    metadata.quorum(true);
    metadata.losesAnswers(true);
    assertEquals(List.of(new IsrOutcome.Unknown()), propose(shrink));
    metadata.losesAnswers(false);
    assertTrue(propose(shrink).get(0) instanceof IsrOutcome.Stale, "the copy changes nothing");
  }

  private List<IsrOutcome> resign(Resignation... all) {
    List<IsrOutcome> outcomes = new ArrayList<>();
    data.run(() -> proposals.resign(List.of(all), outcomes::addAll));
    time.advanceMs(3_000);
    return outcomes;
  }

  private Resignation resignation(PartitionId id, int epochOffset, int successor) {
    PartitionImage state = metadata.image().partition(id);
    return new Resignation(
        id,
        state.leaderEpoch(),
        state.partitionEpoch() + epochOffset,
        successor,
        Resignation.Cause.SYNC_STUCK);
  }

  @Test
  void aResignationMovesTheLeaderAndLeavesTheInSyncSetR38() {
    PartitionId mine = metadata.image().partition(first).leader() == 1 ? first : second;
    PartitionId other = mine.equals(first) ? second : first;
    List<IsrOutcome> outcomes = resign(resignation(mine, 0, 3), resignation(other, -1, 3));
    IsrOutcome.Applied applied = (IsrOutcome.Applied) outcomes.get(0);
    assertEquals(3, applied.state().leaderId());
    assertEquals(List.of(1, 2, 3), applied.state().isr());
    assertTrue(outcomes.get(1) instanceof IsrOutcome.Stale, outcomes.toString());
    metadata.quorum(false);
    assertEquals(List.of(new IsrOutcome.Unknown()), resign(resignation(mine, 0, 2)));
  }

  @Test
  void aProcessThatWasReplacedChangesNothing() {
    epoch = 1;
    IsrOutcome outcome = propose(proposal(first, 0, 1, 2)).get(0);
    assertTrue(
        outcome instanceof IsrOutcome.Stale || outcome instanceof IsrOutcome.Unknown,
        outcome.toString());
    assertEquals(List.of(1, 2, 3), metadata.image().partition(first).isr());
  }
}
