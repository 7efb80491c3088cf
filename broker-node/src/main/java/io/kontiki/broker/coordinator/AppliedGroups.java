package io.kontiki.broker.coordinator;

import io.kontiki.group.GroupImage;
import org.jspecify.annotations.Nullable;

/** The groups of a shard as this node has applied them: at least what was told of. */
public interface AppliedGroups {
  /** The group, if it is there. */
  @Nullable GroupImage group(String name);

  /** All, by name. */
  Iterable<GroupImage> groups();
}
