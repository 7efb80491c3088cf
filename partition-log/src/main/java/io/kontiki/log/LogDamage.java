package io.kontiki.log;

import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.log.segment.SegmentReader.Damage;
import io.kontiki.log.segment.SegmentReader.View;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Damage of one log while it runs (rule D9): from the first bad batch on nothing is served until
 * good bytes lie there again. Belongs to the log's loop.
 *
 * <p>Mending overwrites the bad bytes in place with those of another replica; sizes are equal,
 * since a batch has the same bytes on every replica. So neither index, journal, checkpoint nor any
 * other byte is concerned, and a crash at any point leaves damage that is found and mended again:
 *
 * <ol>
 *   <li>Off the loop the batches are checked and the bad bytes kept aside, in {@code
 *       <segment>.log.<position>.damaged}.
 *   <li>On the loop, unless the log was cut meanwhile (rule R41), they are written.
 *   <li>Off the loop the file is synced, and what lies behind is checked.
 *   <li>On the loop the damage is over, or begins further behind.
 * </ol>
 *
 * <p>Replicas compact each for itself (rule L6), so another one may have other bytes: in a log that
 * is compacted only those count that are known to be what lay here. Else the log is cut at the
 * damage and fetched again, as after a recovery that found it.
 */
final class LogDamage {
  private static final Logger LOG = LoggerFactory.getLogger(LogDamage.class);

  private static final long CHECK_BYTES = 1 << 20;

  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;
  private final LogReads reads;
  private boolean beyondMending;

  LogDamage(LogShared shared, LoopLogs home, SegmentedLog log, LogState state, LogReads reads) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
    this.reads = reads;
  }

  /** Where a check goes on. */
  record Place(long segment, long position, long offset) {
    static final Place START = new Place(-1, 0, 0);
  }

  /** A read or a check found bad bytes. */
  void onFound(Damage found) {
    if (state.gone || found.offset() >= state.unreadableFrom()) {
      return;
    }
    boolean first = state.damage == null;
    state.damage = found;
    state.doubtful = true;
    shared.counters.onDamage(first);
    LOG.warn(
        "{}: damaged at offset {} ({} at {}): {}; nothing from there on is served until it is"
            + " mended (D9)",
        state,
        found.offset(),
        SegmentFiles.path(state.meta.id().directoryName(), found.baseOffset(), SegmentFiles.LOG),
        found.position(),
        found.what());
    home.markDirty(log);
    log.listener().onDamaged(found.offset());
  }

  Optional<PartitionLog.Damage> current() {
    long from = state.unreadableFrom();
    return from == Long.MAX_VALUE
        ? Optional.empty()
        : Optional.of(new PartitionLog.Damage(from, state.damagedFrom < 0 && !beyondMending));
  }

  /** The log was cut: what lay behind is no concern. */
  void onTruncated(long offset) {
    if (state.damage != null && state.damage.offset() >= offset) {
      over();
    }
  }

  /**
   * What lies before the log's start is no concern; if it hides what lies behind, a read says so.
   */
  void onLogStart(long start) {
    if (state.damage != null && state.damage.offset() < start) {
      over();
    }
  }

  /** The segments of this log that are not there any more take their damage along. */
  void onRemoved() {
    if (state.damage != null && !state.segments.containsKey(state.damage.baseOffset())) {
      over();
    }
  }

  /** Compaction has read what lay there without a fault, and written it anew. */
  void onReplaced(long baseOffset, long endOffset) {
    if (state.damage != null
        && state.damage.baseOffset() >= baseOffset
        && state.damage.baseOffset() < endOffset) {
      over();
    }
  }

  private void over() {
    state.damage = null;
    beyondMending = false;
    shared.counters.onDamageOver();
  }

  /** See {@link PartitionLog#mend}. */
  void mend(List<ByteBuffer> batches, Completion<Optional<PartitionLog.Damage>> completion) {
    Damage damage = state.damage;
    Segment segment = damage == null ? null : state.segments.get(damage.baseOffset());
    if (damage == null || segment == null || log.isCutting()) {
      completion.complete(current());
      return;
    }
    View view = reads.view(segment, damage.offset());
    long truncations = state.truncations;
    shared.reads.execute(
        () -> {
          if (shared.isOffline() || shared.isClosed()) {
            return;
          }
          try {
            Damage first = firstIn(view);
            if (first == null || first.position() != damage.position()) {
              home.loop.execute(() -> onOther(damage, first, truncations, completion));
              return;
            }
            Patch patch = Patch.of(shared, view, damage, batches);
            if (!patch.bytes.isEmpty()) {
              maybeKeepAside(view, damage, patch);
            }
            home.loop.execute(
                () -> shared.guard(() -> write(view, damage, patch, truncations, completion)));
          } catch (StorageException e) {
            home.loop.execute(() -> onFailure(e, truncations, segment));
          }
        });
  }

  /** A header that lies can make the batch behind it look bad: only checksums tell the first. */
  private @Nullable Damage firstIn(View view) {
    return shared.reader.check(view, 0, view.baseOffset(), Long.MAX_VALUE).damage();
  }

  private void onOther(
      Damage damage,
      @Nullable Damage first,
      long truncations,
      Completion<Optional<PartitionLog.Damage>> completion) {
    if (!state.gone && truncations == state.truncations && damage.equals(state.damage)) {
      if (first == null) {
        LOG.info("{}: what was damaged at offset {} is good now", state, damage.offset());
        over();
      } else {
        state.damage = first;
      }
    }
    completion.complete(current());
  }

  /** A full disk is no reason to leave the log damaged: the copy is for people only. */
  private void maybeKeepAside(View view, Damage damage, Patch patch) {
    try {
      keepAside(view, damage, patch);
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.NO_SPACE) {
        throw e;
      }
      LOG.warn("{}: no space to keep the damaged bytes aside: {}", state, e.getMessage());
    }
  }

  private void keepAside(View view, Damage damage, Patch patch) {
    ByteBuffer bad =
        ByteBuffer.allocate(
            (int) Math.max(0, Math.min(patch.position, view.sizeBytes()) - damage.position()));
    shared.files.use(view.path(), file -> file.read(bad, damage.position()));
    shared.files.replace(view.path() + "." + damage.position() + SegmentFiles.DAMAGED, bad.flip());
    shared.files.markDirectory(view.directory());
  }

  private void write(
      View view,
      Damage damage,
      Patch patch,
      long truncations,
      Completion<Optional<PartitionLog.Damage>> completion) {
    if (isCompacted() && !patch.isCertain(damage.offset() < state.mark.cleanedTo())) {
      LOG.warn(
          "{}: other replicas may have other bytes at offset {}, the log is compacted: it is cut there"
              + " and fetched again",
          state,
          damage.offset());
      beyondMending |= damage.equals(state.damage);
      completion.complete(current());
      return;
    }
    if (!patch.fault.isEmpty()) {
      LOG.warn("{}: cannot be mended at offset {}: {}", state, damage.offset(), patch.fault);
    }
    Segment segment = state.segments.get(view.baseOffset());
    if (state.gone
        || truncations != state.truncations
        || segment == null
        || patch.bytes.isEmpty()
        || !damage.equals(state.damage)) {
      completion.complete(current());
      return;
    }
    try {
      shared.files.write(view.path(), patch.bytes, damage.position());
    } catch (StorageException e) {
      // It had lost its end, and there is no room for it: tried again later.
      shared.offlineUnlessFull(e);
      completion.complete(current());
      return;
    }
    if (patch.position > segment.sizeBytes()) {
      // It had lost its end.
      segment.noteSize(patch.position);
    }
    shared.reads.execute(() -> finish(view, damage, patch, truncations, completion));
  }

  private boolean isCompacted() {
    return state.settings.compaction() != null || state.mark.cleanedTo() > 0;
  }

  private void finish(
      View view,
      Damage damage,
      Patch patch,
      long truncations,
      Completion<Optional<PartitionLog.Damage>> completion) {
    if (shared.isOffline() || shared.isClosed()) {
      return;
    }
    try {
      if (shared.files.sync(view.path())) {
        shared.counters.onFileSync();
      }
    } catch (StorageException e) {
      shared.goOffline(e);
      return;
    }
    home.loop.execute(() -> onMended(view, damage, patch, truncations, completion));
  }

  private void onMended(
      View view,
      Damage damage,
      Patch patch,
      long truncations,
      Completion<Optional<PartitionLog.Damage>> completion) {
    if (!state.gone && truncations == state.truncations && damage.equals(state.damage)) {
      if (patch.closed) {
        LOG.info(
            "{}: offsets {} to {} are mended from another replica",
            state,
            damage.offset(),
            patch.offset);
        over();
        shared.counters.onMended();
        checkOn(new Place(view.baseOffset(), patch.position, patch.offset));
      } else {
        state.damage =
            new Damage(view.baseOffset(), patch.position, patch.offset, "not mended yet");
      }
    }
    completion.complete(current());
  }

  /** Checks from a place to the end of the log: where one byte rots, others may. */
  private void checkOn(Place from) {
    check(
        from,
        CHECK_BYTES,
        (next, bytes) -> {
          if (next != null) {
            checkOn(next);
          }
        });
  }

  /** Told on the loop where a check goes on, or null at the end, and how much was read. */
  @FunctionalInterface
  interface Progress {
    void on(@Nullable Place next, long bytes);
  }

  /** Checks a part of the log off the loop; stops at damage, and at what is known of it. */
  void check(Place from, long maxBytes, Progress progress) {
    Map.Entry<Long, Segment> entry = state.segments.ceilingEntry(from.segment);
    if (state.gone || shared.isOffline() || entry == null) {
      progress.on(null, 0);
      return;
    }
    Segment segment = entry.getValue();
    boolean begun = segment.baseOffset() == from.segment;
    long position = begun ? from.position : 0;
    long due = begun ? from.offset : segment.baseOffset();
    if (due >= state.unreadableFrom() || position > segment.sizeBytes()) {
      progress.on(null, 0);
      return;
    }
    View view = reads.view(segment, due);
    long truncations = state.truncations;
    long swaps = state.swaps;
    shared.reads.execute(
        () -> {
          if (shared.isOffline() || shared.isClosed()) {
            return;
          }
          try {
            SegmentReader.Checked checked = shared.reader.check(view, position, due, maxBytes);
            home.loop.execute(
                () -> {
                  if (swaps != state.swaps && !state.gone && truncations == state.truncations) {
                    // It may have met the new file with the measures of the old one.
                    progress.on(new Place(view.baseOffset(), 0, view.baseOffset()), 0);
                  } else {
                    onChecked(view, position, checked, truncations, segment, progress);
                  }
                });
          } catch (StorageException e) {
            home.loop.execute(
                () -> {
                  onFailure(e, truncations, segment);
                  progress.on(null, 0);
                });
          }
        });
  }

  private void onChecked(
      View view,
      long position,
      SegmentReader.Checked checked,
      long truncations,
      Segment segment,
      Progress progress) {
    long bytes = checked.position() - position;
    if (!isCurrent(truncations, segment)) {
      progress.on(null, bytes);
      return;
    }
    if (checked.damage() != null) {
      onFound(checked.damage());
      progress.on(null, bytes);
    } else if (checked.position() < view.sizeBytes()) {
      progress.on(new Place(view.baseOffset(), checked.position(), checked.offset()), bytes);
    } else {
      Long next = state.segments.higherKey(view.baseOffset());
      progress.on(next == null ? null : new Place(next, 0, next), bytes);
    }
  }

  /** Of a segment that went meanwhile nothing is wrong. */
  private void onFailure(StorageException cause, long truncations, Segment segment) {
    if (isCurrent(truncations, segment)) {
      shared.goOffline(cause);
    }
  }

  private boolean isCurrent(long truncations, Segment segment) {
    return !state.gone
        && !shared.isClosed()
        && truncations == state.truncations
        && state.segments.get(segment.baseOffset()) == segment;
  }

  /**
   * Good batches for a damaged range.
   *
   * @param position behind them
   * @param offset behind them
   * @param closed whether a good batch of this log, or the segment's end, follows
   * @param same whether each has the checksum that the bad bytes in its place name
   * @param fault why it ends before, or empty
   */
  private record Patch(
      List<ByteBuffer> bytes,
      long position,
      long offset,
      boolean closed,
      boolean same,
      String fault) {
    private static final int CRC_AT = 17;

    /**
     * Whether it is what lay there, although other replicas may have other bytes.
     *
     * @param compacted whether compaction may have changed what lay there
     */
    boolean isCertain(boolean compacted) {
      return closed && (same || !compacted);
    }

    static Patch of(LogShared shared, View view, Damage damage, List<ByteBuffer> batches) {
      List<ByteBuffer> good = new ArrayList<>();
      long position = damage.position();
      long due = damage.offset();
      boolean same = true;
      for (ByteBuffer each : batches) {
        ByteBuffer bytes = each.slice();
        while (bytes.hasRemaining()) {
          String fault = fault(view, bytes, due);
          if (!fault.isEmpty()) {
            return new Patch(good, position, due, false, same, fault);
          }
          RecordBatch batch = RecordBatch.at(bytes);
          int size = batch.sizeBytes();
          good.add(bytes.slice(bytes.position(), size));
          same &= crcAt(shared, view, position) == batch.crc();
          bytes.position(bytes.position() + size);
          position += size;
          due = batch.nextOffset();
          if ((due == view.endOffset() && position >= view.sizeBytes())
              || isGood(shared, view, position, due)) {
            return new Patch(good, position, due, true, same, "");
          }
        }
      }
      return new Patch(good, position, due, false, same, "");
    }

    private static long crcAt(LogShared shared, View view, long position) {
      ByteBuffer crc = ByteBuffer.allocate(Integer.BYTES);
      shared.files.use(view.path(), file -> file.read(crc, position + CRC_AT));
      return Integer.toUnsignedLong(crc.getInt(0));
    }

    private static String fault(View view, ByteBuffer bytes, long due) {
      if (bytes.remaining() < RecordBatch.HEADER_BYTES) {
        return "only " + bytes.remaining() + " bytes, fewer than a header";
      }
      RecordBatch batch = RecordBatch.at(bytes);
      String fault = BatchWalker.headerFault(batch, bytes.remaining());
      if (fault.isEmpty()) {
        fault = SegmentReader.fault(batch, view, due);
      }
      return fault.isEmpty() && batch.nextOffset() > view.endOffset()
          ? "a batch up to " + batch.nextOffset() + " in a segment up to " + view.endOffset()
          : fault;
    }

    private static boolean isGood(LogShared shared, View view, long position, long due) {
      if (position >= view.sizeBytes()) {
        return false;
      }
      SegmentReader.Checked next = shared.reader.check(view, position, due, 1);
      return next.damage() == null;
    }
  }
}
