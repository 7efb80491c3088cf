package io.kontiki.group;

import io.kontiki.model.TopicId;
import java.util.List;

/**
 * The whole state of a shard, immutable: what a snapshot holds.
 *
 * @param groups by name
 * @param forgotten deleted topics (rule G8), the oldest first
 */
public record GroupsImage(List<GroupImage> groups, List<TopicId> forgotten) {
  /** No groups. */
  public static final GroupsImage EMPTY = new GroupsImage(List.of(), List.of());

  public GroupsImage {
    groups = List.copyOf(groups);
    forgotten = List.copyOf(forgotten);
  }
}
