package io.kontiki.chaos.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A log with what of it is synced. */
final class BrokerLog {
  private final Rules rules;
  private final List<LogEntry> entries = new ArrayList<>();
  private final EpochCache epochs;
  private int synced;
  private int highWatermark;
  private int highWatermarkCheckpoint;

  /** What a truncation cut that is not durable yet: a power cut brings it back (D8). */
  private @Nullable List<LogEntry> beforeCut;

  BrokerLog(Rules rules) {
    this.rules = rules;
    this.epochs = new EpochCache(rules);
  }

  int end() {
    return entries.size();
  }

  LogEntry at(int offset) {
    return entries.get(offset);
  }

  List<LogEntry> entries() {
    return entries;
  }

  EpochCache epochs() {
    return epochs;
  }

  int lastEpoch() {
    return entries.isEmpty() ? -1 : entries.get(end() - 1).epoch();
  }

  int highWatermark() {
    return highWatermark;
  }

  void highWatermark(int offset) {
    highWatermark = offset;
  }

  /** R36: what counts as held. */
  int held() {
    return rules.countsSynced() ? synced : end();
  }

  void append(LogEntry entry) {
    enterEpoch(entry.epoch(), end());
    entries.add(entry);
  }

  private void enterEpoch(int epoch, int offset) {
    if (offset == 0 || entries.get(offset - 1).epoch() != epoch) {
      epochs.put(epoch, offset);
    }
  }

  /** An end behind the log's own is none. */
  void truncate(int end) {
    if (end > end()) {
      return;
    }
    if (end < end()) {
      if (rules.fsync() && beforeCut == null) {
        beforeCut = List.copyOf(entries);
      }
      entries.subList(end, end()).clear();
      synced = Math.min(synced, end);
      highWatermark = Math.min(highWatermark, end);
    }
    epochs.truncate(end);
  }

  void sync() {
    synced = end();
    beforeCut = null;
  }

  /** What must be so before the next fetch. */
  void prepareFetch() {
    if (rules.countsSynced() && synced < end()) {
      synced = end();
    }
    if (rules.on(Rule.TRUNC_DURABLE)) {
      beforeCut = null;
    }
  }

  void checkpoint() {
    highWatermarkCheckpoint = highWatermark;
  }

  /** The process is gone, what it wrote is not. */
  void onKill() {
    highWatermark = Math.min(highWatermarkCheckpoint, end());
    rebuildEpochs();
  }

  /** Any part of what was not synced may be there. */
  void onPowerCut(Random random) {
    if (beforeCut != null) {
      entries.clear();
      entries.addAll(beforeCut);
      beforeCut = null;
    } else {
      int low = Math.min(synced, end());
      int kept = low + (end() > low ? random.nextInt(end() - low + 1) : 0);
      entries.subList(kept, end()).clear();
    }
    synced = end();
    onKill();
  }

  private void rebuildEpochs() {
    epochs.clear();
    for (int offset = 0; offset < end(); offset++) {
      enterEpoch(entries.get(offset).epoch(), offset);
    }
  }

  @Override
  public String toString() {
    return entries.toString();
  }
}
