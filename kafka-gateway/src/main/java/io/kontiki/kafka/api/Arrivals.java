package io.kontiki.kafka.api;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.EventLoop;
import java.util.HashMap;
import java.util.Map;

/**
 * Looks out for new records of the partitions that a connection reads. One wait per partition is
 * under way at most, and serves all requests of the connection until it ends, because a wait cannot
 * be taken back: a request that found something leaves those for its other partitions behind. What
 * comes is only a sign to read again. On the connection's loop.
 */
final class Arrivals {
  private static final long WAIT_NANOS = 5_000_000_000L;

  private final EventLoop loop;
  private final PartitionRequests partitions;
  private final Map<PartitionId, Wait> waits = new HashMap<>();
  private Runnable listener = () -> {};

  /** For bytes behind an offset. */
  private record Wait(long offset, int bytes) {}

  Arrivals(EventLoop loop, PartitionRequests partitions) {
    this.loop = loop;
    this.partitions = partitions;
  }

  /** Calls this one from now on when something has come. */
  void tell(Runnable next) {
    listener = next;
  }

  /**
   * Looks out for more than so many bytes.
   *
   * @param offset first one that the client has not
   * @param bytes that are known to be there
   */
  void await(PartitionId partition, long offset, int bytes) {
    Wait wait = new Wait(offset, bytes);
    if (wait.equals(waits.get(partition))) {
      return;
    }
    waits.put(partition, wait);
    partitions.fetch(
        new Fetch(
            partition,
            -1,
            offset,
            -1,
            bytes + 1,
            bytes + 1,
            loop.clock().nanoTime() + WAIT_NANOS,
            Route.LOCAL),
        answer ->
            CallContext.onLoop(
                loop,
                () -> {
                  if (waits.remove(partition, wait)) {
                    listener.run();
                  }
                }));
  }
}
