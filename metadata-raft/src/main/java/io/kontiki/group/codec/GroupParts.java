package io.kontiki.group.codec;

import io.kontiki.group.Assignor;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.KnownTopic;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.OwnedPartition;
import io.kontiki.group.TopicsSeen;
import io.kontiki.internal.v1.GroupAssignor;
import io.kontiki.internal.v1.KnownTopicRecord;
import io.kontiki.internal.v1.MemberDetailsRecord;
import io.kontiki.internal.v1.MemberStateRecord;
import io.kontiki.internal.v1.OffsetRecord;
import io.kontiki.internal.v1.OwnedPartitionRecord;
import io.kontiki.internal.v1.PatternMatchesRecord;
import io.kontiki.internal.v1.TopicsSeenRecord;
import io.kontiki.metadata.codec.Parts;
import io.kontiki.model.PartitionId;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Parts that commands, answers and snapshots share, and brokers tell each other. Bad values:
 * IllegalArgumentException.
 */
public final class GroupParts {
  private GroupParts() {}

  /** A member, for another broker. */
  public static MemberStateRecord member(MemberState member) {
    return record(member).build();
  }

  static MemberStateRecord.Builder record(MemberState member) {
    MemberStateRecord.Builder record =
        MemberStateRecord.newBuilder()
            .setId(member.id())
            .setName(member.name())
            .setEpoch(member.epoch())
            .setDetails(details(member.details()));
    member
        .owned()
        .forEach(
            (partition, owned) ->
                record.addOwned(
                    OwnedPartitionRecord.newBuilder()
                        .setPartition(Parts.key(partition))
                        .setSince(owned.since())
                        .setRevoking(owned.revoking())
                        .setFromStart(owned.fromStart())));
    return record;
  }

  /** A member from another broker. */
  public static MemberState member(MemberStateRecord record) {
    TreeMap<PartitionId, OwnedPartition> owned = new TreeMap<>();
    for (OwnedPartitionRecord one : record.getOwnedList()) {
      owned.put(
          Parts.partitionId(one.getPartition()),
          new OwnedPartition(one.getSince(), one.getRevoking(), one.getFromStart()));
    }
    return new MemberState(
        record.getId(), record.getName(), record.getEpoch(), details(record.getDetails()), owned);
  }

  /** What a member says of itself, as a message. */
  public static MemberDetailsRecord details(MemberDetails details) {
    return MemberDetailsRecord.newBuilder()
        .setClientId(details.clientId())
        .setHost(details.host())
        .setBrokerId(details.brokerId())
        .setBrokerEpoch(details.brokerEpoch())
        .addAllTopics(details.topics())
        .setPattern(details.pattern())
        .setAssignor(assignor(details.assignor()))
        .setSessionTimeoutMs(details.sessionTimeoutMs())
        .setRevokeTimeoutMs(details.revokeTimeoutMs())
        .build();
  }

  /** What a member says of itself, from a message. */
  public static MemberDetails details(MemberDetailsRecord record) {
    return new MemberDetails(
        record.getClientId(),
        record.getHost(),
        record.getBrokerId(),
        record.getBrokerEpoch(),
        record.getTopicsList(),
        record.getPattern(),
        assignor(record.getAssignor()),
        record.getSessionTimeoutMs(),
        record.getRevokeTimeoutMs());
  }

  /** As written. */
  public static GroupAssignor assignor(Assignor assignor) {
    return switch (assignor) {
      case STICKY -> GroupAssignor.GROUP_ASSIGNOR_STICKY;
      case UNIFORM -> GroupAssignor.GROUP_ASSIGNOR_UNIFORM;
      case RANGE -> GroupAssignor.GROUP_ASSIGNOR_RANGE;
    };
  }

  /** As read. */
  public static Assignor assignor(GroupAssignor record) {
    return switch (record) {
      case GROUP_ASSIGNOR_STICKY -> Assignor.STICKY;
      case GROUP_ASSIGNOR_UNIFORM -> Assignor.UNIFORM;
      case GROUP_ASSIGNOR_RANGE -> Assignor.RANGE;
      case GROUP_ASSIGNOR_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("assignor " + record);
    };
  }

  /** As written. */
  public static KnownTopicRecord.Builder topic(KnownTopic topic) {
    return KnownTopicRecord.newBuilder()
        .setId(Parts.bytes(topic.id()))
        .setName(topic.name())
        .setPartitions(topic.partitions());
  }

  /** As read. */
  public static KnownTopic topic(KnownTopicRecord record) {
    return new KnownTopic(Parts.topicId(record.getId()), record.getName(), record.getPartitions());
  }

  static TopicsSeenRecord seen(TopicsSeen seen) {
    TopicsSeenRecord.Builder record =
        TopicsSeenRecord.newBuilder()
            .setMetadataIndex(seen.metadataIndex())
            .addAllMatches(matches(seen.matches()));
    seen.topics().forEach(topic -> record.addTopics(topic(topic)));
    return record.build();
  }

  static TopicsSeen seen(TopicsSeenRecord record) {
    return new TopicsSeen(
        record.getMetadataIndex(),
        record.getTopicsList().stream().map(GroupParts::topic).toList(),
        matches(record.getMatchesList()));
  }

  static List<PatternMatchesRecord> matches(SortedMap<String, List<String>> matches) {
    return matches.entrySet().stream()
        .map(
            entry ->
                PatternMatchesRecord.newBuilder()
                    .setPattern(entry.getKey())
                    .addAllNames(entry.getValue())
                    .build())
        .toList();
  }

  static TreeMap<String, List<String>> matches(List<PatternMatchesRecord> records) {
    TreeMap<String, List<String>> matches = new TreeMap<>();
    for (PatternMatchesRecord record : records) {
      matches.put(record.getPattern(), List.copyOf(record.getNamesList()));
    }
    return matches;
  }

  static OffsetRecord commit(OffsetCommit commit) {
    return OffsetRecord.newBuilder()
        .setPartition(Parts.key(commit.partition()))
        .setOffset(commit.offset())
        .setLeaderEpoch(commit.leaderEpoch())
        .setMetadata(commit.metadata())
        .setBack(commit.back())
        .build();
  }

  static OffsetCommit commit(OffsetRecord record) {
    return new OffsetCommit(
        Parts.partitionId(record.getPartition()),
        record.getOffset(),
        record.getLeaderEpoch(),
        record.getMetadata(),
        record.getBack());
  }

  /** A committed offset, as a message. */
  public static OffsetRecord offset(PartitionId partition, CommittedOffset offset) {
    return OffsetRecord.newBuilder()
        .setPartition(Parts.key(partition))
        .setOffset(offset.offset())
        .setLeaderEpoch(offset.leaderEpoch())
        .setMetadata(offset.metadata())
        .setTimeMs(offset.timeMs())
        .build();
  }

  /** A committed offset, from a message. */
  public static Map.Entry<PartitionId, CommittedOffset> offset(OffsetRecord record) {
    return Map.entry(
        Parts.partitionId(record.getPartition()),
        new CommittedOffset(
            record.getOffset(), record.getLeaderEpoch(), record.getMetadata(), record.getTimeMs()));
  }
}
