package io.kontiki.broker.replicas;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.partition.IsrProposals;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.AlterPartitions;
import io.kontiki.metadata.MetadataCommand.Farewell;
import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.MetadataCommand.IsrMember;
import io.kontiki.metadata.MetadataCommand.LeaderMove;
import io.kontiki.metadata.MetadataCommand.Resign;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.Result;
import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.replication.Resignation;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Brings changes of in-sync sets and resignations to the metadata leader, one command of each kind
 * a loop turn (rule R42).
 */
public final class MetadataIsrProposals implements IsrProposals {
  /** Then the outcome is unknown and the leader sends the same again (rule R14). */
  private static final long TIMEOUT_NANOS = 2_000_000_000L;

  private final int brokerId;
  private final LongSupplier brokerEpoch;
  private final Metadata metadata;
  private final EventLoop loop;

  /**
   * For the partitions of one loop.
   *
   * @param brokerEpoch of this process's registration; any thread
   */
  public MetadataIsrProposals(
      int brokerId, LongSupplier brokerEpoch, Metadata metadata, EventLoop loop) {
    this.brokerId = brokerId;
    this.brokerEpoch = brokerEpoch;
    this.metadata = metadata;
    this.loop = loop;
  }

  @Override
  public void propose(List<IsrProposal> proposals, Completion<List<IsrOutcome>> completion) {
    List<IsrChange> changes = new ArrayList<>();
    for (IsrProposal proposal : proposals) {
      List<IsrMember> members = new ArrayList<>();
      proposal
          .isr()
          .forEach(member -> members.add(new IsrMember(member.brokerId(), member.brokerEpoch())));
      changes.add(
          new IsrChange(
              proposal.partition(),
              proposal.leaderEpoch(),
              proposal.partitionEpoch(),
              members,
              proposal.damaged()));
    }
    AlterPartitions command =
        new AlterPartitions(loop.clock().wallMs(), brokerId, brokerEpoch.getAsLong(), changes);
    submit(command, proposals.size(), completion);
  }

  @Override
  public void resign(List<Resignation> resignations, Completion<List<IsrOutcome>> completion) {
    List<Farewell> changes =
        resignations.stream()
            .map(
                one ->
                    new Farewell(
                        new LeaderMove(
                            one.partition(),
                            one.successor(),
                            one.leaderEpoch(),
                            one.partitionEpoch()),
                        one.cause() == Resignation.Cause.LOG_DAMAGED))
            .toList();
    submit(
        new Resign(loop.clock().wallMs(), brokerId, brokerEpoch.getAsLong(), changes),
        resignations.size(),
        completion);
  }

  private void submit(MetadataCommand command, int count, Completion<List<IsrOutcome>> completion) {
    metadata.submit(
        command,
        loop.clock().nanoTime() + TIMEOUT_NANOS,
        end -> {
          List<IsrOutcome> outcomes = outcomes(count, end);
          loop.execute(() -> completion.complete(outcomes));
        });
  }

  private static List<IsrOutcome> outcomes(int count, Result<Metadata.Submitted> end) {
    if (end instanceof Result.Ok<Metadata.Submitted> ok
        && ok.value().outcome() instanceof CommandOutcome.IsrOutcomes all
        && all.outcomes().size() == count) {
      return all.outcomes().stream().map(MetadataIsrProposals::outcome).toList();
    }
    return Collections.nCopies(count, new IsrOutcome.Unknown());
  }

  private static IsrOutcome outcome(CommandOutcome.IsrOutcome outcome) {
    PartitionImage state = outcome.state();
    if (state == null) {
      return new IsrOutcome.Unknown(); // deleted: the image will say so
    }
    return switch (outcome.kind()) {
      case APPLIED -> new IsrOutcome.Applied(ReplicaAssignments.state(state));
      case INELIGIBLE -> new IsrOutcome.Rejected(ReplicaAssignments.state(state));
      case STALE, FENCED -> new IsrOutcome.Stale(ReplicaAssignments.state(state));
    };
  }
}
