package io.kontiki.chaos.model;

import java.util.Map;
import java.util.TreeMap;

/** Where the epochs of a log begin. */
final class EpochCache {
  private final Rules rules;
  private final TreeMap<Integer, Integer> starts = new TreeMap<>();

  EpochCache(Rules rules) {
    this.rules = rules;
  }

  /** An epoch that is known to be not greater than one asked for, and where it ends. */
  record EpochEnd(int epoch, int endOffset) {}

  boolean isEmpty() {
    return starts.isEmpty();
  }

  int newest() {
    return starts.lastKey();
  }

  void put(int epoch, int start) {
    if (rules.on(Rule.CACHE_MONOTONE)) {
      while (!isEmpty() && (newest() >= epoch || starts.lastEntry().getValue() >= start)) {
        starts.pollLastEntry();
      }
      starts.put(epoch, start);
    } else if (isEmpty() || newest() < epoch) {
      starts.put(epoch, start);
    }
  }

  void truncate(int end) {
    while (!isEmpty() && starts.lastEntry().getValue() >= end) {
      starts.pollLastEntry();
    }
  }

  void clear() {
    starts.clear();
  }

  boolean knowsUpTo(int epoch) {
    return starts.floorKey(epoch) != null;
  }

  EpochEnd endOf(int epoch, int logEnd) {
    Integer known = starts.floorKey(epoch);
    if (known == null) {
      return new EpochEnd(epoch, isEmpty() ? logEnd : starts.firstEntry().getValue());
    }
    Map.Entry<Integer, Integer> next = starts.higherEntry(known);
    return new EpochEnd(known, next == null ? logEnd : next.getValue());
  }
}
