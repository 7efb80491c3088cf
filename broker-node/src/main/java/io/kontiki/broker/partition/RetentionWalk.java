package io.kontiki.broker.partition;

import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Goes round the logs of a loop, a few at each tick, so that each is looked at once in the time
 * given, whatever their number: no timer of its own for any (rule L6).
 */
final class RetentionWalk {
  private final double shareOfTick;
  private @Nullable PartitionId last;
  private double due;

  RetentionWalk(long tickNanos, long checkNanos) {
    this.shareOfTick = Math.min(1.0, (double) tickNanos / checkNanos);
  }

  /** The keys to look at in this tick, in turn. */
  <T> List<PartitionId> next(SortedMap<PartitionId, T> all) {
    due += shareOfTick * all.size();
    List<PartitionId> found = new ArrayList<>();
    while (due >= 1 && found.size() < all.size()) {
      due--;
      found.add(following(all));
    }
    if (all.isEmpty()) {
      due = 0;
    }
    return found;
  }

  private <T> PartitionId following(SortedMap<PartitionId, T> all) {
    PartitionId next = all.firstKey();
    if (last != null) {
      for (PartitionId id : all.tailMap(last).keySet()) {
        if (!id.equals(last)) {
          next = id;
          break;
        }
      }
    }
    last = next;
    return next;
  }
}
