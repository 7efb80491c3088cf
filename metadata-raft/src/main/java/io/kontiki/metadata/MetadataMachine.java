package io.kontiki.metadata;

import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.Number;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Uid;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The cluster metadata as a deterministic state machine: the same commands at the same indexes give
 * equal images on every node (rule M1). Total (rule M17): every command gives a new image and a
 * typed outcome; an exception is a bug.
 *
 * <p>Where to read on: {@link BrokerCommands} (R1 to R7, R35), {@link IsrCommands} (R13, R17, R38),
 * {@link TopicCommands} (R43, M20), {@link ReassignmentCommands} (R34), {@link PartitionChange}
 * (R18, R19).
 */
public final class MetadataMachine {
  private MetadataMachine() {}

  /**
   * Applies one command.
   *
   * @param index of its Raft entry; above the image's
   */
  public static ApplyResult apply(ClusterImage image, long index, MetadataCommand command) {
    if (index <= image.index()) {
      throw new IllegalStateException(
          "entry " + index + " after entry " + image.index() + ": indexes must grow");
    }
    ImageDraft draft = new ImageDraft(image, index);
    CommandOutcome outcome = decide(draft, command);
    return new ApplyResult(draft.build(), outcome, draft.recovered());
  }

  private static CommandOutcome decide(ImageDraft draft, MetadataCommand command) {
    if (command instanceof MetadataCommand.FormCluster form) {
      return form(draft, form);
    }
    if (!draft.before().formed()) {
      return new Rejected(
          ApiError.retriable(
              ErrorReason.QUORUM_UNAVAILABLE, "the cluster has not formed yet (M15)", 200));
    }
    if (command instanceof MetadataCommand.AlterPartitions alter) {
      return IsrCommands.alter(draft, alter);
    } else if (command instanceof MetadataCommand.Resign resign) {
      return IsrCommands.resign(draft, resign);
    } else if (command instanceof MetadataCommand.MoveLeaders move) {
      return IsrCommands.move(draft, move);
    } else if (command instanceof MetadataCommand.ReassignPartitions reassign) {
      return ReassignmentCommands.reassign(draft, reassign);
    } else if (command instanceof MetadataCommand.FinishReassignments finish) {
      return ReassignmentCommands.finish(draft, finish);
    } else if (command instanceof MetadataCommand.LimitCatchUp limit) {
      return ReassignmentCommands.limit(draft, limit);
    } else if (command instanceof MetadataCommand.ElectUnclean elect) {
      return IsrCommands.electUnclean(draft, elect);
    } else if (command instanceof MetadataCommand.WishBroker wish) {
      return BrokerCommands.wish(draft, wish);
    } else if (command instanceof MetadataCommand.RemoveBroker remove) {
      return BrokerCommands.remove(draft, remove);
    } else if (command instanceof MetadataCommand.ReportLogEnds report) {
      return IsrCommands.report(draft, report);
    } else if (command instanceof MetadataCommand.RegisterBroker register) {
      return BrokerCommands.register(draft, register);
    } else if (command instanceof MetadataCommand.UnfenceBroker unfence) {
      return BrokerCommands.unfence(draft, unfence);
    } else if (command instanceof MetadataCommand.FenceBroker fence) {
      return BrokerCommands.fence(draft, fence);
    } else if (command instanceof MetadataCommand.StopBroker stop) {
      return BrokerCommands.stop(draft, stop);
    } else if (command instanceof MetadataCommand.CreateTopic create) {
      return TopicCommands.create(draft, create);
    } else if (command instanceof MetadataCommand.AlterTopicConfig alter) {
      return TopicCommands.alter(draft, alter);
    } else if (command instanceof MetadataCommand.AddPartitions add) {
      return TopicCommands.addPartitions(draft, add);
    } else if (command instanceof MetadataCommand.DeleteTopic delete) {
      return TopicCommands.delete(draft, delete);
    } else if (command instanceof MetadataCommand.ConfirmDeletion confirm) {
      return TopicCommands.confirm(draft, confirm);
    } else if (command instanceof MetadataCommand.AllocateProducerIds allocate) {
      return allocate(draft, allocate);
    } else if (command instanceof MetadataCommand.AdmitVoter admit) {
      return admit(draft, admit);
    } else if (command instanceof MetadataCommand.AddVoter add) {
      return VoterCommands.add(draft, add);
    } else if (command instanceof MetadataCommand.RemoveVoter remove) {
      return VoterCommands.remove(draft, remove);
    }
    throw new IllegalStateException("no decision for " + command.getClass().getSimpleName());
  }

  /** M15: the first command, once. */
  private static CommandOutcome form(ImageDraft draft, MetadataCommand.FormCluster command) {
    if (draft.before().formed()) {
      return rejected(
          ErrorReason.INVALID_FIELD,
          "the cluster has formed as " + draft.before().clusterId() + " (M15)");
    }
    TreeSet<Integer> ids = new TreeSet<>();
    command.voters().forEach(voter -> ids.add(voter.id()));
    if (command.clusterId().equals(Uid.NONE)
        || command.featureLevel() < 1
        || ids.isEmpty()
        || ids.size() != command.voters().size()
        || ids.size() > Limits.VOTERS
        || command.groupShards() < 1
        || command.groupShards() > Limits.GROUP_SHARDS) {
      return rejected(
          ErrorReason.INVALID_FIELD,
          "a cluster needs an id, a feature level from 1, 1 to "
              + Limits.VOTERS
              + " distinct voters and 1 to "
              + Limits.GROUP_SHARDS
              + " shards of consumer groups, not "
              + command.voters()
              + " and "
              + command.groupShards());
    }
    draft.form(command.clusterId(), command.featureLevel(), command.groupShards());
    command.voters().forEach(draft::put);
    return new Done();
  }

  /** I4: ids are never handed out twice; a repeated command wastes a block. */
  private static CommandOutcome allocate(
      ImageDraft draft, MetadataCommand.AllocateProducerIds command) {
    if (command.count() < 1 || command.count() > Limits.PRODUCER_ID_BLOCK) {
      return rejected(
          ErrorReason.INVALID_FIELD,
          "a block of " + command.count() + " producer ids; 1 to " + Limits.PRODUCER_ID_BLOCK);
    }
    ClusterImage image = draft.before();
    long room =
        command.thin()
            ? Long.MAX_VALUE - image.nextThinProducerId()
            : ClusterImage.FIRST_THIN_PRODUCER_ID - image.nextProducerId();
    if (room < command.count()) {
      return rejected(ErrorReason.BUSY, "no producer ids are left");
    }
    return new Number(draft.takeProducerIds(command.thin(), command.count()));
  }

  /** M15, M16: a compare-and-set on the directory id on record. */
  private static CommandOutcome admit(ImageDraft draft, MetadataCommand.AdmitVoter command) {
    VoterImage voter = draft.before().voters().get(command.voterId());
    if (voter == null) {
      return rejected(ErrorReason.VOTER_NOT_FOUND, "node " + command.voterId() + " is no voter");
    }
    if (command.directoryId().equals(voter.directoryId())) {
      return new Done();
    }
    if (!same(voter.directoryId(), command.replaces())) {
      return rejected(
          ErrorReason.VOTER_NOT_READY,
          "voter "
              + voter.id()
              + " has directory "
              + voter.directoryId()
              + ", not "
              + command.replaces());
    }
    draft.put(new VoterImage(voter.id(), voter.raft(), command.directoryId()));
    return new Done();
  }

  private static boolean same(@Nullable Uid a, @Nullable Uid b) {
    return a == null ? b == null : a.equals(b);
  }

  static Rejected rejected(ErrorReason reason, String message) {
    return new Rejected(ApiError.definite(reason, message));
  }
}
