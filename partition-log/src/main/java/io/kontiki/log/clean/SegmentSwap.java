package io.kontiki.log.clean;

import io.kontiki.log.segment.OpenFiles;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.runtime.FileStore;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Puts a compacted segment in the place of those it was made from: after a stop at any point a
 * start finds all the old ones or the new one.
 *
 * <ol>
 *   <li>The files of the new segment have been written as {@code .cleaned} and synced, names
 *       included. A start that finds them, and nothing below, deletes them.
 *   <li>{@code <base>.log.cleaned} becomes {@code <base>.log.<end>.swap}, the end offset with 20
 *       digits; the directory is synced. From here on the new segment counts: a start that finds
 *       the name goes on with the next step.
 *   <li>The old segments that begin behind the base and before the end go, with their indexes; the
 *       new indexes take the place of those of the base; the directory is synced. Not together with
 *       the next step: a power cut could keep that and bring the old segments back beside the new
 *       one.
 *   <li>{@code <base>.log.<end>.swap} becomes {@code <base>.log}, over the old one; the directory
 *       is synced.
 * </ol>
 *
 * <p>Thread-safe: whoever comes first does it, whoever comes meanwhile waits.
 */
public final class SegmentSwap {
  static final String[] SUFFIXES = {SegmentFiles.LOG, SegmentFiles.INDEX, SegmentFiles.TIME_INDEX};

  private final FileStore store;
  private final OpenFiles files;
  private final String directory;
  private final long baseOffset;
  private final long endOffset;
  private final Runnable before;
  private boolean begun;
  private boolean done;

  /**
   * Step 1 has been done.
   *
   * @param endOffset of the last old segment, exclusive: where the next one begins
   * @param before writes what else must be durable before step 2; the directory is synced after it
   */
  public SegmentSwap(
      FileStore store,
      OpenFiles files,
      String directory,
      long baseOffset,
      long endOffset,
      Runnable before) {
    this.store = store;
    this.files = files;
    this.directory = directory;
    this.baseOffset = baseOffset;
    this.endOffset = endOffset;
    this.before = before;
  }

  /** Steps 2 to 4. Blocks for some syncs of the directory; does nothing the second time. */
  public synchronized void run() {
    if (done) {
      return;
    }
    before.run();
    store.syncDirectory(directory);
    begun = true;
    store.rename(path(SegmentFiles.LOG) + SegmentFiles.CLEANED, swapPath());
    store.syncDirectory(directory);
    finish();
    done = true;
  }

  /** Whether step 2 has begun: only before that a failure leaves everything as it was. */
  public synchronized boolean hasBegun() {
    return begun;
  }

  private void finish() {
    for (String name : store.list(directory)) {
      for (String suffix : SUFFIXES) {
        OptionalLong base = SegmentFiles.offsetOf(name, suffix);
        if (base.isPresent() && base.getAsLong() > baseOffset && base.getAsLong() < endOffset) {
          delete(directory + "/" + name);
        }
      }
    }
    for (String suffix : SUFFIXES) {
      String cleaned = path(suffix) + SegmentFiles.CLEANED;
      if (!suffix.equals(SegmentFiles.LOG) && store.exists(cleaned)) {
        store.rename(cleaned, path(suffix));
      }
    }
    store.syncDirectory(directory);
    store.rename(swapPath(), path(SegmentFiles.LOG));
    for (String suffix : SUFFIXES) {
      files.forget(path(suffix));
    }
    store.syncDirectory(directory);
  }

  private void delete(String path) {
    files.forget(path);
    store.delete(path);
    files.forget(path);
  }

  private String path(String suffix) {
    return SegmentFiles.path(directory, baseOffset, suffix);
  }

  private String swapPath() {
    return SegmentFiles.swapPath(directory, baseOffset, endOffset);
  }

  /**
   * What a stop left half-way is finished, or undone if it had not come to step 2. Blocks.
   *
   * @param names in the directory
   * @return whether other names are there now
   */
  public static boolean recover(
      FileStore store, OpenFiles files, String directory, List<String> names) {
    List<SegmentFiles.Swap> swaps = SegmentFiles.swaps(names);
    for (SegmentFiles.Swap found : swaps) {
      new SegmentSwap(store, files, directory, found.baseOffset(), found.endOffset(), () -> {})
          .finish();
    }
    List<String> left = new ArrayList<>();
    for (String name : swaps.isEmpty() ? names : store.list(directory)) {
      if (name.endsWith(SegmentFiles.CLEANED)) {
        left.add(directory + "/" + name);
      }
    }
    left.forEach(store::delete);
    if (!left.isEmpty()) {
      files.markDirectory(directory);
    }
    return !swaps.isEmpty() || !left.isEmpty();
  }
}
