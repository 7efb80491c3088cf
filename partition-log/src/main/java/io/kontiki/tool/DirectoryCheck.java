package io.kontiki.tool;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.JournalReader;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.OpenFiles;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Checks a log directory that nobody uses: every batch as a read does (rule L2), indexes against
 * their segments, checkpoint and journal. Changes nothing.
 *
 * <p>What lies at or behind the recovery point of a log has not been synced for certain: the next
 * start replays the journal over it and cuts a torn tail (rule L3). It is reported as a tail, not
 * as damage.
 */
final class DirectoryCheck {
  private static final int OPEN_FILES = 64;

  private final FileStore store;
  private final OpenFiles files;
  private final Report report;
  private int segments;
  private int damages;
  private int tails;
  private long bytes;

  DirectoryCheck(FileStore store, Report report) {
    this.store = store;
    this.files = new OpenFiles(store, OPEN_FILES);
    this.report = report;
  }

  /** Checks and prints; false if there is damage. */
  boolean run() {
    Map<PartitionId, LogCheckpoint.Entry> rows = checkpoint();
    TreeSet<PartitionId> partitions = new TreeSet<>();
    for (String name : store.list("")) {
      try {
        partitions.add(PartitionId.parseDirectoryName(name));
      } catch (IllegalArgumentException e) {
        // Not of a partition.
      }
    }
    partitions.forEach(id -> partition(id.directoryName(), rows.get(id)));
    files.close();
    Map<String, Object> total = new LinkedHashMap<>();
    total.put("partitions", partitions.size());
    total.put("segments", segments);
    total.put("bytes", bytes);
    total.put("damages", damages);
    total.put("tails", tails);
    report.line(damages == 0 ? "good" : "damaged", total);
    return damages == 0;
  }

  private Map<PartitionId, LogCheckpoint.Entry> checkpoint() {
    try {
      Optional<LogCheckpoint> found = LogCheckpoint.read(store);
      if (found.isEmpty()) {
        return new TreeMap<>();
      }
      JournalReader journal = new JournalReader(store, found.get().positions());
      journal.replay((entry, sequence) -> {});
      if (journal.damaged()) {
        damage("journal", -1, -1, "a record that had been durable cannot be read");
      }
      return found.get().logs();
    } catch (StorageException e) {
      damage(e);
      return new TreeMap<>();
    }
  }

  private void partition(String directory, LogCheckpoint.@Nullable Entry row) {
    LongToIntFunction epochs = offset -> SegmentReader.ANY_EPOCH;
    try {
      epochs =
          EpochHistory.read(store, directory)
              .map(history -> EpochHistory.lookUp(history.entries()))
              .orElse(epochs);
    } catch (StorageException e) {
      damage(e);
    }
    if (row != null && row.epochs().isPresent()) {
      epochs = EpochHistory.lookUp(row.epochs().get());
    }
    TreeSet<Long> bases = new TreeSet<>();
    List<String> names = store.list(directory);
    for (String name : names) {
      SegmentFiles.offsetOf(name, SegmentFiles.LOG).ifPresent(bases::add);
    }
    TreeMap<Long, String> swaps = new TreeMap<>();
    for (SegmentFiles.Swap swap : SegmentFiles.swaps(names)) {
      // The next start ends what a stop left half-way: it replaces what it covers.
      bases.subSet(swap.baseOffset(), swap.endOffset()).clear();
      bases.add(swap.baseOffset());
      swaps.put(
          swap.baseOffset(), SegmentFiles.swapPath(directory, swap.baseOffset(), swap.endOffset()));
    }
    long synced = row == null ? 0 : row.recoveryPoint();
    for (long base : bases) {
      Long next = bases.higher(base);
      String swap = swaps.get(base);
      String path = swap != null ? swap : SegmentFiles.path(directory, base, SegmentFiles.LOG);
      try {
        long size = files.use(path, FileStore.File::size);
        segments++;
        bytes += size;
        LongToIntFunction known = epochs;
        SegmentReader.View view =
            new SegmentReader.View(
                directory,
                base,
                next == null ? SegmentReader.UNKNOWN_END : next,
                size,
                OffsetIndex.Anchor.START,
                // Behind it the file of epochs may be older than the segment.
                offset -> offset < synced ? known.applyAsInt(offset) : SegmentReader.ANY_EPOCH,
                true);
        if (swap != null) {
          compacted(view, swap);
        } else {
          segment(view, synced);
          index(view, synced);
        }
      } catch (StorageException e) {
        damage(e);
      }
    }
  }

  /** One that has not got its name yet; all of it was durable before it got the present one. */
  private void compacted(SegmentReader.View view, String path) {
    files.use(
        path,
        file -> {
          BatchWalker walker = new BatchWalker(file, 0, view.sizeBytes());
          long due = view.baseOffset();
          while (walker.next(0, 0, false)) {
            String fault =
                walker.loadWhole()
                    ? SegmentReader.fault(walker.batch(), view, due)
                    : "the file ends inside the batch";
            if (!fault.isEmpty()) {
              damage(path, walker.position(), due, fault);
              return false;
            }
            due = walker.batch().nextOffset();
          }
          if (!walker.fault().isEmpty() || due != view.endOffset()) {
            damage(path, walker.position(), due, walker.fault());
          }
          return true;
        });
  }

  private void segment(SegmentReader.View view, long synced) {
    long position = 0;
    long offset = view.baseOffset();
    while (true) {
      SegmentReader.Checked checked =
          new SegmentReader(files).check(view, position, offset, Long.MAX_VALUE);
      SegmentReader.Damage found = checked.damage();
      if (found == null) {
        return;
      }
      if (found.offset() >= synced) {
        tails++;
        report.line("tail", where(view.path(), found.position(), found.offset(), found.what()));
        return;
      }
      damage(view.path(), found.position(), found.offset(), found.what());
      SegmentReader.Found behind = behind(view, found);
      if (behind == null) {
        return;
      }
      position = behind.position();
      offset = behind.baseOffset();
    }
  }

  /** Where a walk may go on behind damage: an index entry whose batch agrees, or null. */
  private SegmentReader.@Nullable Found behind(
      SegmentReader.View view, SegmentReader.Damage damage) {
    OffsetIndex index = indexOf(view);
    for (OffsetIndex.Anchor anchor : index.anchors()) {
      if (anchor.position() > damage.position() && anchor.position() < view.sizeBytes()) {
        SegmentReader.Found found = new SegmentReader(files).at(view, anchor.position());
        if (found != null && found.nextOffset() == anchor.lastOffset() + 1) {
          return found;
        }
      }
    }
    return null;
  }

  private OffsetIndex indexOf(SegmentReader.View view) {
    String path = SegmentFiles.path(view.directory(), view.baseOffset(), SegmentFiles.INDEX);
    if (!store.exists(path)) {
      return new OffsetIndex(view.baseOffset());
    }
    ByteBuffer content =
        files.use(
            path,
            file -> {
              ByteBuffer all = ByteBuffer.allocate((int) Math.min(file.size(), 64 << 20));
              file.read(all, 0);
              return all.flip();
            });
    return OffsetIndex.decode(view.baseOffset(), content, Long.MAX_VALUE, Long.MAX_VALUE);
  }

  private void index(SegmentReader.View view, long synced) {
    String path = SegmentFiles.path(view.directory(), view.baseOffset(), SegmentFiles.INDEX);
    int place = 0;
    for (OffsetIndex.Anchor anchor : indexOf(view).anchors()) {
      SegmentReader.Found found =
          anchor.position() < view.sizeBytes()
              ? new SegmentReader(files).at(view, anchor.position())
              : null;
      if (anchor.lastOffset() < synced
          && (found == null || found.nextOffset() != anchor.lastOffset() + 1)) {
        damage(
            path,
            (long) place * OffsetIndex.ENTRY_BYTES,
            anchor.lastOffset(),
            "no batch of the segment at " + anchor.position() + " ends with this offset");
      }
      place++;
    }
  }

  private void damage(StorageException e) {
    damage(e.path(), e.position(), -1, String.valueOf(e.getMessage()));
  }

  private void damage(String file, long position, long offset, String what) {
    damages++;
    report.line("damage", where(file, position, offset, what));
  }

  private static Map<String, Object> where(String file, long position, long offset, String what) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("file", file);
    fields.put("position", position);
    fields.put("offset", offset);
    fields.put("what", what);
    return fields;
  }
}
