package io.kontiki.benchmarks;

import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.loop.NettyLoop;
import io.kontiki.log.LogConfig;
import io.kontiki.log.PartitionLog;
import io.kontiki.model.Durability;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Appends to logs with {@code durability=fsync}, on one loop; with several log directories each
 * append goes into all of them and counts when all hold it.
 */
final class JournalLoad implements Load {
  private static final long RETRY_NANOS = 500_000;

  private final LoopGroup group = BenchNode.loops();
  private final NettyLoop loop = group.first();
  private final List<BenchNode> nodes = new ArrayList<>();
  private final List<Slot> slots = new ArrayList<>();
  private final ByteBuffer template;
  private final int window;
  private final Meter meter;
  private final CountDownLatch first;
  private volatile boolean ended;

  JournalLoad(
      Path path,
      LogConfig config,
      int nodeCount,
      int partitions,
      int window,
      int batchBytes,
      Meter meter) {
    this.template = BenchNode.batch(batchBytes);
    this.window = window;
    this.meter = meter;
    this.first = new CountDownLatch(partitions);
    for (int i = 0; i < nodeCount; i++) {
      nodes.add(BenchNode.open(path.resolve("node-" + i), config, loop));
    }
    BenchNode.call(
        loop,
        () -> {
          for (int i = 0; i < partitions; i++) {
            slots.add(new Slot(i));
          }
          return true;
        });
  }

  /** One partition and its client. */
  private final class Slot {
    private final List<PartitionLog> logs = new ArrayList<>();
    private final long[] held = new long[nodes.size()];
    private final ArrayDeque<Long> started = new ArrayDeque<>();
    private long acknowledged;
    private long appended;

    private Slot(int number) {
      for (int i = 0; i < nodes.size(); i++) {
        int node = i;
        PartitionLog log =
            nodes
                .get(i)
                .openLog(number, BenchNode.settings(Durability.FSYNC), end -> onHeld(node, end));
        log.beginEpoch(1);
        logs.add(log);
      }
    }

    private void onHeld(int node, long end) {
      held[node] = end;
      long all = Long.MAX_VALUE;
      for (long each : held) {
        all = Math.min(all, each);
      }
      if (acknowledged == 0 && all > 0) {
        first.countDown();
      }
      for (; acknowledged < all; acknowledged++) {
        meter.acknowledged(1, started.remove());
      }
      fill();
    }

    private void fill() {
      while (!ended && appended - acknowledged < window) {
        if (!append()) {
          loop.schedule(RETRY_NANOS, this::fill);
          return;
        }
      }
    }

    private boolean append() {
      ByteBuffer batch = BenchNode.copy(template);
      for (PartitionLog log : logs) {
        if (log.logEndOffset() == appended
            && !(log.appendAsLeader(batch, 1, 0) instanceof PartitionLog.AppendOutcome.Appended)) {
          return false;
        }
      }
      started.add(System.nanoTime());
      appended++;
      return true;
    }
  }

  @Override
  public void start() {
    loop.execute(() -> slots.forEach(Slot::fill));
  }

  @Override
  public void awaitAll() {
    Load.await(first);
    nodes.forEach(BenchNode::awaitCheckpoint);
  }

  @Override
  public void close() {
    ended = true;
    nodes.forEach(BenchNode::stop);
    nodes.forEach(BenchNode::close);
    group.close();
  }
}
