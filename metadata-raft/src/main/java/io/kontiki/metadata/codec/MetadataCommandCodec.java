package io.kontiki.metadata.codec;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kontiki.internal.v1.AddPartitionsCommand;
import io.kontiki.internal.v1.AddVoterCommand;
import io.kontiki.internal.v1.AdmitVoterCommand;
import io.kontiki.internal.v1.AllocateProducerIdsCommand;
import io.kontiki.internal.v1.AlterPartitionsCommand;
import io.kontiki.internal.v1.AlterTopicConfigCommand;
import io.kontiki.internal.v1.AssignmentRecord;
import io.kontiki.internal.v1.ConfirmDeletionCommand;
import io.kontiki.internal.v1.CreateTopicCommand;
import io.kontiki.internal.v1.DeleteTopicCommand;
import io.kontiki.internal.v1.ElectUncleanCommand;
import io.kontiki.internal.v1.FarewellRecord;
import io.kontiki.internal.v1.FenceBrokerCommand;
import io.kontiki.internal.v1.FinishReassignmentsCommand;
import io.kontiki.internal.v1.FormClusterCommand;
import io.kontiki.internal.v1.IsrChangeRecord;
import io.kontiki.internal.v1.IsrMemberRecord;
import io.kontiki.internal.v1.LeaderMoveRecord;
import io.kontiki.internal.v1.LimitCatchUpCommand;
import io.kontiki.internal.v1.LogEndRecord;
import io.kontiki.internal.v1.MetadataEntry;
import io.kontiki.internal.v1.MoveLeadersCommand;
import io.kontiki.internal.v1.PartitionAtRecord;
import io.kontiki.internal.v1.ReassignPartitionsCommand;
import io.kontiki.internal.v1.ReassignmentRecord;
import io.kontiki.internal.v1.RegisterBrokerCommand;
import io.kontiki.internal.v1.RemoveBrokerCommand;
import io.kontiki.internal.v1.RemoveVoterCommand;
import io.kontiki.internal.v1.ReportLogEndsCommand;
import io.kontiki.internal.v1.ResignCommand;
import io.kontiki.internal.v1.StopBrokerCommand;
import io.kontiki.internal.v1.UnfenceBrokerCommand;
import io.kontiki.internal.v1.WishBrokerCommand;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.AddPartitions;
import io.kontiki.metadata.MetadataCommand.AddVoter;
import io.kontiki.metadata.MetadataCommand.AdmitVoter;
import io.kontiki.metadata.MetadataCommand.AllocateProducerIds;
import io.kontiki.metadata.MetadataCommand.AlterPartitions;
import io.kontiki.metadata.MetadataCommand.AlterTopicConfig;
import io.kontiki.metadata.MetadataCommand.ConfirmDeletion;
import io.kontiki.metadata.MetadataCommand.CreateTopic;
import io.kontiki.metadata.MetadataCommand.DeleteTopic;
import io.kontiki.metadata.MetadataCommand.ElectUnclean;
import io.kontiki.metadata.MetadataCommand.Farewell;
import io.kontiki.metadata.MetadataCommand.FenceBroker;
import io.kontiki.metadata.MetadataCommand.FinishReassignments;
import io.kontiki.metadata.MetadataCommand.FormCluster;
import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.MetadataCommand.IsrMember;
import io.kontiki.metadata.MetadataCommand.LeaderMove;
import io.kontiki.metadata.MetadataCommand.LimitCatchUp;
import io.kontiki.metadata.MetadataCommand.LogEnd;
import io.kontiki.metadata.MetadataCommand.MoveLeaders;
import io.kontiki.metadata.MetadataCommand.PartitionAt;
import io.kontiki.metadata.MetadataCommand.ReassignPartitions;
import io.kontiki.metadata.MetadataCommand.Reassignment;
import io.kontiki.metadata.MetadataCommand.RegisterBroker;
import io.kontiki.metadata.MetadataCommand.RemoveBroker;
import io.kontiki.metadata.MetadataCommand.RemoveVoter;
import io.kontiki.metadata.MetadataCommand.ReportLogEnds;
import io.kontiki.metadata.MetadataCommand.Resign;
import io.kontiki.metadata.MetadataCommand.StopBroker;
import io.kontiki.metadata.MetadataCommand.UnfenceBroker;
import io.kontiki.metadata.MetadataCommand.WishBroker;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Commands as the bytes of a Raft entry: one {@code MetadataEntry}. Whoever takes bytes from
 * another node decodes them before it proposes them, so that nothing undecodable is ever committed.
 */
public final class MetadataCommandCodec {
  /** Highest feature level that this software can apply. */
  public static final int LEVEL = 1;

  /** The index of a command that is not in a log yet. */
  public static final long NOT_PROPOSED = -1;

  private MetadataCommandCodec() {}

  /** A fresh buffer. */
  public static ByteBuffer encode(MetadataCommand command) {
    MetadataEntry.Builder entry =
        MetadataEntry.newBuilder().setLevel(1).setTimeMs(command.timeMs());
    if (command instanceof FormCluster c) {
      FormClusterCommand.Builder form =
          FormClusterCommand.newBuilder()
              .setClusterId(Parts.bytes(c.clusterId()))
              .setFeatureLevel(c.featureLevel())
              .setGroupShards(c.groupShards());
      c.voters().forEach(voter -> form.addVoters(Parts.voter(voter)));
      entry.setFormCluster(form);
    } else if (command instanceof RegisterBroker c) {
      entry.setRegisterBroker(
          RegisterBrokerCommand.newBuilder()
              .setBrokerId(c.brokerId())
              .setClusterId(Parts.bytes(c.clusterId()))
              .setDirectoryId(Parts.bytes(c.directoryId()))
              .setIncarnation(Parts.bytes(c.incarnation()))
              .setEndpoints(Parts.endpoints(c.endpoints()))
              .setCleanEpoch(c.cleanEpoch())
              .setVersion(c.version()));
    } else if (command instanceof UnfenceBroker c) {
      entry.setUnfenceBroker(
          UnfenceBrokerCommand.newBuilder()
              .setBrokerId(c.brokerId())
              .setBrokerEpoch(c.brokerEpoch())
              .addAllDoubtful(Parts.keys(c.doubtful())));
    } else if (command instanceof FenceBroker c) {
      entry.setFenceBroker(
          FenceBrokerCommand.newBuilder()
              .setBrokerId(c.brokerId())
              .setBrokerEpoch(c.brokerEpoch())
              .setReason(c.reason()));
    } else if (command instanceof StopBroker c) {
      entry.setStopBroker(
          StopBrokerCommand.newBuilder().setBrokerId(c.brokerId()).setBrokerEpoch(c.brokerEpoch()));
    } else if (command instanceof CreateTopic c) {
      CreateTopicCommand.Builder create =
          CreateTopicCommand.newBuilder()
              .setId(Parts.bytes(c.id()))
              .setName(c.name())
              .addAllConfig(Parts.settings(c.config()));
      c.assignments()
          .forEach(
              replicas ->
                  create.addAssignments(AssignmentRecord.newBuilder().addAllReplicas(replicas)));
      entry.setCreateTopic(create);
    } else if (command instanceof AlterTopicConfig c) {
      entry.setAlterTopicConfig(
          AlterTopicConfigCommand.newBuilder()
              .setId(Parts.bytes(c.id()))
              .addAllBefore(Parts.settings(c.before()))
              .addAllAfter(Parts.settings(c.after())));
    } else if (command instanceof AddPartitions c) {
      AddPartitionsCommand.Builder add =
          AddPartitionsCommand.newBuilder().setId(Parts.bytes(c.id())).setBefore(c.before());
      c.assignments()
          .forEach(
              replicas ->
                  add.addAssignments(AssignmentRecord.newBuilder().addAllReplicas(replicas)));
      entry.setAddPartitions(add);
    } else if (command instanceof DeleteTopic c) {
      entry.setDeleteTopic(DeleteTopicCommand.newBuilder().setId(Parts.bytes(c.id())));
    } else if (command instanceof ConfirmDeletion c) {
      entry.setConfirmDeletion(
          ConfirmDeletionCommand.newBuilder()
              .setBrokerId(c.brokerId())
              .setBrokerEpoch(c.brokerEpoch())
              .addAllTopics(c.topics().stream().map(Parts::bytes).toList()));
    } else if (command instanceof AlterPartitions c) {
      AlterPartitionsCommand.Builder alter =
          AlterPartitionsCommand.newBuilder()
              .setBrokerId(c.brokerId())
              .setBrokerEpoch(c.brokerEpoch());
      c.changes().forEach(change -> alter.addChanges(isrChange(change)));
      entry.setAlterPartitions(alter);
    } else if (command instanceof Resign c) {
      ResignCommand.Builder resign =
          ResignCommand.newBuilder().setBrokerId(c.brokerId()).setBrokerEpoch(c.brokerEpoch());
      c.changes()
          .forEach(
              one ->
                  resign.addChanges(
                      FarewellRecord.newBuilder()
                          .setMove(leaderMove(one.move()))
                          .setDamaged(one.damaged())));
      entry.setResign(resign);
    } else if (command instanceof MoveLeaders c) {
      MoveLeadersCommand.Builder move = MoveLeadersCommand.newBuilder();
      c.moves().forEach(one -> move.addMoves(leaderMove(one)));
      entry.setMoveLeaders(move);
    } else if (command instanceof AllocateProducerIds c) {
      entry.setAllocateProducerIds(
          AllocateProducerIdsCommand.newBuilder().setThin(c.thin()).setCount(c.count()));
    } else if (command instanceof AdmitVoter c) {
      entry.setAdmitVoter(
          AdmitVoterCommand.newBuilder()
              .setVoterId(c.voterId())
              .setReplaces(Parts.bytesOrEmpty(c.replaces()))
              .setDirectoryId(Parts.bytes(c.directoryId())));
    } else if (command instanceof ReassignPartitions c) {
      ReassignPartitionsCommand.Builder reassign = ReassignPartitionsCommand.newBuilder();
      c.moves().forEach(move -> reassign.addMoves(reassignment(move)));
      entry.setReassignPartitions(reassign);
    } else if (command instanceof FinishReassignments c) {
      FinishReassignmentsCommand.Builder finish = FinishReassignmentsCommand.newBuilder();
      c.partitions().forEach(at -> finish.addPartitions(partitionAt(at)));
      entry.setFinishReassignments(finish);
    } else if (command instanceof LimitCatchUp c) {
      entry.setLimitCatchUp(
          LimitCatchUpCommand.newBuilder()
              .setBefore(c.before())
              .setBytesPerSecond(c.bytesPerSecond()));
    } else if (command instanceof ElectUnclean c) {
      entry.setElectUnclean(
          ElectUncleanCommand.newBuilder()
              .setPartition(partitionAt(c.partition()))
              .setReason(c.reason()));
    } else if (command instanceof WishBroker c) {
      entry.setWishBroker(
          WishBrokerCommand.newBuilder()
              .setBrokerId(c.brokerId())
              .setWish(Parts.wish(c.wish()))
              .setNumber(c.number())
              .setForce(c.force()));
    } else if (command instanceof RemoveBroker c) {
      entry.setRemoveBroker(
          RemoveBrokerCommand.newBuilder()
              .setBrokerId(c.brokerId())
              .setBrokerEpoch(c.brokerEpoch()));
    } else if (command instanceof AddVoter c) {
      entry.setAddVoter(
          AddVoterCommand.newBuilder()
              .setBrokerId(c.brokerId())
              .setBrokerEpoch(c.brokerEpoch())
              .addAllBefore(c.before()));
    } else if (command instanceof RemoveVoter c) {
      entry.setRemoveVoter(
          RemoveVoterCommand.newBuilder().setVoterId(c.voterId()).addAllBefore(c.before()));
    } else if (command instanceof ReportLogEnds c) {
      ReportLogEndsCommand.Builder report =
          ReportLogEndsCommand.newBuilder()
              .setBrokerId(c.brokerId())
              .setBrokerEpoch(c.brokerEpoch());
      c.ends().forEach(end -> report.addEnds(logEnd(end)));
      entry.setReportLogEnds(report);
    } else {
      throw new IllegalStateException("no form for " + command.getClass().getSimpleName());
    }
    return ByteBuffer.wrap(entry.build().toByteArray());
  }

  /**
   * Reads a command; the buffer's position stays.
   *
   * @param index of the Raft entry, or {@link #NOT_PROPOSED}; for messages
   * @throws UnknownCommandException if this software is too old for it (rule M17)
   * @throws CorruptMetadataException if the bytes are no command
   */
  public static MetadataCommand decode(long index, ByteBuffer bytes) {
    try {
      return command(index, MetadataEntry.parseFrom(bytes.duplicate()));
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      throw new CorruptMetadataException(
          "entry " + index + " is no metadata command: " + e.getMessage(), e);
    }
  }

  private static MetadataCommand command(long index, MetadataEntry entry) {
    if (entry.getLevel() > LEVEL) {
      throw new UnknownCommandException(index, type(entry), entry.getLevel(), LEVEL);
    }
    long timeMs = entry.getTimeMs();
    switch (entry.getCommandCase()) {
      case FORM_CLUSTER -> {
        FormClusterCommand c = entry.getFormCluster();
        return new FormCluster(
            timeMs,
            Parts.uid(c.getClusterId()),
            c.getFeatureLevel(),
            c.getVotersList().stream().map(Parts::voter).toList(),
            c.getGroupShards());
      }
      case REGISTER_BROKER -> {
        RegisterBrokerCommand c = entry.getRegisterBroker();
        return new RegisterBroker(
            timeMs,
            c.getBrokerId(),
            Parts.uid(c.getClusterId()),
            Parts.uid(c.getDirectoryId()),
            Parts.uid(c.getIncarnation()),
            Parts.endpoints(c.getEndpoints()),
            c.getCleanEpoch(),
            c.getVersion());
      }
      case UNFENCE_BROKER -> {
        UnfenceBrokerCommand c = entry.getUnfenceBroker();
        return new UnfenceBroker(
            timeMs, c.getBrokerId(), c.getBrokerEpoch(), Parts.partitionIds(c.getDoubtfulList()));
      }
      case FENCE_BROKER -> {
        FenceBrokerCommand c = entry.getFenceBroker();
        return new FenceBroker(timeMs, c.getBrokerId(), c.getBrokerEpoch(), c.getReason());
      }
      case STOP_BROKER -> {
        StopBrokerCommand c = entry.getStopBroker();
        return new StopBroker(timeMs, c.getBrokerId(), c.getBrokerEpoch());
      }
      case CREATE_TOPIC -> {
        CreateTopicCommand c = entry.getCreateTopic();
        return new CreateTopic(
            timeMs,
            Parts.topicId(c.getId()),
            c.getName(),
            Parts.settings(c.getConfigList()),
            c.getAssignmentsList().stream()
                .map(replicas -> List.copyOf(replicas.getReplicasList()))
                .toList());
      }
      case ALTER_TOPIC_CONFIG -> {
        AlterTopicConfigCommand c = entry.getAlterTopicConfig();
        return new AlterTopicConfig(
            timeMs,
            Parts.topicId(c.getId()),
            Parts.settings(c.getBeforeList()),
            Parts.settings(c.getAfterList()));
      }
      case ADD_PARTITIONS -> {
        AddPartitionsCommand c = entry.getAddPartitions();
        return new AddPartitions(
            timeMs,
            Parts.topicId(c.getId()),
            c.getBefore(),
            c.getAssignmentsList().stream()
                .map(replicas -> List.copyOf(replicas.getReplicasList()))
                .toList());
      }
      case DELETE_TOPIC -> {
        return new DeleteTopic(timeMs, Parts.topicId(entry.getDeleteTopic().getId()));
      }
      case CONFIRM_DELETION -> {
        ConfirmDeletionCommand c = entry.getConfirmDeletion();
        return new ConfirmDeletion(
            timeMs,
            c.getBrokerId(),
            c.getBrokerEpoch(),
            c.getTopicsList().stream().map(Parts::topicId).toList());
      }
      case ALTER_PARTITIONS -> {
        AlterPartitionsCommand c = entry.getAlterPartitions();
        return new AlterPartitions(
            timeMs,
            c.getBrokerId(),
            c.getBrokerEpoch(),
            c.getChangesList().stream().map(MetadataCommandCodec::isrChange).toList());
      }
      case RESIGN -> {
        ResignCommand c = entry.getResign();
        return new Resign(
            timeMs,
            c.getBrokerId(),
            c.getBrokerEpoch(),
            c.getChangesList().stream()
                .map(one -> new Farewell(leaderMove(one.getMove()), one.getDamaged()))
                .toList());
      }
      case MOVE_LEADERS -> {
        return new MoveLeaders(
            timeMs,
            entry.getMoveLeaders().getMovesList().stream()
                .map(MetadataCommandCodec::leaderMove)
                .toList());
      }
      case ALLOCATE_PRODUCER_IDS -> {
        AllocateProducerIdsCommand c = entry.getAllocateProducerIds();
        return new AllocateProducerIds(timeMs, c.getThin(), c.getCount());
      }
      case ADMIT_VOTER -> {
        AdmitVoterCommand c = entry.getAdmitVoter();
        return new AdmitVoter(
            timeMs,
            c.getVoterId(),
            Parts.uidOrNull(c.getReplaces()),
            Parts.uid(c.getDirectoryId()));
      }
      case REPORT_LOG_ENDS -> {
        ReportLogEndsCommand c = entry.getReportLogEnds();
        return new ReportLogEnds(
            timeMs,
            c.getBrokerId(),
            c.getBrokerEpoch(),
            c.getEndsList().stream().map(MetadataCommandCodec::logEnd).toList());
      }
      case REASSIGN_PARTITIONS -> {
        return new ReassignPartitions(
            timeMs,
            entry.getReassignPartitions().getMovesList().stream()
                .map(MetadataCommandCodec::reassignment)
                .toList());
      }
      case FINISH_REASSIGNMENTS -> {
        return new FinishReassignments(
            timeMs,
            entry.getFinishReassignments().getPartitionsList().stream()
                .map(MetadataCommandCodec::partitionAt)
                .toList());
      }
      case LIMIT_CATCH_UP -> {
        LimitCatchUpCommand c = entry.getLimitCatchUp();
        return new LimitCatchUp(timeMs, c.getBefore(), c.getBytesPerSecond());
      }
      case ELECT_UNCLEAN -> {
        ElectUncleanCommand c = entry.getElectUnclean();
        return new ElectUnclean(timeMs, partitionAt(c.getPartition()), c.getReason());
      }
      case WISH_BROKER -> {
        WishBrokerCommand c = entry.getWishBroker();
        return new WishBroker(
            timeMs, c.getBrokerId(), Parts.wish(c.getWish()), c.getNumber(), c.getForce());
      }
      case REMOVE_BROKER -> {
        RemoveBrokerCommand c = entry.getRemoveBroker();
        return new RemoveBroker(timeMs, c.getBrokerId(), c.getBrokerEpoch());
      }
      case ADD_VOTER -> {
        AddVoterCommand c = entry.getAddVoter();
        return new AddVoter(timeMs, c.getBrokerId(), c.getBrokerEpoch(), c.getBeforeList());
      }
      case REMOVE_VOTER -> {
        RemoveVoterCommand c = entry.getRemoveVoter();
        return new RemoveVoter(timeMs, c.getVoterId(), c.getBeforeList());
      }
      case COMMAND_NOT_SET ->
          throw new UnknownCommandException(index, type(entry), entry.getLevel(), LEVEL);
    }
    throw new IllegalStateException("no command for " + entry.getCommandCase());
  }

  /** The field number of the command, also of one that only newer software knows. */
  private static int type(MetadataEntry entry) {
    int known = entry.getCommandCase().getNumber();
    return known != 0
        ? known
        : entry.getUnknownFields().asMap().keySet().stream().findFirst().orElse(0);
  }

  private static IsrChangeRecord isrChange(IsrChange change) {
    IsrChangeRecord.Builder record =
        IsrChangeRecord.newBuilder()
            .setPartition(Parts.key(change.partition()))
            .setLeaderEpoch(change.leaderEpoch())
            .setPartitionEpoch(change.partitionEpoch())
            .addAllDamaged(change.damaged());
    for (IsrMember member : change.isr()) {
      record.addIsr(
          IsrMemberRecord.newBuilder()
              .setBrokerId(member.brokerId())
              .setBrokerEpoch(member.brokerEpoch()));
    }
    return record.build();
  }

  private static IsrChange isrChange(IsrChangeRecord record) {
    return new IsrChange(
        Parts.partitionId(record.getPartition()),
        record.getLeaderEpoch(),
        record.getPartitionEpoch(),
        record.getIsrList().stream()
            .map(member -> new IsrMember(member.getBrokerId(), member.getBrokerEpoch()))
            .toList(),
        record.getDamagedList());
  }

  private static LeaderMoveRecord leaderMove(LeaderMove move) {
    return LeaderMoveRecord.newBuilder()
        .setPartition(Parts.key(move.partition()))
        .setTo(move.to())
        .setLeaderEpoch(move.leaderEpoch())
        .setPartitionEpoch(move.partitionEpoch())
        .build();
  }

  private static LeaderMove leaderMove(LeaderMoveRecord record) {
    return new LeaderMove(
        Parts.partitionId(record.getPartition()),
        record.getTo(),
        record.getLeaderEpoch(),
        record.getPartitionEpoch());
  }

  private static ReassignmentRecord reassignment(Reassignment move) {
    return ReassignmentRecord.newBuilder()
        .setPartition(Parts.key(move.partition()))
        .setPartitionEpoch(move.partitionEpoch())
        .addAllReplicas(move.replicas())
        .build();
  }

  private static Reassignment reassignment(ReassignmentRecord record) {
    return new Reassignment(
        Parts.partitionId(record.getPartition()),
        record.getPartitionEpoch(),
        record.getReplicasList());
  }

  private static PartitionAtRecord partitionAt(PartitionAt at) {
    return PartitionAtRecord.newBuilder()
        .setPartition(Parts.key(at.partition()))
        .setPartitionEpoch(at.partitionEpoch())
        .build();
  }

  private static PartitionAt partitionAt(PartitionAtRecord record) {
    return new PartitionAt(Parts.partitionId(record.getPartition()), record.getPartitionEpoch());
  }

  private static LogEndRecord logEnd(LogEnd end) {
    return LogEndRecord.newBuilder()
        .setPartition(Parts.key(end.partition()))
        .setLastEpoch(end.lastEpoch())
        .setEndOffset(end.endOffset())
        .build();
  }

  private static LogEnd logEnd(LogEndRecord record) {
    return new LogEnd(
        Parts.partitionId(record.getPartition()), record.getLastEpoch(), record.getEndOffset());
  }
}
