package io.kontiki.broker.partition;

import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * What is left of a log when its process dies (the page cache), or when the machine loses power
 * (what was synced, and perhaps some more).
 */
final class TestDisk {
  /** One batch; its bytes do not change any more. */
  record Entry(long base, long next, int epoch, ByteBuffer bytes) {}

  /** A whole log at one time. */
  record Content(long start, List<Entry> entries, TreeMap<Integer, Long> epochs) {
    static Content empty() {
      return new Content(0, List.of(), new TreeMap<>());
    }

    Content copy() {
      return new Content(start, new ArrayList<>(entries), new TreeMap<>(epochs));
    }

    long end() {
      return entries.isEmpty() ? start : entries.get(entries.size() - 1).next();
    }
  }

  Content cached = Content.empty();
  Content synced = Content.empty();
  long checkpointedHighWatermark;

  /** kill -9: the page cache stays; recovery syncs it (rule D10). */
  void processDied() {
    synced = cached.copy();
  }

  /** Power cut: cut bytes come back if the truncation was not synced (rule D8). */
  void powerLost(SeededRandom random) {
    List<Entry> kept = new ArrayList<>(synced.entries);
    boolean grown =
        cached.start == synced.start
            && cached.entries.size() >= kept.size()
            && cached.entries.subList(0, kept.size()).equals(kept);
    TreeMap<Integer, Long> epochs = new TreeMap<>();
    if (grown && cached.entries.size() > kept.size()) {
      int more = random.nextInt(cached.entries.size() - kept.size() + 1);
      kept.addAll(cached.entries.subList(kept.size(), kept.size() + more));
    }
    long end = kept.isEmpty() ? synced.start : kept.get(kept.size() - 1).next();
    (grown ? cached : synced)
        .epochs.forEach(
            (epoch, start) -> {
              if (start < end || (synced.epochs.containsKey(epoch) && start <= end)) {
                epochs.put(epoch, start);
              }
            });
    synced = new Content(synced.start, kept, epochs);
    cached = synced.copy();
  }
}
