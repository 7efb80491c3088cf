package io.kontiki.log.clean;

/**
 * Which tombstones a pass may drop while other replicas are shipped the log (rule L6). A replica
 * that has an old record of a key must meet the tombstone behind it: so none goes that lies behind
 * the place up to which one has been shipped, and where one is gone already, no replica goes on
 * from before it. Thread-safe: the loop and the pass agree although neither waits for the other.
 */
public final class Forgetting {
  private volatile long limit;
  private volatile long below;

  /**
   * @param limit offset from which on a replica is being shipped; the greatest long: none is
   * @param below tombstones are missing below it, and nowhere else
   */
  public Forgetting(long limit, long below) {
    this.limit = limit;
    this.below = below;
  }

  /** Whether the tombstones of a batch that ends at an offset may go; if so, they count as gone. */
  boolean mayForget(long endOffset) {
    if (endOffset > limit) {
      return false;
    }
    if (endOffset > below) {
      // First told, then looked: whoever comes meanwhile sees it, or is seen.
      below = endOffset;
    }
    return endOffset <= limit;
  }

  /**
   * A replica that ends at an offset wants to go on from there.
   *
   * @return below it tombstones are missing, now and later: if it is greater, it must not
   */
  public long onShippedFrom(long offset) {
    limit = Math.min(limit, offset);
    return below;
  }

  /** Below it tombstones are missing, or will be. */
  public long below() {
    return below;
  }
}
