package io.kontiki.group.assign;

import io.kontiki.model.TopicId;
import java.util.List;
import java.util.SortedMap;

/**
 * Each topic in contiguous ranges, one per member: topics with equally many partitions and the same
 * subscribers are cut at the same places.
 */
public final class RangeAssignor {
  private RangeAssignor() {}

  /** The target. */
  public static SortedMap<TopicId, List<String>> assign(Subscribers subscribers) {
    int[][] owners = subscribers.nothing();
    for (int t = 0; t < owners.length; t++) {
      int[] members = subscribers.of(subscribers.topics().get(t));
      if (members.length == 0) {
        continue;
      }
      int each = owners[t].length / members.length;
      int longer = owners[t].length % members.length;
      int next = 0;
      for (int i = 0; i < members.length; i++) {
        for (int end = next + each + (i < longer ? 1 : 0); next < end; next++) {
          owners[t][next] = members[i];
        }
      }
    }
    return subscribers.named(owners);
  }
}
