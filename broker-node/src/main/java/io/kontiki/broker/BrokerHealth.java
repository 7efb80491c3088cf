package io.kontiki.broker;

import io.kontiki.broker.api.Health;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.rpc.ServiceState;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.BooleanSupplier;

/**
 * Whether this node lives and serves. Alive is what moves: each loop beats twice a second, and a
 * beat that is 10 s old is a stall. For a loop that serves partitions half of that is enough to let
 * others lead in its place (R38).
 */
final class BrokerHealth implements Health {
  private static final long BEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long STALL_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long DATA_STALL_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final int brokerId;
  private final Metadata metadata;
  private final ServiceState state;
  private final BooleanSupplier lease;
  private final BooleanSupplier logOffline;
  private final Clock clock;
  private final int dataLoops;
  private final AtomicLongArray beats;

  /**
   * @param loops those that serve partitions first
   */
  BrokerHealth(
      int brokerId,
      Metadata metadata,
      ServiceState state,
      BooleanSupplier lease,
      BooleanSupplier logOffline,
      List<EventLoop> loops,
      int dataLoops,
      Clock clock) {
    this.brokerId = brokerId;
    this.metadata = metadata;
    this.state = state;
    this.lease = lease;
    this.logOffline = logOffline;
    this.clock = clock;
    this.dataLoops = dataLoops;
    this.beats = new AtomicLongArray(loops.size());
    for (int i = 0; i < loops.size(); i++) {
      int index = i;
      beats.set(index, clock.nanoTime());
      loops.get(i).execute(() -> beat(index, loops.get(index)));
    }
  }

  private void beat(int index, EventLoop loop) {
    beats.set(index, clock.nanoTime());
    loop.schedule(BEAT_NANOS, () -> beat(index, loop));
  }

  @Override
  public Verdict alive() {
    for (int i = 0; i < beats.length(); i++) {
      if (clock.nanoTime() - beats.get(i) > STALL_NANOS) {
        return new Verdict(false, "event loop " + i + " has not moved for 10 s");
      }
    }
    return new Verdict(true, "alive");
  }

  /** Whether a loop that serves partitions has not moved for 5 s. */
  boolean dataStandsStill() {
    for (int i = 0; i < dataLoops; i++) {
      if (clock.nanoTime() - beats.get(i) > DATA_STALL_NANOS) {
        return true;
      }
    }
    return false;
  }

  @Override
  public Verdict ready() {
    if (state.phase() != ServiceState.Phase.SERVING) {
      return new Verdict(false, state.phase().name().toLowerCase(java.util.Locale.ROOT));
    }
    if (logOffline.getAsBoolean()) {
      return new Verdict(false, "the log directory is offline");
    }
    BrokerImage self = metadata.image().brokers().get(brokerId);
    if (self == null || !self.state().inService()) {
      return new Verdict(false, self == null ? "not registered yet" : "fenced or stopping");
    }
    if (!lease.getAsBoolean()) {
      return new Verdict(false, "no lease of the metadata leader");
    }
    return new Verdict(true, "ready");
  }
}
