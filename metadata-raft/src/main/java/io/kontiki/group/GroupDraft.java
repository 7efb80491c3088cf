package io.kontiki.group;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A group while the commands of one entry change it: copies a part on its first change, shares the
 * rest, and notes what members must be told. Not thread-safe; lives as long as the entry.
 */
final class GroupDraft {
  private final GroupImage before;
  private final Totals totals;
  private int generation;
  private boolean raised;
  private Assignor assignor;
  private long metadataIndex;
  private SortedMap<String, MemberState> members;
  private SortedMap<String, Integer> joined;
  private TreeSet<String> untold;
  private SortedMap<String, KnownTopic> topics;
  private SortedMap<TopicId, Integer> startFrom;
  private SortedMap<String, List<String>> matches;
  private SortedMap<TopicId, List<String>> target;
  private ClassicState classic;
  private final OffsetTable.Editor offsets;
  // What members own, where this command changes it; folded into the members by flush().
  private final TreeMap<String, TreeMap<PartitionId, OwnedPartition>> owned = new TreeMap<>();
  private final TreeSet<String> concerned = new TreeSet<>();
  private final Notes notes;

  /** Of the whole shard, for its limits (M19). */
  static final class Totals {
    int groups;
    int members;
    int offsets;
    long metadataChars;
    long classicBytes;
  }

  /** What an entry changed of a group of this name, be it one after another. */
  static final class Notes {
    final TreeSet<String> members = new TreeSet<>();
    final TreeMap<String, SortedMap<PartitionId, PartitionLoss>> lost = new TreeMap<>();
    final TreeMap<String, MemberEnd> ended = new TreeMap<>();
    boolean touched;
    int wentBack;
  }

  GroupDraft(GroupImage before, Totals totals, Notes notes) {
    this.before = before;
    this.totals = totals;
    this.notes = notes;
    generation = before.generation();
    assignor = before.assignor();
    metadataIndex = before.metadataIndex();
    members = before.members();
    joined = before.joined();
    untold = new TreeSet<>(before.untold());
    topics = before.topics();
    startFrom = before.startFrom();
    matches = before.matches();
    target = before.target();
    classic = before.classic();
    offsets = before.offsets().edit();
  }

  String name() {
    return before.name();
  }

  /** Another command begins: it may raise the generation once. */
  void begin() {
    raised = false;
  }

  /** The generation of this command's changes of who owns what. */
  int raise() {
    if (!raised) {
      raised = true;
      generation++;
    }
    return generation;
  }

  /** Neither members nor offsets: it ends (M19). */
  boolean isEmpty() {
    return memberCount() == 0 && offsets.size() == 0;
  }

  int generation() {
    return generation;
  }

  /** Of both kinds. */
  int memberCount() {
    return members.size() + classic.members().size();
  }

  // ---- members of the classic kind

  ClassicState classic() {
    return classic;
  }

  void classic(ClassicState now) {
    totals.members += now.members().size() - classic.members().size();
    totals.classicBytes += now.bytes() - classic.bytes();
    classic = now;
    notes.touched = true;
  }

  void noteEnd(String member, MemberEnd end) {
    notes.ended.put(member, end);
    notes.touched = true;
  }

  // ---- members

  SortedMap<String, MemberState> members() {
    return members;
  }

  @Nullable MemberState member(String id) {
    return members.get(id);
  }

  /** The generation in which the member's present stream took it up. */
  int joined(String id) {
    Integer since = joined.get(id);
    return since == null ? 0 : since;
  }

  /** A new member, or one with another stream. */
  void putMember(MemberState member, int joinedAt) {
    members = mine(members, before.members());
    joined = mine(joined, before.joined());
    if (members.put(member.id(), member) == null) {
      totals.members++;
    }
    joined.put(member.id(), joinedAt);
    changed(member.id());
  }

  void removeMember(String id, MemberEnd end) {
    members = mine(members, before.members());
    joined = mine(joined, before.joined());
    if (members.remove(id) != null) {
      totals.members--;
    }
    joined.remove(id);
    untold.remove(id);
    notes.members.remove(id);
    notes.lost.remove(id);
    notes.ended.put(id, end);
    notes.touched = true;
  }

  private void changed(String member) {
    notes.members.add(member);
    notes.touched = true;
  }

  /** What a member owns as this command has left it so far, to be changed. */
  TreeMap<PartitionId, OwnedPartition> owned(String member) {
    TreeMap<PartitionId, OwnedPartition> own = owned.get(member);
    if (own == null) {
      MemberState state = members.get(member);
      own = state == null ? new TreeMap<>() : new TreeMap<>(state.owned());
      owned.put(member, own);
    }
    return own;
  }

  /** A member gets a partition that nobody owns. */
  void give(String member, PartitionId partition) {
    boolean appeared =
        partition.partition() >= startFrom.getOrDefault(partition.topicId(), Integer.MAX_VALUE);
    owned(member).put(partition, new OwnedPartition(raise(), false, appeared));
    concerned.add(member);
  }

  /** A member loses a partition. */
  void take(String member, PartitionId partition, PartitionLoss why) {
    if (owned(member).remove(partition) == null) {
      return;
    }
    raise();
    concerned.add(member);
    notes.lost.computeIfAbsent(member, id -> new TreeMap<>()).put(partition, why);
  }

  /** Folds what this command did to owners into the members. */
  void flush() {
    for (var entry : owned.entrySet()) {
      MemberState old = members.get(entry.getKey());
      if (old == null) {
        continue;
      }
      boolean moved = concerned.contains(old.id());
      if (moved || !old.owned().equals(entry.getValue())) {
        members = mine(members, before.members());
        members.put(
            old.id(),
            new MemberState(
                old.id(),
                old.name(),
                moved ? generation : old.epoch(),
                old.details(),
                entry.getValue()));
        changed(old.id());
      }
    }
    owned.clear();
    concerned.clear();
  }

  // ---- topics

  long metadataIndex() {
    return metadataIndex;
  }

  SortedMap<String, KnownTopic> topics() {
    return topics;
  }

  SortedMap<String, List<String>> matches() {
    return matches;
  }

  boolean isUntold(String member) {
    return untold.contains(member);
  }

  void addUntold(String member) {
    untold.add(member);
  }

  void told(long index) {
    if (!untold.isEmpty()) {
      untold.clear();
      notes.touched = true;
    }
    if (index != metadataIndex) {
      metadataIndex = index;
      notes.touched = true;
    }
  }

  /** A topic is known, or has more partitions. */
  void putTopic(KnownTopic topic, int from) {
    topics = mine(topics, before.topics());
    startFrom = mine(startFrom, before.startFrom());
    topics.put(topic.name(), topic);
    startFrom.put(topic.id(), from);
    notes.touched = true;
  }

  int startFrom(TopicId topic) {
    return startFrom.getOrDefault(topic, Integer.MAX_VALUE);
  }

  boolean knows(TopicId topic) {
    return startFrom.containsKey(topic);
  }

  void removeTopic(KnownTopic topic) {
    topics = mine(topics, before.topics());
    startFrom = mine(startFrom, before.startFrom());
    topics.remove(topic.name());
    startFrom.remove(topic.id());
    notes.touched = true;
  }

  void matches(SortedMap<String, List<String>> now) {
    if (!matches.equals(now)) {
      matches = now;
      notes.touched = true;
    }
  }

  SortedMap<TopicId, List<String>> target() {
    return target;
  }

  void target(SortedMap<TopicId, List<String>> now) {
    if (!target.equals(now)) {
      // It may change while every mark stays: from one who waits to another.
      target = now;
      notes.touched = true;
    }
  }

  void assignor(Assignor now) {
    assignor = now;
  }

  Assignor assignor() {
    return assignor;
  }

  // ---- offsets

  @Nullable CommittedOffset offset(PartitionId partition) {
    return offsets.get(partition);
  }

  void putOffset(PartitionId partition, CommittedOffset offset) {
    CommittedOffset old = offsets.get(partition);
    if (old != null && old.offset() > offset.offset()) {
      notes.wentBack++;
    }
    totals.offsets -= offsets.size();
    totals.metadataChars -= offsets.metadataChars();
    offsets.put(partition, offset);
    totals.offsets += offsets.size();
    totals.metadataChars += offsets.metadataChars();
    notes.touched = true;
  }

  void removeOffset(PartitionId partition) {
    totals.offsets -= offsets.size();
    totals.metadataChars -= offsets.metadataChars();
    offsets.remove(partition);
    totals.offsets += offsets.size();
    totals.metadataChars += offsets.metadataChars();
    notes.touched = true;
  }

  boolean hasOffsets(TopicId topic) {
    return offsets.build().has(topic);
  }

  List<PartitionId> offsetsOf(TopicId topic) {
    return offsets.build().of(topic);
  }

  void removeAllOffsets() {
    List<PartitionId> all = new ArrayList<>();
    offsets.build().forEach((partition, offset) -> all.add(partition));
    all.forEach(this::removeOffset);
  }

  GroupImage build() {
    return new GroupImage(
        before.name(),
        generation,
        assignor,
        metadataIndex,
        members,
        joined,
        untold,
        topics,
        startFrom,
        matches,
        target,
        offsets.build(),
        classic);
  }

  private static <K, V> SortedMap<K, V> mine(SortedMap<K, V> now, SortedMap<K, V> original) {
    return now == original ? new TreeMap<>(original) : now;
  }
}
