package io.kontiki.group;

import io.kontiki.model.PartitionId;
import java.util.Collections;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What an entry changed of a group, for whoever tells members and observers.
 *
 * @param exists whether the group is still there
 * @param members that are new, or of which something changed; they are still there
 * @param lost by member: partitions that it gave up or was deprived of, with why; it may have got
 *     one back in the same entry
 * @param ended members that are no more
 * @param wentBack how many committed offsets are lower than before (rule G10)
 */
public record GroupChange(
    String group,
    boolean exists,
    SortedSet<String> members,
    SortedMap<String, SortedMap<PartitionId, PartitionLoss>> lost,
    SortedMap<String, MemberEnd> ended,
    int wentBack) {
  public GroupChange {
    members = Collections.unmodifiableSortedSet(new TreeSet<>(members));
    lost = Collections.unmodifiableSortedMap(new TreeMap<>(lost));
    ended = Collections.unmodifiableSortedMap(new TreeMap<>(ended));
  }
}
