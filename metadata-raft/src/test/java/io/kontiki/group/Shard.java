package io.kontiki.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A machine with short words for commands, for tests; one entry per command. */
public final class Shard {
  /** The group of the short words. */
  public static final String G = "g";

  public final GroupMachine machine = new GroupMachine();
  private final TreeMap<String, KnownTopic> topics = new TreeMap<>();
  private long metadataIndex = 1;
  private int ids;
  List<GroupChange> changes = List.of();

  /** The id of a topic's first life. */
  public static TopicId topic(String name) {
    return new TopicId(name.hashCode(), 1);
  }

  public static PartitionId p(String topic, int partition) {
    return new PartitionId(topic(topic), partition);
  }

  public static MemberDetails details(Assignor assignor, String... topics) {
    return new MemberDetails(
        "client", "host", 1, 7, Arrays.asList(topics), "", assignor, 500, 30_000);
  }

  public static MemberDetails pattern(String pattern) {
    return new MemberDetails(
        "client", "host", 1, 7, List.of(), pattern, Assignor.STICKY, 500, 30_000);
  }

  /** The cluster has a topic, or more partitions of it; groups have not heard of it. */
  Shard withTopic(String name, int partitions) {
    topics.put(name, new KnownTopic(topic(name), name, partitions));
    metadataIndex++;
    return this;
  }

  void remake(String name, int partitions) {
    topics.put(name, new KnownTopic(new TopicId(name.hashCode(), 2), name, partitions));
    metadataIndex++;
  }

  void deleteTopic(String name) {
    topics.remove(name);
    metadataIndex++;
  }

  /** What a coordinator would tell now; patterns match by their beginning. */
  TopicsSeen seen() {
    return seen(metadataIndex);
  }

  TopicsSeen seen(long index) {
    TreeMap<String, List<String>> matches = new TreeMap<>();
    GroupImage group = machine.group(G);
    TreeSet<String> patterns = new TreeSet<>(List.of("t.*"));
    if (group != null) {
      group.members().values().forEach(m -> patterns.add(m.details().pattern()));
    }
    patterns.remove("");
    for (String pattern : patterns) {
      String start = pattern.replace(".*", "");
      matches.put(pattern, topics.keySet().stream().filter(t -> t.startsWith(start)).toList());
    }
    return new TopicsSeen(index, new ArrayList<>(topics.values()), matches);
  }

  GroupAnswer apply(GroupCommand command) {
    GroupMachine.Applied applied = machine.apply(List.of(command));
    changes = applied.changes();
    return applied.batch().answers().get(0);
  }

  GroupAnswer.Joined join(String memberId, String name, MemberDetails details, TopicsSeen seen) {
    return (GroupAnswer.Joined)
        apply(new GroupCommand.JoinGroup(1, G, "m" + ids++, memberId, name, details, seen));
  }

  /** A dynamic member, sticky. */
  String join(String... topics) {
    return join("", "", details(Assignor.STICKY, topics), seen()).member().id();
  }

  MemberState member(String id) {
    return Objects.requireNonNull(group().members().get(id), () -> id + " is no member");
  }

  GroupImage group() {
    return Objects.requireNonNull(machine.group(G), "there is no group");
  }

  @Nullable CommittedOffset offset(PartitionId partition) {
    return group().offsets().get(partition);
  }

  GroupAnswer leave(String member) {
    return apply(new GroupCommand.LeaveGroup(1, G, member, member(member).epoch()));
  }

  GroupAnswer commit(String member, int epoch, PartitionId partition, long offset) {
    return apply(
        new GroupCommand.CommitOffsets(
            9,
            G,
            member,
            epoch,
            List.of(new OffsetCommit(partition, offset, 3, "m", false)),
            false));
  }

  GroupAnswer update() {
    return apply(new GroupCommand.UpdateTopics(1, G, seen()));
  }

  GroupAnswer forget(String topic) {
    return apply(new GroupCommand.ForgetTopic(1, topic(topic)));
  }

  GroupAnswer release(String member, boolean forced, PartitionId... partitions) {
    return apply(
        new GroupCommand.ReleasePartitions(
            1, G, member, member(member).epoch(), Arrays.asList(partitions), forced));
  }

  /** Everybody gives up at once what is being revoked. */
  void settle() {
    for (MemberState member : List.copyOf(group().members().values())) {
      List<PartitionId> revoking = revoking(member.id());
      if (!revoking.isEmpty()) {
        release(member.id(), false, revoking.toArray(PartitionId[]::new));
      }
    }
  }

  List<PartitionId> revoking(String member) {
    return member(member).owned().entrySet().stream()
        .filter(e -> e.getValue().revoking())
        .map(Map.Entry::getKey)
        .toList();
  }

  static void assertRefused(ErrorReason reason, GroupAnswer answer) {
    assertEquals(
        reason,
        answer instanceof GroupAnswer.Rejected rejected ? rejected.error().reason() : null,
        answer::toString);
  }

  static void assertRefused(ErrorReason reason, PartitionId partition, GroupAnswer answer) {
    GroupAnswer.Committed committed = (GroupAnswer.Committed) answer;
    assertNotNull(committed.refused().get(partition), answer::toString);
    assertEquals(reason, committed.refused().get(partition).reason());
  }

  static void assertStored(long offset, PartitionId partition, GroupAnswer answer) {
    GroupAnswer.Committed committed = (GroupAnswer.Committed) answer;
    assertNotNull(committed.stored().get(partition), answer::toString);
    assertEquals(offset, committed.stored().get(partition).offset());
  }
}
