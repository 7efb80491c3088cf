package io.kontiki.broker.shards;

import io.kontiki.broker.coordinator.LinkEvent;
import io.kontiki.broker.coordinator.LinkEvent.Reply;
import io.kontiki.broker.coordinator.LinkRequest;
import io.kontiki.broker.group.GroupLine;
import io.kontiki.broker.group.GroupReport;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand.JoinGroup;
import io.kontiki.group.GroupState;
import io.kontiki.group.KnownTopic;
import io.kontiki.group.MemberState;
import io.kontiki.group.PartitionLoss;
import io.kontiki.group.TopicsSeen;
import io.kontiki.group.codec.GroupAnswerCodec;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.group.codec.GroupParts;
import io.kontiki.internal.v1.GroupAnswersRecord;
import io.kontiki.internal.v1.LinkBeat;
import io.kontiki.internal.v1.LinkChanged;
import io.kontiki.internal.v1.LinkClaims;
import io.kontiki.internal.v1.LinkCommitted;
import io.kontiki.internal.v1.LinkDescribe;
import io.kontiki.internal.v1.LinkEnded;
import io.kontiki.internal.v1.LinkGroupLine;
import io.kontiki.internal.v1.LinkGroups;
import io.kontiki.internal.v1.LinkHeartbeat;
import io.kontiki.internal.v1.LinkJoin;
import io.kontiki.internal.v1.LinkKind;
import io.kontiki.internal.v1.LinkList;
import io.kontiki.internal.v1.LinkLoss;
import io.kontiki.internal.v1.LinkLossReason;
import io.kontiki.internal.v1.LinkMember;
import io.kontiki.internal.v1.LinkOffsets;
import io.kontiki.internal.v1.LinkOpen;
import io.kontiki.internal.v1.LinkOpened;
import io.kontiki.internal.v1.LinkPhase;
import io.kontiki.internal.v1.LinkRedirect;
import io.kontiki.internal.v1.LinkReport;
import io.kontiki.internal.v1.LinkReportedMember;
import io.kontiki.internal.v1.LinkResponse;
import io.kontiki.internal.v1.LinkSeen;
import io.kontiki.internal.v1.LinkSubmit;
import io.kontiki.internal.v1.OffsetRecord;
import io.kontiki.metadata.codec.Parts;
import io.kontiki.metadata.codec.UnknownCommandException;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;

/** Words of a link as messages. What cannot be read: {@link BadLinkMessageException}. */
final class LinkCodec {
  private static final TopicsSeen NO_TOPICS = new TopicsSeen(-1, List.of(), new TreeMap<>());

  private LinkCodec() {}

  static io.kontiki.internal.v1.LinkRequest message(LinkRequest request) {
    io.kontiki.internal.v1.LinkRequest.Builder out =
        io.kontiki.internal.v1.LinkRequest.newBuilder();
    if (request instanceof LinkRequest.Open r) {
      out.setOpen(
          LinkOpen.newBuilder()
              .setShard(r.shard())
              .setBrokerId(r.brokerId())
              .setBrokerEpoch(r.brokerEpoch()));
    } else if (request instanceof LinkRequest.Claims r) {
      LinkClaims.Builder claims = LinkClaims.newBuilder();
      r.members().forEach(one -> claims.addMembers(member(one.group(), one.memberId())));
      out.setClaims(claims);
    } else if (request instanceof LinkRequest.Join r) {
      JoinGroup command =
          new JoinGroup(
              0, r.group(), r.newMemberId(), r.memberId(), r.memberName(), r.details(), NO_TOPICS);
      out.setId(r.id())
          .setJoin(
              LinkJoin.newBuilder()
                  .setCommand(GroupCommandCodec.record(command))
                  .setMetadataIndex(r.metadataIndex()));
    } else if (request instanceof LinkRequest.Submit r) {
      LinkSubmit.Builder submit = LinkSubmit.newBuilder();
      r.commands().forEach(command -> submit.addCommands(GroupCommandCodec.record(command)));
      out.setId(r.id()).setSubmit(submit);
    } else if (request instanceof LinkRequest.Abandon r) {
      out.setAbandon(member(r.group(), r.memberId()));
    } else if (request instanceof LinkRequest.Heartbeat r) {
      LinkHeartbeat.Builder beat = LinkHeartbeat.newBuilder();
      r.seen()
          .forEach(
              one ->
                  beat.addSeen(
                      LinkSeen.newBuilder()
                          .setMember(member(one.group(), one.memberId()))
                          .setWallMs(one.wallMs())));
      out.setHeartbeat(beat);
    } else if (request instanceof LinkRequest.Offsets r) {
      out.setId(r.id())
          .setOffsets(
              LinkOffsets.newBuilder()
                  .setGroup(r.group())
                  .addAllPartitions(Parts.keys(List.copyOf(r.partitions()))));
    } else if (request instanceof LinkRequest.Describe r) {
      out.setId(r.id()).setDescribe(LinkDescribe.newBuilder().setGroup(r.group()));
    } else if (request instanceof LinkRequest.ListGroups r) {
      out.setId(r.id()).setList(LinkList.getDefaultInstance());
    }
    return out.build();
  }

  static LinkRequest request(io.kontiki.internal.v1.LinkRequest in) {
    return read(in.getRequestCase().name().toLowerCase(Locale.ROOT), () -> content(in));
  }

  private static LinkRequest content(io.kontiki.internal.v1.LinkRequest in) {
    return switch (in.getRequestCase()) {
      case OPEN ->
          new LinkRequest.Open(
              in.getOpen().getShard(), in.getOpen().getBrokerId(), in.getOpen().getBrokerEpoch());
      case CLAIMS ->
          new LinkRequest.Claims(
              in.getClaims().getMembersList().stream()
                  .map(one -> new LinkRequest.Claim(one.getGroup(), one.getMemberId()))
                  .toList());
      case JOIN -> {
        if (!(GroupCommandCodec.command(in.getJoin().getCommand()) instanceof JoinGroup join)) {
          throw new IllegalArgumentException("a join that is another command");
        }
        yield new LinkRequest.Join(
            in.getId(),
            join.group(),
            join.newMemberId(),
            join.memberId(),
            join.memberName(),
            join.details(),
            in.getJoin().getMetadataIndex());
      }
      case SUBMIT ->
          new LinkRequest.Submit(
              in.getId(),
              all("commands", in.getSubmit().getCommandsList(), GroupCommandCodec::command));
      case ABANDON ->
          new LinkRequest.Abandon(in.getAbandon().getGroup(), in.getAbandon().getMemberId());
      case HEARTBEAT ->
          new LinkRequest.Heartbeat(
              in.getHeartbeat().getSeenList().stream()
                  .map(
                      one ->
                          new LinkRequest.Seen(
                              one.getMember().getGroup(),
                              one.getMember().getMemberId(),
                              one.getWallMs()))
                  .toList());
      case OFFSETS ->
          new LinkRequest.Offsets(
              in.getId(),
              in.getOffsets().getGroup(),
              new TreeSet<>(
                  all("partitions", in.getOffsets().getPartitionsList(), Parts::partitionId)));
      case DESCRIBE -> new LinkRequest.Describe(in.getId(), in.getDescribe().getGroup());
      case LIST -> new LinkRequest.ListGroups(in.getId());
      case REQUEST_NOT_SET -> throw new IllegalArgumentException("a request without content");
    };
  }

  private static <T> T read(String where, Supplier<T> content) {
    try {
      return content.get();
    } catch (BadLinkMessageException e) {
      throw e.in(where);
    } catch (IllegalArgumentException | UnknownCommandException e) {
      throw new BadLinkMessageException(where, e);
    }
  }

  /** What cannot be read is named with its place. */
  private static <A, B> List<B> all(String field, List<A> in, Function<A, B> content) {
    List<B> out = new ArrayList<>(in.size());
    for (A one : in) {
      out.add(read(field + "[" + out.size() + "]", () -> content.apply(one)));
    }
    return out;
  }

  private static LinkMember member(String group, String memberId) {
    return LinkMember.newBuilder().setGroup(group).setMemberId(memberId).build();
  }

  static LinkResponse message(LinkEvent event) {
    LinkResponse.Builder out = LinkResponse.newBuilder();
    if (event instanceof LinkEvent.Opened) {
      out.setOpened(LinkOpened.getDefaultInstance());
    } else if (event instanceof LinkEvent.Redirect e) {
      out.setRedirect(LinkRedirect.newBuilder().setLeaderId(e.leaderId()));
    } else if (event instanceof LinkEvent.Heartbeat) {
      out.setHeartbeat(LinkBeat.getDefaultInstance());
    } else if (event instanceof LinkEvent.Changed e) {
      LinkChanged.Builder changed =
          LinkChanged.newBuilder().setGroup(e.group()).setMember(GroupParts.member(e.member()));
      e.lost()
          .forEach(
              (partition, why) ->
                  changed.addLost(
                      LinkLoss.newBuilder()
                          .setPartition(Parts.key(partition))
                          .setReason(reason(why))));
      out.setChanged(changed);
    } else if (event instanceof LinkEvent.Ended e) {
      out.setEnded(
          LinkEnded.newBuilder()
              .setMember(member(e.group(), e.memberId()))
              .setError(Parts.error(e.why())));
    } else if (event instanceof LinkEvent.Answer e) {
      out.setId(e.id());
      put(out, e.reply());
    }
    return out.build();
  }

  private static void put(LinkResponse.Builder out, Reply reply) {
    if (reply instanceof Reply.Answers r) {
      GroupAnswersRecord.Builder answers = GroupAnswersRecord.newBuilder();
      r.answers().forEach(answer -> answers.addAnswers(GroupAnswerCodec.record(answer)));
      out.setAnswers(answers);
    } else if (reply instanceof Reply.Committed r) {
      LinkCommitted.Builder committed = LinkCommitted.newBuilder();
      r.offsets().forEach((id, offset) -> committed.addOffsets(GroupParts.offset(id, offset)));
      out.setCommitted(committed);
    } else if (reply instanceof Reply.Described r) {
      out.setReport(report(r.report()));
    } else if (reply instanceof Reply.Listed r) {
      LinkGroups.Builder groups = LinkGroups.newBuilder();
      r.groups()
          .forEach(
              line ->
                  groups.addGroups(
                      LinkGroupLine.newBuilder()
                          .setGroup(line.group())
                          .setPhase(phase(line.phase()))
                          .setKind(kind(line.kind()))
                          .setMembers(line.members())));
      out.setGroups(groups);
    } else if (reply instanceof Reply.Failed r) {
      out.setFailed(Parts.error(r.error()));
    }
  }

  static LinkEvent event(LinkResponse in) {
    return read(in.getEventCase().name().toLowerCase(Locale.ROOT), () -> content(in));
  }

  private static LinkEvent content(LinkResponse in) {
    return switch (in.getEventCase()) {
      case OPENED -> new LinkEvent.Opened();
      case REDIRECT -> new LinkEvent.Redirect(in.getRedirect().getLeaderId());
      case HEARTBEAT -> new LinkEvent.Heartbeat();
      case CHANGED -> {
        TreeMap<PartitionId, PartitionLoss> lost = new TreeMap<>();
        all(
            "lost",
            in.getChanged().getLostList(),
            one -> lost.put(Parts.partitionId(one.getPartition()), loss(one.getReason())));
        yield new LinkEvent.Changed(
            in.getChanged().getGroup(), GroupParts.member(in.getChanged().getMember()), lost);
      }
      case ENDED ->
          new LinkEvent.Ended(
              in.getEnded().getMember().getGroup(),
              in.getEnded().getMember().getMemberId(),
              Parts.error(in.getEnded().getError()));
      case ANSWERS -> {
        List<GroupAnswer> answers =
            all("answers", in.getAnswers().getAnswersList(), GroupAnswerCodec::answer);
        yield new LinkEvent.Answer(in.getId(), new Reply.Answers(answers));
      }
      case COMMITTED ->
          new LinkEvent.Answer(
              in.getId(), new Reply.Committed(offsets(in.getCommitted().getOffsetsList())));
      case REPORT -> new LinkEvent.Answer(in.getId(), new Reply.Described(report(in.getReport())));
      case GROUPS ->
          new LinkEvent.Answer(
              in.getId(),
              new Reply.Listed(
                  all(
                      "groups",
                      in.getGroups().getGroupsList(),
                      line ->
                          new GroupLine(
                              line.getGroup(),
                              phase(line.getPhase()),
                              kind(line.getKind()),
                              line.getMembers()))));
      case FAILED ->
          new LinkEvent.Answer(in.getId(), new Reply.Failed(Parts.error(in.getFailed())));
      case EVENT_NOT_SET -> throw new IllegalArgumentException("an event without content");
    };
  }

  private static SortedMap<PartitionId, CommittedOffset> offsets(List<OffsetRecord> records) {
    TreeMap<PartitionId, CommittedOffset> offsets = new TreeMap<>();
    all("offsets", records, GroupParts::offset)
        .forEach(one -> offsets.put(one.getKey(), one.getValue()));
    return offsets;
  }

  private static LinkReport report(GroupReport report) {
    GroupState state = report.state();
    LinkReport.Builder out =
        LinkReport.newBuilder()
            .setGroup(state.name())
            .setPhase(phase(state.phase()))
            .setGeneration(state.generation())
            .setKind(kind(state.kind()))
            .setAssignor(state.assignor())
            .setMetadataIndex(state.metadataIndex())
            .setCoordinatorId(report.coordinatorId());
    for (MemberState member : state.members().values()) {
      out.addMembers(
          LinkReportedMember.newBuilder()
              .setState(GroupParts.member(member))
              .setLastSeenMs(report.lastSeenMs().getOrDefault(member.id(), 0L))
              .setAttached(report.attached().getOrDefault(member.id(), false)));
    }
    state.topics().values().forEach(topic -> out.addTopics(GroupParts.topic(topic)));
    state.offsets().forEach((id, offset) -> out.addOffsets(GroupParts.offset(id, offset)));
    return out.build();
  }

  private static GroupReport report(LinkReport in) {
    TreeMap<String, MemberState> members = new TreeMap<>();
    TreeMap<String, Long> lastSeen = new TreeMap<>();
    TreeMap<String, Boolean> attached = new TreeMap<>();
    List<MemberState> states =
        all("members", in.getMembersList(), one -> GroupParts.member(one.getState()));
    for (int i = 0; i < states.size(); i++) {
      MemberState member = states.get(i);
      LinkReportedMember one = in.getMembers(i);
      members.put(member.id(), member);
      attached.put(member.id(), one.getAttached());
      if (one.getLastSeenMs() > 0) {
        lastSeen.put(member.id(), one.getLastSeenMs());
      }
    }
    TreeMap<String, KnownTopic> topics = new TreeMap<>();
    all("topics", in.getTopicsList(), GroupParts::topic)
        .forEach(topic -> topics.put(topic.name(), topic));
    return new GroupReport(
        new GroupState(
            in.getGroup(),
            phase(in.getPhase()),
            kind(in.getKind()),
            in.getGeneration(),
            in.getAssignor(),
            in.getMetadataIndex(),
            members,
            topics,
            offsets(in.getOffsetsList())),
        in.getCoordinatorId(),
        lastSeen,
        attached);
  }

  private static LinkPhase phase(GroupState.Phase phase) {
    return switch (phase) {
      case EMPTY -> LinkPhase.LINK_PHASE_EMPTY;
      case STABLE -> LinkPhase.LINK_PHASE_STABLE;
      case REBALANCING -> LinkPhase.LINK_PHASE_REBALANCING;
    };
  }

  private static GroupState.Phase phase(LinkPhase phase) {
    return switch (phase) {
      case LINK_PHASE_EMPTY -> GroupState.Phase.EMPTY;
      case LINK_PHASE_STABLE -> GroupState.Phase.STABLE;
      case LINK_PHASE_REBALANCING -> GroupState.Phase.REBALANCING;
      case LINK_PHASE_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("phase " + phase);
    };
  }

  private static LinkKind kind(GroupState.Kind kind) {
    return switch (kind) {
      case NONE -> LinkKind.LINK_KIND_NONE;
      case STREAM -> LinkKind.LINK_KIND_STREAM;
      case CLASSIC -> LinkKind.LINK_KIND_CLASSIC;
    };
  }

  private static GroupState.Kind kind(LinkKind kind) {
    return switch (kind) {
      case LINK_KIND_NONE -> GroupState.Kind.NONE;
      case LINK_KIND_STREAM -> GroupState.Kind.STREAM;
      case LINK_KIND_CLASSIC -> GroupState.Kind.CLASSIC;
      case LINK_KIND_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("kind " + kind);
    };
  }

  private static LinkLossReason reason(PartitionLoss loss) {
    return switch (loss) {
      case RELEASED -> LinkLossReason.LINK_LOSS_REASON_RELEASED;
      case TIMEOUT -> LinkLossReason.LINK_LOSS_REASON_TIMEOUT;
      case TOPIC_DELETED -> LinkLossReason.LINK_LOSS_REASON_TOPIC_DELETED;
    };
  }

  private static PartitionLoss loss(LinkLossReason reason) {
    return switch (reason) {
      case LINK_LOSS_REASON_RELEASED -> PartitionLoss.RELEASED;
      case LINK_LOSS_REASON_TIMEOUT -> PartitionLoss.TIMEOUT;
      case LINK_LOSS_REASON_TOPIC_DELETED -> PartitionLoss.TOPIC_DELETED;
      case LINK_LOSS_REASON_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("loss " + reason);
    };
  }
}
