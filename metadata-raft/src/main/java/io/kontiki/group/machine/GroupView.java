package io.kontiki.group.machine;

import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupImage;
import io.kontiki.group.GroupState;
import io.kontiki.group.MemberState;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * The groups of a shard as they were published last. Thread-safe; never waits. Each group is a
 * consistent picture; two groups may be of neighbouring entries.
 *
 * <p>Whoever has waited for a ReadIndex to be applied finds everything that was answered before it
 * (rule G5).
 */
public final class GroupView {
  private final ConcurrentSkipListMap<String, GroupImage> groups = new ConcurrentSkipListMap<>();

  GroupView() {}

  void put(GroupImage group) {
    groups.put(group.name(), group);
  }

  void remove(String name) {
    groups.remove(name);
  }

  /** Replaces everything, without an empty moment for groups that stay. */
  void replace(List<GroupImage> all) {
    TreeMap<String, GroupImage> now = new TreeMap<>();
    all.forEach(group -> now.put(group.name(), group));
    groups.putAll(now);
    groups.keySet().retainAll(now.keySet());
  }

  /** The group as it stands, shared: cheap. */
  public @Nullable GroupImage image(String group) {
    return groups.get(group);
  }

  /** The group as others see it; costs a copy of its members, topics and offsets. */
  public Optional<GroupState> group(String group) {
    return Optional.ofNullable(groups.get(group)).map(GroupImage::state);
  }

  /** A member; cheap. */
  public Optional<MemberState> member(String group, String memberId) {
    GroupImage image = groups.get(group);
    return image == null ? Optional.empty() : Optional.ofNullable(image.members().get(memberId));
  }

  /** What is committed, of these partitions: where nothing is, the partition is missing. */
  public SortedMap<PartitionId, CommittedOffset> offsets(
      String group, SortedSet<PartitionId> partitions) {
    TreeMap<PartitionId, CommittedOffset> found = new TreeMap<>();
    GroupImage image = groups.get(group);
    if (image != null) {
      for (PartitionId partition : partitions) {
        CommittedOffset offset = image.offsets().get(partition);
        if (offset != null) {
          found.put(partition, offset);
        }
      }
    }
    return found;
  }

  /** All, by name. */
  public List<GroupImage> all() {
    return new ArrayList<>(groups.values());
  }
}
