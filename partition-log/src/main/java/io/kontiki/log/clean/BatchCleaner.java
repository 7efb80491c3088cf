package io.kontiki.log.clean;

import io.kontiki.record.CompactedBatch;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides what of a batch stays (rule L6). A record goes if a later one below the end of the pass
 * has its key, and if it has no key. A tombstone goes one pass later than what it superseded, once
 * its time is over: the first pass that meets it writes into its batch when that is (KIP-534).
 */
final class BatchCleaner {
  /** No clock is to be trusted: no tombstone goes, none is given a time (P17). */
  static final long NO_TIME = -1;

  private final OffsetMap newest;
  private final Bounds bounds;
  private final Map<Long, ? extends Set<Long>> lastOffsets;
  private final int decompressedBytes;
  private final Forgetting forgetting;

  /**
   * @param endOffset of the pass, exclusive: records from there on stay as they are
   * @param cleanedTo where the pass before ended: only below it is nothing older left of a key
   * @param nowMs wall clock, or {@link #NO_TIME}
   * @param deleteRetentionMs how long a tombstone stays
   */
  record Bounds(long endOffset, long cleanedTo, long nowMs, long deleteRetentionMs) {}

  /**
   * What becomes of a batch.
   *
   * @param bytes what is left of it; null: nothing
   * @param changed whether that is not all of it
   * @param horizonMs with nothing left: the delete horizon it had, or {@link
   *     CompactedBatch#NO_HORIZON}
   * @param forgot whether a tombstone went
   */
  record Outcome(@Nullable ByteBuffer bytes, boolean changed, long horizonMs, boolean forgot) {}

  /**
   * @param lastOffsets of each known producer's last batches that are committed: they tell the
   *     producer's place, and which of its batches are repetitions, with or without records (rule
   *     D5), also when what follows is lost; empty: any of its batches may be one of them
   * @param forgetting which tombstones may go
   * @param decompressedBytes a batch that takes more stays as it is
   */
  BatchCleaner(
      OffsetMap newest,
      Bounds bounds,
      Map<Long, ? extends Set<Long>> lastOffsets,
      Forgetting forgetting,
      int decompressedBytes) {
    this.newest = newest;
    this.bounds = bounds;
    this.lastOffsets = lastOffsets;
    this.forgetting = forgetting;
    this.decompressedBytes = decompressedBytes;
  }

  Outcome clean(RecordBatch batch) {
    if (batch.isControl() || batch.baseOffset() >= bounds.endOffset) {
      return asItIs(batch);
    }
    Set<Long> last = lastOffsets.get(batch.producerId());
    boolean speaksOfProducer =
        last != null && (last.isEmpty() || last.contains(batch.lastOffset()));
    if (batch.recordCount() == 0) {
      return speaksOfProducer ? asItIs(batch) : nothing(batch, false);
    }
    try {
      return clean(batch, speaksOfProducer);
    } catch (InvalidBatchException e) {
      // Stored as a client sent it, compressed bytes and all; nobody can tell its keys.
      return asItIs(batch);
    }
  }

  private Outcome clean(RecordBatch batch, boolean speaksOfProducer) {
    boolean whole = batch.nextOffset() <= bounds.endOffset && bounds.nowMs != NO_TIME;
    boolean settled = batch.hasDeleteHorizon() && batch.nextOffset() <= bounds.cleanedTo;
    boolean expired = whole && settled && bounds.nowMs >= batch.baseTimestamp();
    List<RecordReader.Span> kept = new ArrayList<>();
    boolean tombstones = false;
    boolean forgot = false;
    RecordReader records = RecordReader.open(batch, decompressedBytes);
    while (records.hasNext()) {
      RecordReader.Span record = records.nextSpan();
      boolean stays = stays(record);
      if (stays && !record.hasValue()) {
        stays = !expired || !forgetting.mayForget(batch.nextOffset());
        forgot |= !stays;
        tombstones |= stays;
      }
      if (stays) {
        kept.add(record);
      }
    }
    if (kept.isEmpty() && !speaksOfProducer) {
      return nothing(batch, forgot);
    }
    boolean begins = tombstones && whole && !settled;
    if (kept.size() == batch.recordCount() && !begins) {
      return asItIs(batch);
    }
    CompactedBatch rest = new CompactedBatch(batch, begins ? horizon() : CompactedBatch.NO_HORIZON);
    kept.forEach(rest::keep);
    return new Outcome(rest.build(), true, CompactedBatch.NO_HORIZON, forgot);
  }

  private long horizon() {
    long at = bounds.nowMs + bounds.deleteRetentionMs;
    return at < 0 ? Long.MAX_VALUE : at;
  }

  private boolean stays(RecordReader.Span record) {
    if (record.offset() >= bounds.endOffset) {
      return true;
    }
    ByteBuffer key = record.key();
    return key != null && newest.newest(key) <= record.offset();
  }

  private static Outcome asItIs(RecordBatch batch) {
    return new Outcome(batch.bytes(), false, CompactedBatch.NO_HORIZON, false);
  }

  private static Outcome nothing(RecordBatch batch, boolean forgot) {
    long horizonMs = batch.hasDeleteHorizon() ? batch.baseTimestamp() : CompactedBatch.NO_HORIZON;
    return new Outcome(null, !batch.isPlaceholder(), horizonMs, forgot);
  }
}
