package io.kontiki.broker.api;

import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The requests of one stream. Those that touch the same partition are appended in the order sent:
 * one is handed on only when none before it touches a partition of its own, because a request that
 * waits for a new leader must not be overtaken by the next one (promise P5). Others run side by
 * side. Lives on one loop.
 */
public final class ProduceSession {
  private final RecordProduce produce;
  private final EventLoop loop;
  private final ArrayDeque<Runnable> unprepared = new ArrayDeque<>();
  private final Map<PartitionId, ArrayDeque<Entry>> lines = new TreeMap<>();
  private boolean preparing;
  private boolean draining;
  private int open;

  private static final class Entry {
    final CallContext call;
    final ProducePlan plan;
    final Completion<ProduceAnswer> completion;
    final List<PartitionId> touches = new ArrayList<>();
    int behind;

    Entry(CallContext call, ProducePlan plan, Completion<ProduceAnswer> completion) {
      this.call = call;
      this.plan = plan;
      this.completion = completion;
      plan.batches().keySet().forEach(p -> touches.add(new PartitionId(plan.topicId(), p)));
    }
  }

  public ProduceSession(RecordProduce produce, EventLoop loop) {
    this.produce = produce;
    this.loop = loop;
  }

  /** Requests that are not answered yet. */
  public int open() {
    return open;
  }

  /**
   * Takes the next request of the stream.
   *
   * @param completion called once, when this request has ended; on the loop
   */
  public void submit(ProduceRequest request, Completion<ProduceAnswer> completion) {
    open++;
    CallContext arrived = CallContext.within(loop, CallContext.DEFAULT_TIMEOUT_NANOS);
    unprepared.add(
        () ->
            produce.prepare(
                arrived,
                request,
                prepared -> {
                  preparing = false;
                  if (prepared instanceof Result.Ok<ProducePlan> plan) {
                    enter(new Entry(arrived, plan.value(), completion));
                  } else {
                    finish(
                        completion,
                        new ProduceAnswer.Failed(((Result.Err<ProducePlan>) prepared).error()));
                  }
                  prepareNext();
                }));
    prepareNext();
  }

  /** One at a time: a look-up that takes long must not let later requests pass. */
  private void prepareNext() {
    if (draining) {
      return; // answered at once: the loop below goes on
    }
    draining = true;
    while (!preparing && !unprepared.isEmpty()) {
      preparing = true;
      unprepared.remove().run();
    }
    draining = false;
  }

  private void enter(Entry entry) {
    for (PartitionId partition : entry.touches) {
      ArrayDeque<Entry> line = lines.computeIfAbsent(partition, p -> new ArrayDeque<>(2));
      if (!line.isEmpty()) {
        entry.behind++;
      }
      line.add(entry);
    }
    if (entry.behind == 0) {
      hand(entry);
    }
  }

  private void hand(Entry entry) {
    produce.append(
        entry.call,
        entry.plan,
        answer -> {
          List<Entry> free = new ArrayList<>();
          for (PartitionId partition : entry.touches) {
            leave(partition, free);
          }
          finish(entry.completion, answer);
          free.forEach(this::hand);
        });
  }

  private void leave(PartitionId partition, List<Entry> free) {
    ArrayDeque<Entry> line = lines.get(partition);
    if (line == null) {
      throw new IllegalStateException("no request is under way for " + partition);
    }
    line.remove();
    if (line.isEmpty()) {
      lines.remove(partition);
    } else if (--line.element().behind == 0) {
      free.add(line.element());
    }
  }

  private void finish(Completion<ProduceAnswer> completion, ProduceAnswer answer) {
    open--;
    completion.complete(answer);
  }
}
