package io.kontiki.kafka.api;

import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.ListOffset;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Completion;

/**
 * Finds the first record with the greatest timestamp of a partition, by doubling and halving: each
 * question is for a record that is younger than the youngest so far. Takes some dozens of them,
 * which only tools of operators ask for.
 */
final class GreatestTime {
  private final PartitionRequests partitions;
  private final PartitionId partition;
  private final long deadlineNanos;
  private final Completion<OffsetAnswer> completion;

  /** The youngest record that was found; none: -1. */
  private OffsetAnswer.Found youngest = new OffsetAnswer.Found(-1, -1, -1);

  /** No record is as young as this. */
  private long above = Long.MAX_VALUE;

  /** How far behind the youngest one the next question goes while {@code above} is not known. */
  private long step = 1000;

  GreatestTime(
      PartitionRequests partitions,
      PartitionId partition,
      long deadlineNanos,
      Completion<OffsetAnswer> completion) {
    this.partitions = partitions;
    this.partition = partition;
    this.deadlineNanos = deadlineNanos;
    this.completion = completion;
  }

  void start() {
    ask(0);
  }

  private void ask(long time) {
    partitions.listOffset(
        new ListOffset(partition, new OffsetQuery.AtTime(time), deadlineNanos, Route.LOCAL),
        answer -> onAnswer(time, answer));
  }

  private void onAnswer(long asked, OffsetAnswer answer) {
    if (answer instanceof OffsetAnswer.Failed) {
      completion.complete(answer);
      return;
    }
    OffsetAnswer.Found found = (OffsetAnswer.Found) answer;
    if (found.timestampMs() < 0) {
      above = asked;
    } else if (found.timestampMs() > youngest.timestampMs() || youngest.offset() < 0) {
      youngest = found;
    }
    long low = youngest.timestampMs() + 1;
    if (youngest.offset() < 0 || low >= above) {
      completion.complete(youngest);
    } else if (above == Long.MAX_VALUE) {
      long next = low + step;
      step = step > Long.MAX_VALUE / 2 ? step : step * 2;
      ask(next < low ? Long.MAX_VALUE - 1 : next);
    } else {
      ask(low + (above - low) / 2);
    }
  }
}
