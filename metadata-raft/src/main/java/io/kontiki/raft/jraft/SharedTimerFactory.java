package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.core.Scheduler;
import com.alipay.sofa.jraft.util.SPI;
import com.alipay.sofa.jraft.util.timer.RaftTimerFactory;
import com.alipay.sofa.jraft.util.timer.Timeout;
import com.alipay.sofa.jraft.util.timer.Timer;
import com.alipay.sofa.jraft.util.timer.TimerTask;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Every timer of every Raft group on one small pool. JRaft's own timers are hashed wheels with a
 * tick of 1 ms, four a group (five with read-index): each wakes a thread a thousand times a second,
 * which is nearly all of an idle group's CPU. Tasks take the node's lock and may wait for a
 * connection, hence more than one thread.
 */
@SPI(priority = 100)
public final class SharedTimerFactory implements RaftTimerFactory {
  private static final int THREADS = 3;

  private final ScheduledThreadPoolExecutor pool;
  private final Timer timer;
  private final Scheduler scheduler;

  public SharedTimerFactory() {
    pool = new ScheduledThreadPoolExecutor(THREADS, RaftThreads.daemon("raft-timer"));
    pool.setRemoveOnCancelPolicy(true);
    timer = new PoolTimer();
    scheduler = new PoolScheduler();
  }

  @Override
  public Timer getElectionTimer(boolean shared, String name) {
    return timer;
  }

  @Override
  public Timer getVoteTimer(boolean shared, String name) {
    return timer;
  }

  @Override
  public Timer getStepDownTimer(boolean shared, String name) {
    return timer;
  }

  @Override
  public Timer getSnapshotTimer(boolean shared, String name) {
    return timer;
  }

  @Override
  public Timer createTimer(String name) {
    return timer;
  }

  @Override
  public Scheduler getRaftScheduler(boolean shared, int workers, String name) {
    return scheduler;
  }

  @Override
  public Scheduler createScheduler(int workers, String name) {
    return scheduler;
  }

  private final class PoolTimer implements Timer {
    @Override
    public Timeout newTimeout(TimerTask task, long delay, TimeUnit unit) {
      PoolTimeout timeout = new PoolTimeout(this, task);
      timeout.future = pool.schedule(timeout, delay, unit);
      return timeout;
    }

    @Override
    public Set<Timeout> stop() {
      return Set.of(); // shared by all groups; a stopped group cancels its own timeouts
    }
  }

  private static final class PoolTimeout implements Timeout, Runnable {
    private final Timer timer;
    private final TimerTask task;
    private volatile boolean expired;
    private volatile @Nullable ScheduledFuture<?> future;

    PoolTimeout(Timer timer, TimerTask task) {
      this.timer = timer;
      this.task = task;
    }

    @Override
    public void run() {
      expired = true;
      try {
        task.run(this);
      } catch (Exception e) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
      }
    }

    @Override
    public Timer timer() {
      return timer;
    }

    @Override
    public TimerTask task() {
      return task;
    }

    @Override
    public boolean isExpired() {
      return expired;
    }

    @Override
    public boolean isCancelled() {
      ScheduledFuture<?> scheduled = future;
      return scheduled != null && scheduled.isCancelled();
    }

    @Override
    public boolean cancel() {
      ScheduledFuture<?> scheduled = future;
      return !expired && scheduled != null && scheduled.cancel(false);
    }
  }

  private final class PoolScheduler implements Scheduler {
    @Override
    public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
      return pool.schedule(command, delay, unit);
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(
        Runnable command, long initialDelay, long period, TimeUnit unit) {
      return pool.scheduleAtFixedRate(command, initialDelay, period, unit);
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
        Runnable command, long initialDelay, long delay, TimeUnit unit) {
      return pool.scheduleWithFixedDelay(command, initialDelay, delay, unit);
    }

    @Override
    public void shutdown() {
      // shared by all groups
    }
  }
}
