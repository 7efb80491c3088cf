package io.kontiki.chaos.cluster;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * When records were due and when each had its outcome. Times are those of {@link System#nanoTime}.
 * Any thread.
 */
final class AckTimes {
  private final List<Outcome> outcomes = new ArrayList<>();

  /** When the youngest acknowledged record of each partition was due. */
  private final Map<Integer, Long> latestDue = new TreeMap<>();

  /**
   * One record.
   *
   * @param dueNanos when it was to be sent, whatever then held it up
   * @param endNanos when it was acknowledged, or had failed
   */
  private record Outcome(int partition, long dueNanos, long endNanos, boolean acked) {}

  synchronized void onAck(int partition, long dueNanos, long ackNanos) {
    outcomes.add(new Outcome(partition, dueNanos, ackNanos, true));
    latestDue.merge(partition, dueNanos, (a, b) -> isAfter(a, b) ? a : b);
  }

  synchronized void onFailure(int partition, long dueNanos, long failedNanos) {
    outcomes.add(new Outcome(partition, dueNanos, failedNanos, false));
  }

  /** Whether each of these partitions has acknowledged a record that was due after this time. */
  synchronized boolean allWentOn(Collection<Integer> partitions, long afterNanos) {
    return partitions.stream()
        .map(latestDue::get)
        .allMatch(due -> due != null && isAfter(due, afterNanos));
  }

  /** The first acknowledgement by a partition after this time. */
  synchronized OptionalLong firstAckAfter(int partition, long afterNanos) {
    return outcomes.stream()
        .filter(o -> o.partition == partition && o.acked && isAfter(o.endNanos, afterNanos))
        .mapToLong(o -> o.endNanos)
        .reduce((a, b) -> isAfter(a, b) ? b : a);
  }

  /**
   * How long a time of trouble was for those who wrote. A gap that reaches into it counts whole,
   * from the acknowledgement before it; one that is open at its end counts up to there. To be asked
   * when every record that was due has its outcome, or the waits of those that have none are
   * missing.
   *
   * @param partitions to which records were sent all the time
   */
  synchronized Outage outage(Collection<Integer> partitions, long fromNanos, long toNanos) {
    long strict = 0;
    int worst = -1;
    for (int partition : partitions) {
      long gap = longestGap(List.of(partition), fromNanos, toNanos);
      if (gap > strict || worst < 0) {
        strict = gap;
        worst = partition;
      }
    }
    return new Outage(
        strict, worst, longestGap(partitions, fromNanos, toNanos), longestWait(fromNanos, toNanos));
  }

  private long longestGap(Collection<Integer> partitions, long fromNanos, long toNanos) {
    // Relative to the beginning: values of nanoTime are compared by their difference only.
    long[] acks =
        outcomes.stream()
            .filter(o -> o.acked && partitions.contains(o.partition))
            .mapToLong(o -> o.endNanos - fromNanos)
            .sorted()
            .toArray();
    long end = toNanos - fromNanos;
    long before = 0;
    long longest = 0;
    for (long ack : acks) {
      if (ack > end) {
        break;
      }
      if (ack > 0) {
        longest = Math.max(longest, ack - before);
      }
      before = ack;
    }
    return Math.max(longest, end - before);
  }

  private long longestWait(long fromNanos, long toNanos) {
    return outcomes.stream()
        .filter(o -> isAfter(o.endNanos, fromNanos) && !isAfter(o.dueNanos, toNanos))
        .mapToLong(o -> o.endNanos - o.dueNanos)
        .max()
        .orElse(0);
  }

  private static boolean isAfter(long a, long b) {
    return a - b > 0;
  }
}
