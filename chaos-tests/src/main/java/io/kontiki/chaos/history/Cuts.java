package io.kontiki.chaos.history;

import java.util.Arrays;

/**
 * The moments at which a log may lose records by right, and its offsets get another meaning.
 * Whatever is claimed of the log before such a moment binds nobody after it.
 */
final class Cuts {
  private int[] indexes = new int[4];
  private int count;

  /** Indexes of events must grow. */
  void add(int index) {
    if (count == indexes.length) {
      indexes = Arrays.copyOf(indexes, 2 * count);
    }
    indexes[count++] = index;
  }

  /** Whether there was one at or after the event with this index. */
  boolean anySince(int index) {
    return count > 0 && indexes[count - 1] >= index;
  }

  /** Whether there was one between two events, these included. */
  boolean anyWithin(int from, int to) {
    int found = Arrays.binarySearch(indexes, 0, count, from);
    int next = found >= 0 ? found : -found - 1;
    return next < count && indexes[next] <= to;
  }
}
