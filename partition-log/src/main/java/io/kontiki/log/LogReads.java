package io.kontiki.log;

import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.record.CompactedBatch;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads of one log: the hot tail inside the call, the rest through the read pool (rules L1, L2).
 * Belongs to its loop; what runs in the pool sees values only.
 */
final class LogReads {
  /** Fewer are copied: a system call of their own would cost more. */
  private static final int LEAST_RANGE_BYTES = 32 << 10;

  private static final PartitionLog.ReadOutcome NOTHING =
      new PartitionLog.ReadOutcome(List.of(), 0, OptionalLong.empty());
  private static final PartitionLog.TimeLookup NOT_FOUND =
      new PartitionLog.TimeLookup(OptionalLong.empty(), -1, -1, OptionalLong.empty());

  private final LogShared shared;
  private final LoopLogs home;
  private final SegmentedLog log;
  private final LogState state;

  LogReads(LogShared shared, LoopLogs home, SegmentedLog log, LogState state) {
    this.shared = shared;
    this.home = home;
    this.log = log;
    this.state = state;
  }

  void read(
      long offset,
      long limitOffset,
      int maxBytes,
      Completion<PartitionLog.ReadOutcome> completion) {
    read(offset, limitOffset, maxBytes, false, completion);
  }

  /** What is not in memory comes as a range of a file if that is worth it. */
  void readForSending(
      long offset,
      long limitOffset,
      int maxBytes,
      Completion<PartitionLog.ReadOutcome> completion) {
    read(offset, limitOffset, maxBytes, true, completion);
  }

  private void read(
      long offset,
      long limitOffset,
      int maxBytes,
      boolean forSending,
      Completion<PartitionLog.ReadOutcome> completion) {
    if (offset < state.logStart || offset >= limitOffset) {
      completion.complete(NOTHING);
      return;
    }
    long readable = state.unreadableFrom();
    if (offset >= readable) {
      completion.complete(new PartitionLog.ReadOutcome(List.of(), 0, OptionalLong.of(readable)));
    } else {
      Runnable again = () -> read(offset, limitOffset, maxBytes, forSending, completion);
      long limit = Math.min(limitOffset, readable);
      readSound(offset, limit, maxBytes, forSending, completion, again);
    }
  }

  /** Also behind damage that is known (rule D9), unless the log behind it is not (rule L3). */
  void readForReplica(
      long offset,
      long limitOffset,
      int maxBytes,
      Completion<PartitionLog.ReadOutcome> completion) {
    SegmentReader.Damage known = state.damage;
    if (state.damagedFrom < 0
        && known != null
        && offset > known.offset()
        && offset >= state.logStart
        && offset < limitOffset) {
      Runnable again = () -> readForReplica(offset, limitOffset, maxBytes, completion);
      readSound(offset, limitOffset, maxBytes, false, completion, again);
    } else {
      read(offset, limitOffset, maxBytes, completion);
    }
  }

  /** What comes from a file is checked; the hot tail has never been in one (rule L2). */
  private void readSound(
      long offset,
      long limit,
      int maxBytes,
      boolean forSending,
      Completion<PartitionLog.ReadOutcome> completion,
      Runnable again) {
    if (state.tail.has(offset)) {
      completion.complete(outcome(from(offset, state.tail.read(offset, limit, maxBytes))));
      return;
    }
    Segment segment = segmentAt(offset);
    if (segment == null) {
      completion.complete(NOTHING);
      return;
    }
    SegmentReader.View view = view(segment, offset);
    Segment.Lending lending = segment.lending();
    Supplier<Found> look =
        forSending && maxBytes >= LEAST_RANGE_BYTES && !lending.ended()
            ? () -> range(view, lending, offset, limit, maxBytes)
            : () -> new Found(shared.reader.read(view, offset, limit, maxBytes), null);
    if (segment.isActive() && state.hot.has(offset)) {
      completion.complete(hot(look, offset));
    } else {
      cold(look, offset, completion, again);
    }
  }

  /** What was read, or else where it lies. */
  private record Found(SegmentReader.Slice slice, @Nullable StoredRange range) {}

  private Found range(
      SegmentReader.View view,
      Segment.Lending lending,
      long offset,
      long limitOffset,
      int maxBytes) {
    SegmentReader.Sound sound = shared.reader.findSound(view, offset, limitOffset, maxBytes);
    if (sound.bytes() < LEAST_RANGE_BYTES) {
      return new Found(shared.reader.read(view, offset, limitOffset, maxBytes), null);
    }
    StoredRange range =
        new StoredRange(
            shared.files,
            view.path(),
            lending,
            sound.position(),
            sound.bytes(),
            sound.nextOffset());
    return new Found(new SegmentReader.Slice(List.of(), sound.bytes(), sound.damage()), range);
  }

  private PartitionLog.ReadOutcome hot(Supplier<Found> look, long offset) {
    try {
      return outcome(offset, look.get());
    } catch (StorageException e) {
      shared.goOffline(e);
      throw e;
    }
  }

  private void cold(
      Supplier<Found> look,
      long offset,
      Completion<PartitionLog.ReadOutcome> completion,
      Runnable again) {
    long truncations = state.truncations;
    long swaps = state.swaps;
    shared.counters.onColdRead();
    shared.reads.execute(
        () -> {
          Read<Found> read = Read.of(look);
          home.loop.execute(
              () -> {
                if (swaps != state.swaps && truncations == state.truncations && !isOver()) {
                  // It may have met the new file with the measures of the old one.
                  again.run();
                } else {
                  onRead(read, truncations, offset, completion);
                }
              });
        });
  }

  private void onRead(
      Read<Found> read,
      long truncations,
      long offset,
      Completion<PartitionLog.ReadOutcome> completion) {
    // Rule R41: cut, deleted or left behind meanwhile; the caller asks again if it still wants.
    if (state.gone || truncations != state.truncations || offset < state.logStart) {
      completion.complete(NOTHING);
      return;
    }
    Found found = read.value();
    if (found == null) {
      onFailure(read.failure());
      completion.complete(NOTHING);
    } else {
      completion.complete(outcome(offset, found));
    }
  }

  /** Takes the directory offline (rule L4). */
  private void onFailure(@Nullable StorageException failure) {
    if (failure != null) {
      shared.goOffline(failure);
    }
  }

  /** The segment with an offset; the next one if the offset is a gap at the end of one. */
  private @Nullable Segment segmentAt(long offset) {
    Segment segment = state.segmentOf(offset);
    if (segment == null) {
      return state.segments.isEmpty() ? null : state.segments.firstEntry().getValue();
    }
    return segment;
  }

  SegmentReader.View view(Segment segment, long offset) {
    Long next = state.segments.higherKey(segment.baseOffset());
    return new SegmentReader.View(
        state.meta.id().directoryName(),
        segment.baseOffset(),
        next == null ? state.logEnd : next,
        segment.sizeBytes(),
        segment.anchor(offset),
        EpochHistory.lookUp(state.epochs.entries()),
        true);
  }

  /** Damage concerns this log alone (rule D9). */
  private PartitionLog.ReadOutcome outcome(long offset, Found found) {
    SegmentReader.Slice slice = found.slice();
    SegmentReader.Damage damage = slice.damage();
    if (damage != null) {
      log.damages().onFound(damage);
    }
    return new PartitionLog.ReadOutcome(
        from(offset, slice.batches()),
        slice.bytes(),
        damage == null ? OptionalLong.empty() : OptionalLong.of(damage.offset()),
        found.range());
  }

  /** Of an empty batch that stands for several there may be a part. */
  private static List<ByteBuffer> from(long offset, List<ByteBuffer> batches) {
    if (batches.isEmpty()) {
      return batches;
    }
    RecordBatch first = RecordBatch.at(batches.get(0));
    if (first.baseOffset() >= offset || !first.isPlaceholder()) {
      return batches;
    }
    List<ByteBuffer> cut = new ArrayList<>(batches);
    cut.set(0, CompactedBatch.placeholderFrom(first, offset).asReadOnlyBuffer());
    return cut;
  }

  private static PartitionLog.ReadOutcome outcome(List<ByteBuffer> batches) {
    int bytes = 0;
    for (ByteBuffer batch : batches) {
      bytes += batch.remaining();
    }
    return new PartitionLog.ReadOutcome(batches, bytes, OptionalLong.empty());
  }

  void offsetForTime(
      long timestampMs, long limitOffset, Completion<PartitionLog.TimeLookup> completion) {
    List<TimeSearch.Place> places = new ArrayList<>();
    // Not those wholly below the log start: they may be removed while others are searched.
    Long first = state.segments.floorKey(state.logStart);
    for (Segment segment :
        state.segments.tailMap(first == null ? state.logStart : first, true).values()) {
      long from = segment.indexedOffset(timestampMs);
      places.add(new TimeSearch.Place(view(segment, Math.max(from, segment.baseOffset())), from));
    }
    long start = state.logStart;
    long truncations = state.truncations;
    long swaps = state.swaps;
    TimeSearch search =
        new TimeSearch(shared, timestampMs, start, Math.min(limitOffset, state.unreadableFrom()));
    long readable = state.unreadableFrom();
    shared.reads.execute(
        () -> {
          Read<TimeSearch.Answer> read = Read.of(() -> search.run(places));
          home.loop.execute(
              () -> {
                if ((start != state.logStart || swaps != state.swaps)
                    && truncations == state.truncations
                    && !isOver()) {
                  // What was found, or missed, may be gone; "not found" would send the caller on.
                  offsetForTime(timestampMs, limitOffset, completion);
                } else {
                  completion.complete(lookup(read, truncations, readable, limitOffset));
                }
              });
        });
  }

  private boolean isOver() {
    return state.gone || shared.isOffline() || shared.isClosed();
  }

  private PartitionLog.TimeLookup lookup(
      Read<TimeSearch.Answer> read, long truncations, long readable, long limitOffset) {
    if (state.gone || truncations != state.truncations) {
      return NOT_FOUND;
    }
    TimeSearch.Answer answer = read.value();
    if (answer == null) {
      onFailure(read.failure());
      return NOT_FOUND;
    }
    SegmentReader.Damage found = answer.damage();
    if (found != null) {
      log.damages().onFound(found);
      return damaged(found.offset());
    }
    PartitionLog.TimeLookup hit = answer.hit();
    if (hit != null) {
      return hit;
    }
    // What lies behind known damage is not looked at: "there is none" would be a guess.
    return readable < limitOffset ? damaged(readable) : NOT_FOUND;
  }

  private static PartitionLog.TimeLookup damaged(long offset) {
    return new PartitionLog.TimeLookup(OptionalLong.empty(), -1, -1, OptionalLong.of(offset));
  }

  /** A value or a failure, brought back to the loop. */
  private record Read<T>(@Nullable T value, @Nullable StorageException failure) {
    static <T> Read<T> of(Supplier<T> read) {
      try {
        return new Read<>(read.get(), null);
      } catch (StorageException e) {
        return new Read<>(null, e);
      }
    }
  }
}
