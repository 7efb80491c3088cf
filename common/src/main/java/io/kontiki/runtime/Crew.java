package io.kontiki.runtime;

import java.util.function.IntConsumer;

/**
 * Does many independent pieces of blocking work, side by side where there are threads for it. Used
 * where nothing is served yet, so that the caller may wait.
 */
public interface Crew {
  /** The caller alone, in order: in memory, and where there is nothing to gain. */
  Crew ALONE =
      (count, work) -> {
        for (int i = 0; i < count; i++) {
          work.accept(i);
        }
      };

  /**
   * Hands each number from 0 to {@code count} - 1 to {@code work} once, in any order, perhaps from
   * several threads at a time, and returns when all of them are through. What one of them throws is
   * thrown here, once no other is at work any more; numbers that had not begun are left out then.
   */
  void each(int count, IntConsumer work);
}
