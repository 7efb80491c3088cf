package io.kontiki.group;

import io.kontiki.model.PartitionId;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A member of a group, as applied.
 *
 * @param name empty: dynamic
 * @param epoch generation of the group when what it owns, or its stream, changed last
 * @param owned what is its own now, also what is being revoked
 */
public record MemberState(
    String id,
    String name,
    int epoch,
    MemberDetails details,
    SortedMap<PartitionId, OwnedPartition> owned) {
  public MemberState {
    owned = Collections.unmodifiableSortedMap(new TreeMap<>(owned));
  }
}
