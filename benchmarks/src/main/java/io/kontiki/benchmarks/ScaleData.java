package io.kontiki.benchmarks;

import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.loop.NettyLoop;
import io.kontiki.log.LogConfig;
import io.kontiki.log.LogSettings;
import io.kontiki.log.PartitionLog;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Appends to every log of a node that stands still, straight into its log directory, so that ten
 * thousand partitions are filled in seconds.
 */
public final class ScaleData {
  private static final int BATCH_BYTES = 1024;
  private static final int SEGMENT_BYTES = 10 << 10;
  private static final long PAUSE_NANOS = 1_000_000;

  private final BenchNode node;
  private final NettyLoop loop;
  // Of today: retention would let go what is older than a week.
  private final long nowMs = System.currentTimeMillis();
  private final ByteBuffer template = BenchNode.batch(BATCH_BYTES, nowMs);
  private final CountDownLatch left;

  private ScaleData(BenchNode node, NettyLoop loop, int logs) {
    this.node = node;
    this.loop = loop;
    this.left = new CountDownLatch(logs);
  }

  /**
   * Arguments: the directory {@code log} of the node; how many batches of 1 KiB each log gets;
   * {@code stop} for a clean stop, {@code kill} for none at all.
   */
  public static void main(String[] args) throws InterruptedException {
    int batches = Integer.parseInt(args[1]);
    LoopGroup group = BenchNode.loops();
    BenchNode node = BenchNode.open(Path.of(args[0]), LogConfig.defaults(), group.first());
    List<PartitionId> partitions = new ArrayList<>(node.directory().partitions());
    int wanted = args.length > 3 ? Integer.parseInt(args[3]) : 0;
    for (int i = partitions.size(); i < wanted; i++) {
      partitions.add(BenchNode.partition(i));
    }
    ScaleData data = new ScaleData(node, group.first(), partitions.size());
    data.loop.execute(
        () -> {
          List<Filler> fillers = new ArrayList<>();
          partitions.forEach(id -> fillers.add(data.new Filler(id, batches)));
          fillers.forEach(Filler::next);
        });
    data.left.await();
    System.out.println(partitions.size() + " logs, " + batches + " batches of 1 KiB each");
    if (args[2].equals("kill")) {
      Runtime.getRuntime().halt(0);
    }
    node.stop();
    node.close();
    group.close();
  }

  /** One log: the next batch when the one before is durable. */
  private final class Filler implements PartitionLog.Listener {
    private final PartitionLog log;
    private int batches;

    private Filler(PartitionId id, int batches) {
      this.batches = batches;
      LogSettings settings =
          LogSettings.defaults(Durability.FSYNC).withSegments(SEGMENT_BYTES, Long.MAX_VALUE);
      this.log = node.directory().openOrCreate(id, "scale", settings, loop, this);
    }

    private void next() {
      int epoch = Math.max(0, log.epochs().latest());
      PartitionLog.AppendOutcome outcome =
          log.appendAsLeader(BenchNode.copy(template), epoch, nowMs);
      if (!(outcome instanceof PartitionLog.AppendOutcome.Appended)) {
        loop.schedule(PAUSE_NANOS, this::next);
      }
    }

    @Override
    public void onHeld(long heldEndOffset) {
      batches--;
      if (batches > 0) {
        next();
      } else {
        left.countDown();
      }
    }

    @Override
    public void onOffline(StorageException cause) {
      BenchNode.FAULTS.onFault("offline", cause);
    }

    @Override
    public void onDamaged(long offset) {
      throw BenchNode.damaged(offset);
    }
  }
}
