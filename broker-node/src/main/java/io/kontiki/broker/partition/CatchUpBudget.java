package io.kontiki.broker.partition;

/**
 * How fast this broker ships to replicas that catch up, all loops and lanes together (rule R33): a
 * backlog shrinks by so many bytes a second at most, and by fewer while those who write would
 * notice. What producers append to a partition while it is being caught up comes on top, so that no
 * load however steady can keep a replica away for ever. Thread-safe.
 */
public interface CatchUpBudget {
  /** No bound. */
  CatchUpBudget NONE =
      new CatchUpBudget() {
        @Override
        public long waitNanos(long nowNanos) {
          return 0;
        }

        @Override
        public void onShipped(long bytes, long nowNanos) {}

        @Override
        public void onAppended(long bytes) {}

        @Override
        public void onCommitted(long waitedNanos, long nowNanos) {}
      };

  /** How long to wait before shipping more; 0: not at all. */
  long waitNanos(long nowNanos);

  /** So many bytes were shipped on the catch-up lane. */
  void onShipped(long bytes, long nowNanos);

  /** So many bytes were appended to the log of a replica that is being caught up. */
  void onAppended(long bytes);

  /** Something that was appended so long ago is committed now: what catching up may not slow. */
  void onCommitted(long waitedNanos, long nowNanos);
}
