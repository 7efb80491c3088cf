package io.kontiki.group;

import io.kontiki.group.GroupCommand.CommitOffsets;
import io.kontiki.group.GroupCommand.DeleteGroup;
import io.kontiki.group.GroupCommand.DeleteOffsets;
import io.kontiki.group.GroupCommand.ExpireMember;
import io.kontiki.group.GroupCommand.ForgetTopic;
import io.kontiki.group.GroupCommand.JoinGroup;
import io.kontiki.group.GroupCommand.LeaveGroup;
import io.kontiki.group.GroupCommand.ReleasePartitions;
import io.kontiki.group.GroupCommand.ResetOffsets;
import io.kontiki.group.GroupCommand.UpdateTopics;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A world of topics and commands about it: good ones, late ones, senseless ones. */
final class RandomGroupCommands {
  private static final List<String> NAMES = List.of("a", "b", "c");
  private static final List<String> GROUPS = List.of("g", "h");
  private final Random random;
  private final TreeMap<String, KnownTopic> topics = new TreeMap<>();
  final TreeSet<TopicId> deleted = new TreeSet<>();
  private long metadataIndex = 1;
  private int ids;

  RandomGroupCommands(Random random) {
    this.random = random;
  }

  GroupCommand next(GroupMachine machine) {
    changeTheWorld();
    String group = GROUPS.get(random.nextInt(GROUPS.size()));
    GroupImage image = machine.group(group);
    MemberState member = anyMember(image);
    String id = member == null || random.nextInt(20) == 0 ? "nobody" : member.id();
    int epoch =
        member == null
            ? 1
            : Math.max(0, member.epoch() - (random.nextInt(3) == 0 ? random.nextInt(4) : 0));
    long time = random.nextInt(1_000);
    switch (random.nextInt(20)) {
      case 0, 1, 2 -> {
        String old = member != null && random.nextInt(4) == 0 ? member.id() : "";
        String name = random.nextInt(3) == 0 ? "static" + random.nextInt(2) : "";
        MemberDetails details = details();
        return new JoinGroup(time, group, "m" + ids++, old, name, details, seen(image, details));
      }
      case 3 -> {
        return new LeaveGroup(time, group, id, epoch);
      }
      case 4 -> {
        return new ExpireMember(time, group, id, epoch, "silent");
      }
      case 5, 6, 7, 8, 9 -> {
        List<PartitionId> partitions = new ArrayList<>();
        if (member != null) {
          member
              .owned()
              .forEach(
                  (partition, owned) -> {
                    if (random.nextInt(8) < (owned.revoking() ? 7 : 1)) {
                      partitions.add(partition);
                    }
                  });
        }
        return new ReleasePartitions(time, group, id, epoch, partitions, random.nextInt(4) == 0);
      }
      case 10, 11, 12, 13, 14 -> {
        boolean outside = random.nextInt(5) == 0;
        return new CommitOffsets(
            time, group, outside ? "" : id, epoch, offsets(member), random.nextBoolean());
      }
      case 15 -> {
        return new ResetOffsets(time, group, offsets(member));
      }
      case 16 -> {
        return new DeleteOffsets(time, group, List.of(anyPartition()), List.of("a"));
      }
      case 17 -> {
        return random.nextInt(3) == 0 ? new DeleteGroup(time, group) : update(image, group, time);
      }
      case 18 -> {
        return deleted.isEmpty()
            ? update(image, group, time)
            : new ForgetTopic(time, new ArrayList<>(deleted).get(random.nextInt(deleted.size())));
      }
      default -> {
        return update(image, group, time);
      }
    }
  }

  private GroupCommand update(@Nullable GroupImage image, String group, long time) {
    return new UpdateTopics(time, group, seen(image, details()));
  }

  private void changeTheWorld() {
    if (topics.isEmpty() || random.nextInt(8) == 0) {
      metadataIndex++;
      String name = NAMES.get(random.nextInt(NAMES.size()));
      KnownTopic known = topics.get(name);
      if (known == null) {
        topics.put(
            name, new KnownTopic(new TopicId(7, metadataIndex), name, 1 + random.nextInt(4)));
      } else if (known.partitions() < 8 && random.nextBoolean()) {
        topics.put(name, new KnownTopic(known.id(), name, known.partitions() + 1));
      } else if (random.nextInt(3) == 0) {
        topics.remove(name);
        deleted.add(known.id());
      }
    }
  }

  private MemberDetails details() {
    Assignor assignor = Assignor.values()[random.nextInt(3)];
    List<String> names =
        random.nextInt(3) == 0
            ? List.of()
            : new ArrayList<>(new TreeSet<>(List.of(name(), name(), name())).headSet("z"));
    return new MemberDetails(
        "c", "h", 1, 1, names, names.isEmpty() ? ".*" : "", assignor, 500, 30_000);
  }

  private String name() {
    return List.of("a", "a", "b", "c").get(random.nextInt(4));
  }

  /** Now and then of an older image. */
  private TopicsSeen seen(@Nullable GroupImage image, MemberDetails joining) {
    TreeSet<String> wanted = new TreeSet<>(joining.topics());
    TreeMap<String, List<String>> matches = new TreeMap<>();
    if (image != null) {
      image.members().values().forEach(member -> wanted.addAll(member.details().topics()));
    }
    matches.put(".*", List.copyOf(topics.keySet()));
    wanted.addAll(topics.keySet());
    wanted.retainAll(topics.keySet());
    List<KnownTopic> known = new ArrayList<>();
    for (KnownTopic topic : topics.values()) {
      if (wanted.contains(topic.name()) && random.nextInt(20) > 0) {
        known.add(topic);
      }
    }
    long index = random.nextInt(6) == 0 ? metadataIndex - random.nextInt(3) : metadataIndex;
    return new TopicsSeen(index, known, matches);
  }

  private List<OffsetCommit> offsets(@Nullable MemberState member) {
    TreeMap<PartitionId, OffsetCommit> offsets = new TreeMap<>();
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      List<PartitionId> own = member == null ? List.of() : List.copyOf(member.owned().keySet());
      PartitionId partition =
          own.isEmpty() || random.nextInt(6) == 0
              ? anyPartition()
              : own.get(random.nextInt(own.size()));
      offsets.put(
          partition,
          new OffsetCommit(partition, random.nextInt(50), 1, "m" + i, random.nextInt(8) == 0));
    }
    return List.copyOf(offsets.values());
  }

  private PartitionId anyPartition() {
    List<TopicId> all = new ArrayList<>(deleted);
    topics.values().forEach(topic -> all.add(topic.id()));
    return new PartitionId(all.get(random.nextInt(all.size())), random.nextInt(5));
  }

  private @Nullable MemberState anyMember(@Nullable GroupImage image) {
    if (image == null || image.members().isEmpty()) {
      return null;
    }
    List<MemberState> all = List.copyOf(image.members().values());
    return all.get(random.nextInt(all.size()));
  }
}
