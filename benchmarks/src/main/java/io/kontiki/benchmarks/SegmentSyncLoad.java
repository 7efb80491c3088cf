package io.kontiki.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The competitor: bare files, one per partition, written and synced by a pool of threads, with
 * group commit per partition. All that waits for a partition is written and made durable by one
 * sync, and partitions sync side by side. No checks, no indexes, no loop: nothing but writes and
 * syncs.
 */
final class SegmentSyncLoad implements Load {
  private final List<Node> nodes = new ArrayList<>();
  private final AtomicInteger[] open;
  private final long[] started;
  private final ByteBuffer template;
  private final int window;
  private final Meter meter;
  private final CountDownLatch first;
  private volatile boolean ended;

  SegmentSyncLoad(
      Path path,
      int nodeCount,
      int partitions,
      int window,
      int batchBytes,
      int threads,
      Meter meter) {
    ByteBuffer batch = BenchNode.batch(batchBytes);
    this.template = ByteBuffer.allocateDirect(batch.remaining()).put(batch).flip();
    this.window = window;
    this.meter = meter;
    this.first = new CountDownLatch(partitions);
    this.open = new AtomicInteger[partitions];
    this.started = new long[partitions];
    for (int i = 0; i < partitions; i++) {
      open[i] = new AtomicInteger();
    }
    for (int i = 0; i < nodeCount; i++) {
      nodes.add(new Node(path.resolve("node-" + i), partitions, threads));
    }
  }

  private final class Node {
    private final FileChannel[] files;
    private final BlockingQueue<Integer> queue;
    private final List<Thread> pool = new ArrayList<>();

    private Node(Path path, int partitions, int threads) {
      files = new FileChannel[partitions];
      queue = new ArrayBlockingQueue<>(partitions + threads);
      try {
        for (int i = 0; i < partitions; i++) {
          Path directory = Files.createDirectories(path.resolve("partition-" + i));
          files[i] =
              FileChannel.open(
                  directory.resolve("00000000000000000000.log"),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      for (int i = 0; i < threads; i++) {
        pool.add(new Thread(this::work, "sync-" + i));
      }
    }

    private void work() {
      ByteBuffer bytes = template.duplicate();
      try {
        while (true) {
          int partition = queue.take();
          if (partition < 0) {
            return;
          }
          for (int i = 0; i < window; i++) {
            files[partition].write(bytes.rewind());
          }
          files[partition].force(false);
          onSynced(partition);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private void stop() {
      try {
        for (int i = 0; i < pool.size(); i++) {
          queue.put(-1);
        }
        for (Thread thread : pool) {
          thread.join();
        }
        for (FileChannel file : files) {
          file.close();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private void onSynced(int partition) throws InterruptedException {
    if (open[partition].decrementAndGet() == 0) {
      // The queue keeps the order: the first so many are of so many partitions.
      first.countDown();
      for (int i = 0; i < window; i++) {
        meter.acknowledged(1, started[partition]);
      }
      begin(partition);
    }
  }

  private void begin(int partition) throws InterruptedException {
    if (!ended) {
      started[partition] = System.nanoTime();
      open[partition].set(nodes.size());
      for (Node node : nodes) {
        node.queue.put(partition);
      }
    }
  }

  @Override
  public void start() {
    nodes.forEach(node -> node.pool.forEach(Thread::start));
    try {
      for (int i = 0; i < open.length; i++) {
        begin(i);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void awaitAll() {
    Load.await(first);
  }

  @Override
  public void close() {
    ended = true;
    nodes.forEach(Node::stop);
  }
}
