package io.kontiki.raft.jraft;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads that all groups of a transport share; idle ones end by themselves, except the timer.
 *
 * @param timer runs nothing that waits
 * @param requests votes, reads and snapshots of peers; installing a snapshot holds one for as long
 *     as the download lasts
 * @param appends entries of peers, one stream after the other
 * @param background dials, elections, snapshots being written
 */
record RaftThreads(
    ScheduledThreadPoolExecutor timer,
    ThreadPoolExecutor requests,
    ThreadPoolExecutor appends,
    ThreadPoolExecutor background) {
  private static final int MAX_QUEUED = 1024;
  private static final int IDLE_SECONDS = 10;

  static RaftThreads start(int nodeId) {
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(1, daemon("raft-clock-" + nodeId));
    timer.setRemoveOnCancelPolicy(true);
    return new RaftThreads(
        timer,
        pool(8, "raft-request-" + nodeId),
        pool(4, "raft-append-" + nodeId),
        pool(6, "raft-background-" + nodeId));
  }

  private static ThreadPoolExecutor pool(int threads, String name) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MAX_QUEUED),
            daemon(name));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  static ThreadFactory daemon(String name) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, name + "-" + count.getAndIncrement());
      thread.setDaemon(true);
      return thread;
    };
  }

  void stop() {
    timer.shutdownNow();
    requests.shutdownNow();
    appends.shutdownNow();
    background.shutdownNow();
  }
}
