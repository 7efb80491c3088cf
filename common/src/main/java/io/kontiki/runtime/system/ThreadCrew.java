package io.kontiki.runtime.system;

import io.kontiki.runtime.Crew;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;

/** The calling thread and others beside it, which live no longer than the work. */
public final class ThreadCrew implements Crew {
  private final String name;
  private final int threads;

  /**
   * @param name of the threads
   * @param threads at work at most, the caller's among them; at least one
   */
  public ThreadCrew(String name, int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("a crew of " + threads + " threads");
    }
    this.name = name;
    this.threads = threads;
  }

  @Override
  public void each(int count, IntConsumer work) {
    AtomicInteger next = new AtomicInteger();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Runnable member = () -> work(count, work, next, failure);
    List<Thread> others = new ArrayList<>();
    for (int i = 1; i < Math.min(threads, count); i++) {
      Thread other = new Thread(member, name + "-" + i);
      other.setDaemon(true);
      other.start();
      others.add(other);
    }
    member.run();
    others.forEach(ThreadCrew::join);
    Throwable thrown = failure.get();
    if (thrown instanceof RuntimeException e) {
      throw e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
  }

  private static void work(
      int count, IntConsumer work, AtomicInteger next, AtomicReference<Throwable> failure) {
    try {
      for (int i = next.getAndIncrement();
          i < count && failure.get() == null;
          i = next.getAndIncrement()) {
        work.accept(i);
      }
    } catch (RuntimeException | Error e) {
      failure.compareAndSet(null, e);
    }
  }

  /** Not to be left before its work has ended, whoever interrupts. */
  private static void join(Thread other) {
    boolean interrupted = false;
    while (true) {
      try {
        other.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
