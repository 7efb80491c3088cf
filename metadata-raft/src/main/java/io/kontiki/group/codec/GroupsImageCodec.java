package io.kontiki.group.codec;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.kontiki.group.ClassicState;
import io.kontiki.group.GroupImage;
import io.kontiki.group.GroupsImage;
import io.kontiki.group.KnownTopic;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetTable;
import io.kontiki.internal.v1.GroupRecord;
import io.kontiki.internal.v1.GroupsSnapshotHeader;
import io.kontiki.internal.v1.KnownTopicRecord;
import io.kontiki.internal.v1.MemberStateRecord;
import io.kontiki.internal.v1.OffsetRecord;
import io.kontiki.internal.v1.TargetRecord;
import io.kontiki.metadata.codec.Parts;
import io.kontiki.metadata.codec.SnapshotFrames;
import io.kontiki.model.TopicId;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The groups of a shard as a stream of bytes; equal images give equal bytes.
 *
 * <pre>
 * 0   4  magic "KGRP"
 * 4   4  version, big-endian
 * 8   …  GroupsSnapshotHeader, then as many groups as it says, each a message behind its length (4
 *        bytes, big-endian); nothing behind the last
 * </pre>
 *
 * Checksums are around it, by whoever stores or ships it (rule M9).
 */
public final class GroupsImageCodec {
  /** Of the layout above. */
  public static final int VERSION = 1;

  private static final int MAGIC = 0x4b475250;

  private GroupsImageCodec() {}

  /**
   * A shard at an index of its log.
   *
   * @param index of the last entry in it
   */
  public record Snapshot(long index, GroupsImage groups) {}

  /** Writes it; does not close the stream. */
  public static void write(Snapshot snapshot, OutputStream out) throws IOException {
    DataOutputStream data = SnapshotFrames.begin(out, MAGIC, VERSION);
    GroupsSnapshotHeader.Builder header =
        GroupsSnapshotHeader.newBuilder()
            .setIndex(snapshot.index())
            .setGroups(snapshot.groups().groups().size());
    snapshot.groups().forgotten().forEach(topic -> header.addForgotten(Parts.bytes(topic)));
    SnapshotFrames.put(data, header.build());
    for (GroupImage group : snapshot.groups().groups()) {
      SnapshotFrames.put(data, group(group));
    }
    data.flush();
  }

  /**
   * Reads it whole, to the end of the stream.
   *
   * @throws IOException if the stream ends early or fails
   * @throws CorruptGroupsException if the bytes are no snapshot, or one of a newer version; never
   *     an empty one (rule M9)
   */
  public static Snapshot read(InputStream in) throws IOException {
    try {
      return snapshot(in);
    } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
      throw new CorruptGroupsException("no snapshot of groups: " + e.getMessage(), e);
    }
  }

  /** SHA-256 of the bytes, hex: equal on two nodes only if their groups are. */
  public static String digest(GroupsImage groups) {
    return SnapshotFrames.digest(out -> write(new Snapshot(0, groups), out));
  }

  private static Snapshot snapshot(InputStream in) throws IOException {
    DataInputStream data = SnapshotFrames.open(in, MAGIC, VERSION);
    GroupsSnapshotHeader header = next(GroupsSnapshotHeader.parser(), data);
    List<GroupImage> groups = new ArrayList<>();
    for (int i = 0; i < header.getGroups(); i++) {
      groups.add(group(next(GroupRecord.parser(), data)));
    }
    SnapshotFrames.end(data);
    return new Snapshot(
        header.getIndex(),
        new GroupsImage(groups, header.getForgottenList().stream().map(Parts::topicId).toList()));
  }

  private static <M extends MessageLite> M next(Parser<M> parser, DataInputStream in)
      throws IOException {
    return SnapshotFrames.next(parser, in, "the snapshot of groups");
  }

  private static GroupRecord group(GroupImage group) {
    GroupRecord.Builder record =
        GroupRecord.newBuilder()
            .setName(group.name())
            .setGeneration(group.generation())
            .setAssignor(GroupParts.assignor(group.assignor()))
            .setMetadataIndex(group.metadataIndex())
            .addAllMatches(GroupParts.matches(group.matches()));
    // Looked up only; never iterated.
    Map<String, Integer> places = new HashMap<>(Map.of("", 0));
    for (MemberState member : group.members().values()) {
      places.put(member.id(), places.size());
      record.addMembers(
          GroupParts.record(member)
              .setJoined(group.joined().getOrDefault(member.id(), 0))
              .setUntold(group.untold().contains(member.id())));
    }
    for (KnownTopic topic : group.topics().values()) {
      record.addTopics(
          GroupParts.topic(topic)
              .setStartFrom(group.startFrom().getOrDefault(topic.id(), topic.partitions())));
    }
    group
        .target()
        .forEach(
            (topic, members) ->
                record.addTarget(
                    TargetRecord.newBuilder()
                        .setTopicId(Parts.bytes(topic))
                        .addAllMembers(
                            members.stream().map(id -> places.getOrDefault(id, 0)).toList())));
    group
        .offsets()
        .forEach((partition, offset) -> record.addOffsets(GroupParts.offset(partition, offset)));
    if (!group.classic().members().isEmpty()) {
      record.setClassic(ClassicCommandCodec.state(group.classic()));
    }
    return record.build();
  }

  private static GroupImage group(GroupRecord record) {
    TreeMap<String, MemberState> members = new TreeMap<>();
    TreeMap<String, Integer> joined = new TreeMap<>();
    TreeSet<String> untold = new TreeSet<>();
    List<String> places = new ArrayList<>(List.of(""));
    for (MemberStateRecord one : record.getMembersList()) {
      members.put(one.getId(), GroupParts.member(one));
      joined.put(one.getId(), one.getJoined());
      places.add(one.getId());
      if (one.getUntold()) {
        untold.add(one.getId());
      }
    }
    TreeMap<String, KnownTopic> topics = new TreeMap<>();
    TreeMap<TopicId, Integer> startFrom = new TreeMap<>();
    for (KnownTopicRecord one : record.getTopicsList()) {
      KnownTopic topic = GroupParts.topic(one);
      topics.put(topic.name(), topic);
      startFrom.put(topic.id(), one.getStartFrom());
    }
    TreeMap<TopicId, List<String>> target = new TreeMap<>();
    for (TargetRecord one : record.getTargetList()) {
      target.put(
          Parts.topicId(one.getTopicId()),
          one.getMembersList().stream().map(place -> member(places, place)).toList());
    }
    OffsetTable.Editor offsets = OffsetTable.EMPTY.edit();
    for (OffsetRecord one : record.getOffsetsList()) {
      var offset = GroupParts.offset(one);
      offsets.put(offset.getKey(), offset.getValue());
    }
    return new GroupImage(
        record.getName(),
        record.getGeneration(),
        GroupParts.assignor(record.getAssignor()),
        record.getMetadataIndex(),
        members,
        joined,
        untold,
        topics,
        startFrom,
        GroupParts.matches(record.getMatchesList()),
        target,
        offsets.build(),
        record.hasClassic() ? ClassicCommandCodec.state(record.getClassic()) : ClassicState.NONE);
  }

  private static String member(List<String> places, int place) {
    if (place < 0 || place >= places.size()) {
      throw new IllegalArgumentException(
          "member " + place + " of " + (places.size() - 1) + " in a target");
    }
    return places.get(place);
  }
}
