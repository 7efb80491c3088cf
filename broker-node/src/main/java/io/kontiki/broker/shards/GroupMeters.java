package io.kontiki.broker.shards;

import io.kontiki.broker.coordinator.CoordinatorEvents;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs and counts what this node coordinates. Counts may be read by any thread. */
final class GroupMeters {
  private static final Logger LOG = LoggerFactory.getLogger(GroupMeters.class);

  final LongAdder commits = new LongAdder();
  final LongAdder offsets = new LongAdder();
  final LongAdder wentBack = new LongAdder();
  final LongAdder rebalances = new LongAdder();
  final LongAdder joined = new LongAdder();
  final LongAdder ended = new LongAdder();
  private final LongConsumer commitNanos;

  GroupMeters(LongConsumer commitNanos) {
    this.commitNanos = commitNanos;
  }

  /** Of one shard. */
  CoordinatorEvents of(String shard) {
    return new Events(shard);
  }

  private final class Events implements CoordinatorEvents {
    private final String shard;

    Events(String shard) {
      this.shard = shard;
    }

    @Override
    public void onJoined(String group, String memberId, String details) {
      joined.increment();
      LOG.info("[group={}] member {} has joined: {}", group, memberId, details);
    }

    @Override
    public void onEnded(String group, String memberId, String why) {
      ended.increment();
      LOG.info("[group={}] member {} is no member any more: {}", group, memberId, why);
    }

    @Override
    public void onRebalance(String group) {
      rebalances.increment();
    }

    @Override
    public void onCommit(int count, long nanos) {
      commits.increment();
      offsets.add(count);
      commitNanos.accept(nanos);
    }

    @Override
    public void onWentBack(String group, int count) {
      wentBack.add(count);
    }

    @Override
    public void onNotice(String what) {
      LOG.info("[{}] {}", shard, what);
    }
  }
}
