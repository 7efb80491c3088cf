package io.kontiki.broker.partition;

import io.kontiki.broker.partition.Requests.Read;
import io.kontiki.broker.partition.Requests.ReadAnswer;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Readers that wait at the high watermark for more. */
final class FetchWaiters {
  private List<Waiter> waiting = new ArrayList<>();

  /** Not later than the earliest deadline. */
  private long nextDeadline = Long.MAX_VALUE;

  /** A reader. */
  record Waiter(Read request, Completion<ReadAnswer> completion) {}

  void add(Waiter waiter) {
    waiting.add(waiter);
    nextDeadline = Math.min(nextDeadline, waiter.request.deadlineNanos());
  }

  /** Takes out all of them: there is something new to look at. */
  List<Waiter> takeAll() {
    if (waiting.isEmpty()) {
      return List.of();
    }
    List<Waiter> all = waiting;
    waiting = new ArrayList<>();
    nextDeadline = Long.MAX_VALUE;
    return all;
  }

  /** Takes out those whose time is up. */
  List<Waiter> expired(long nowNanos) {
    if (nowNanos < nextDeadline) {
      return List.of();
    }
    List<Waiter> done = new ArrayList<>();
    nextDeadline = Long.MAX_VALUE;
    for (Iterator<Waiter> it = waiting.iterator(); it.hasNext(); ) {
      Waiter waiter = it.next();
      if (waiter.request.deadlineNanos() <= nowNanos) {
        done.add(waiter);
        it.remove();
      } else {
        nextDeadline = Math.min(nextDeadline, waiter.request.deadlineNanos());
      }
    }
    return done;
  }

  long nextDeadlineNanos() {
    return waiting.isEmpty() ? Long.MAX_VALUE : nextDeadline;
  }

  int size() {
    return waiting.size();
  }
}
