package io.kontiki.metadata;

import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.IsrOutcome;
import io.kontiki.metadata.CommandOutcome.IsrOutcomes;
import io.kontiki.metadata.CommandOutcome.Kind;
import io.kontiki.metadata.CommandOutcome.Number;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.metadata.MetadataCommand.Farewell;
import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.MetadataCommand.IsrMember;
import io.kontiki.metadata.MetadataCommand.LeaderMove;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** What leaders and candidates ask for: in-sync sets, resignations, balanced recovery. */
final class IsrCommands {
  private IsrCommands() {}

  /** R13, R17, R42: an own compare-and-set and an own outcome for each change. */
  static CommandOutcome alter(ImageDraft draft, MetadataCommand.AlterPartitions command) {
    boolean fenced = BrokerCommands.stale(draft, command.brokerId(), command.brokerEpoch()) != null;
    List<IsrOutcome> outcomes = new ArrayList<>(command.changes().size());
    for (IsrChange change : command.changes()) {
      PartitionImage now = draft.partition(change.partition());
      if (fenced || now == null) {
        outcomes.add(new IsrOutcome(change.partition(), Kind.FENCED, now));
      } else {
        outcomes.add(alter(draft, command.brokerId(), change, now));
      }
    }
    return new IsrOutcomes(outcomes);
  }

  /** The topic of a partition that is there. */
  private static TopicImage topic(ImageDraft draft, PartitionId partition) {
    return Objects.requireNonNull(draft.before().topics().get(partition.topicId()));
  }

  private static IsrOutcome alter(
      ImageDraft draft, int leader, IsrChange change, PartitionImage now) {
    if (now.leader() != leader || now.leaderEpoch() != change.leaderEpoch()) {
      return new IsrOutcome(change.partition(), Kind.FENCED, now);
    }
    if (now.partitionEpoch() != change.partitionEpoch()) {
      return new IsrOutcome(change.partition(), Kind.STALE, now);
    }
    TopicImage topic = topic(draft, change.partition());
    PartitionChange next = new PartitionChange(now, topic.minIsr(now));
    boolean eligible = eligible(draft, leader, change, now);
    if (eligible) {
      next.setIsr(change.isr().stream().map(IsrMember::brokerId).toList());
      next.notEligible(change.damaged());
    }
    // Also where the set stays the same: no copy of this change may be decided again (R17).
    next.burnEpoch();
    PartitionImage after = draft.change(change.partition(), next, now);
    return new IsrOutcome(change.partition(), eligible ? Kind.APPLIED : Kind.INELIGIBLE, after);
  }

  /**
   * Whether these may be the in-sync set: replicas, each once, the leader among them, none fenced,
   * none of another incarnation than the leader saw (R13, R15). A stopping broker may stay, so that
   * a leader that nobody could replace can still hand over, but not join (R7).
   */
  private static boolean eligible(
      ImageDraft draft, int leader, IsrChange change, PartitionImage now) {
    List<Integer> seen = new ArrayList<>();
    for (IsrMember member : change.isr()) {
      int id = member.brokerId();
      State state = draft.state(id);
      if (seen.contains(id)
          || !now.replicas().contains(id)
          || BrokerCommands.stale(draft, id, member.brokerEpoch()) != null
          || state == State.FENCED
          || state == State.STOPPING && !now.isr().contains(id)) {
        return false;
      }
      seen.add(id);
    }
    return seen.contains(leader);
  }

  /**
   * R38: leadership moves to another active member of the ISR, which stays as it is. D9: from a
   * damaged leader without one to an active member of the ELR.
   */
  static CommandOutcome resign(ImageDraft draft, MetadataCommand.Resign command) {
    boolean fenced = BrokerCommands.stale(draft, command.brokerId(), command.brokerEpoch()) != null;
    List<IsrOutcome> outcomes = new ArrayList<>(command.changes().size());
    for (Farewell change : command.changes()) {
      PartitionId partition = change.move().partition();
      PartitionImage now = draft.partition(partition);
      if (fenced || now == null) {
        outcomes.add(new IsrOutcome(partition, Kind.FENCED, now));
      } else {
        outcomes.add(resign(draft, command.brokerId(), change, now));
      }
    }
    return new IsrOutcomes(outcomes);
  }

  private static IsrOutcome resign(
      ImageDraft draft, int leader, Farewell farewell, PartitionImage now) {
    LeaderMove change = farewell.move();
    if (now.leader() != leader || now.leaderEpoch() != change.leaderEpoch()) {
      return new IsrOutcome(change.partition(), Kind.FENCED, now);
    }
    if (now.partitionEpoch() != change.partitionEpoch()) {
      return new IsrOutcome(change.partition(), Kind.STALE, now);
    }
    PartitionChange next = new PartitionChange(now, topic(draft, change.partition()).minIsr(now));
    boolean replaced =
        next.resign(change.to(), draft::state)
            || (farewell.damaged() && next.resignToEligible(change.to(), draft::state));
    if (!replaced && farewell.damaged()) {
      // A late copy would take the leader out of the in-sync set: none may be applied (R5, R17).
      next.burnEpoch();
    }
    PartitionImage after = draft.change(change.partition(), next, now);
    return new IsrOutcome(change.partition(), replaced ? Kind.APPLIED : Kind.INELIGIBLE, after);
  }

  /** R43: an own compare-and-set for each; one that does not fit does not stop the rest. */
  static CommandOutcome move(ImageDraft draft, MetadataCommand.MoveLeaders command) {
    long moved = 0;
    for (LeaderMove move : command.moves()) {
      PartitionImage now = draft.partition(move.partition());
      if (now == null
          || now.leaderEpoch() != move.leaderEpoch()
          || now.partitionEpoch() != move.partitionEpoch()) {
        continue;
      }
      PartitionChange change = new PartitionChange(now, topic(draft, move.partition()).minIsr(now));
      if (change.moveTo(move.to(), draft::state)) {
        draft.change(move.partition(), change, now);
        moved++;
      }
    }
    return new Number(moved);
  }

  /** R19: only where nobody who holds every committed record can lead, and only when asked. */
  static CommandOutcome electUnclean(ImageDraft draft, MetadataCommand.ElectUnclean command) {
    PartitionId id = command.partition().partition();
    PartitionImage now = draft.partition(id);
    if (now == null) {
      return MetadataMachine.rejected(
          ErrorReason.PARTITION_NOT_FOUND, "there is no partition " + id);
    }
    if (now.partitionEpoch() != command.partition().partitionEpoch()) {
      return TopicCommands.changedMeanwhile("leader and in-sync set of the partition");
    }
    if (command.reason().isBlank() || command.reason().length() > Limits.REASON_CHARS) {
      return MetadataMachine.rejected(
          ErrorReason.INVALID_FIELD,
          "an unclean election needs a reason of 1 to " + Limits.REASON_CHARS + " characters");
    }
    if (now.leader() != PartitionImage.NO_LEADER) {
      return new Rejected(
          ApiError.definite(
                  ErrorReason.LEADER_EXISTS,
                  "broker " + now.leader() + " leads; an unclean election would lose its records")
              .with("leader", now.leader()));
    }
    List<Integer> eligible = new ArrayList<>(now.isr());
    eligible.addAll(now.elr());
    for (int replica : eligible) {
      if (draft.state(replica) != State.FENCED) {
        return MetadataMachine.rejected(
            ErrorReason.NO_ELIGIBLE_LEADER,
            "broker " + replica + " holds every committed record and is only stopping: start it");
      }
    }
    PartitionChange change = new PartitionChange(now, topic(draft, id).minIsr(now));
    if (!change.electUnclean(draft.logEnds(id), draft::state)) {
      return MetadataMachine.rejected(
          ErrorReason.NO_ELIGIBLE_LEADER,
          "none of the replicas " + now.replicas() + " is active: start one of their brokers");
    }
    return new Number(draft.change(id, change, now).leader());
  }

  /** R19: keeps what counts; the last report of a partition elects. */
  static CommandOutcome report(ImageDraft draft, MetadataCommand.ReportLogEnds command) {
    Rejected stale = BrokerCommands.stale(draft, command.brokerId(), command.brokerEpoch());
    if (stale != null) {
      return stale;
    }
    if (!draft.state(command.brokerId()).inService()) {
      return MetadataMachine.rejected(
          ErrorReason.BROKER_STARTING, "broker " + command.brokerId() + " is not active");
    }
    for (MetadataCommand.LogEnd end : command.ends()) {
      PartitionImage now = draft.partition(end.partition());
      TopicImage topic = draft.before().topics().get(end.partition().topicId());
      if (now == null || topic == null || !now.lastKnownElr().contains(command.brokerId())) {
        continue;
      }
      PartitionChange change = new PartitionChange(now, topic.minIsr(now));
      if (change.awaitsRecovery()) {
        draft.putLogEnd(
            end.partition(),
            new LogEndReport(
                command.brokerId(), command.brokerEpoch(), end.lastEpoch(), end.endOffset()));
        draft.change(end.partition(), change, now);
      }
    }
    return new Done();
  }
}
