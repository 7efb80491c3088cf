package io.kontiki.log;

import io.kontiki.log.clean.CleanMark;
import io.kontiki.log.epoch.EpochHistory;
import io.kontiki.log.journal.LogCheckpoint;
import io.kontiki.log.producer.ProducerState;
import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.log.segment.SealedFile;
import io.kontiki.log.segment.Segment;
import io.kontiki.log.segment.TimeIndex;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * All that an open needs of one log that was closed cleanly, so that none of its files is touched.
 * Not made of a log that is damaged or doubtful, nor of one whose last segment has a large index or
 * that has many producers: their files are read.
 *
 * <pre>
 * offset size field
 *      0   16 topic id
 *     16    4 partition
 *     20    1 durability               1 fsync, 0 replicated
 *     21    8 log start
 *     29    8 log end
 *     37    8 high watermark
 *     45    8 greatest timestamp of the last segment, or -1
 *     53    8 offset of the batch that has it, or -1
 *     61    4 bytes of the last segment behind its last index entry
 *     65    8 cleaned to               as in CleanMark
 *     73    8 forgotten below
 *     81    … each with a count or length of 4 bytes before it: topic name, UTF-8; segments: 8 base
 *             offset, 8 bytes; epochs: 4 epoch, 8 start offset; producer snapshots: 8 offset; index
 *             of the last segment; time index of it; producers as in a snapshot
 * </pre>
 *
 * @param index of the last segment, as in its file; empty without segments
 * @param times likewise
 * @param producers the content of a snapshot at the log end
 */
record CleanLog(
    PartitionId id,
    String topicName,
    Durability durability,
    long logStart,
    long logEnd,
    long highWatermark,
    Segment.Tail tail,
    CleanMark mark,
    List<LogWalk.Ref> segments,
    List<EpochHistory.Entry> epochs,
    List<Long> snapshots,
    ByteBuffer index,
    ByteBuffer times,
    ByteBuffer producers) {
  /** The most that index, time index and producers may have together. */
  static final int MAX_DERIVED_BYTES = 4096;

  private static final int FIXED_BYTES = 81;

  /** Bytes when it is written. */
  int sizeBytes() {
    return FIXED_BYTES
        + 7 * Integer.BYTES
        + topicName.getBytes(StandardCharsets.UTF_8).length
        + segments.size() * 16
        + epochs.size() * 12
        + snapshots.size() * Long.BYTES
        + index.remaining()
        + times.remaining()
        + producers.remaining();
  }

  void encode(ByteBuffer into) {
    into.putLong(id.topicId().high()).putLong(id.topicId().low()).putInt(id.partition());
    into.put((byte) (durability == Durability.FSYNC ? 1 : 0));
    into.putLong(logStart).putLong(logEnd).putLong(highWatermark);
    into.putLong(tail.maxTimestampMs()).putLong(tail.maxTimestampOffset());
    into.putInt(tail.bytesSinceEntry());
    into.putLong(mark.cleanedTo()).putLong(mark.forgottenBelow());
    put(into, ByteBuffer.wrap(topicName.getBytes(StandardCharsets.UTF_8)));
    into.putInt(segments.size());
    segments.forEach(ref -> into.putLong(ref.baseOffset()).putLong(ref.sizeBytes()));
    into.putInt(epochs.size());
    epochs.forEach(entry -> into.putInt(entry.epoch()).putLong(entry.startOffset()));
    into.putInt(snapshots.size());
    snapshots.forEach(into::putLong);
    put(into, index);
    put(into, times);
    put(into, producers);
  }

  private static void put(ByteBuffer into, ByteBuffer bytes) {
    into.putInt(bytes.remaining()).put(bytes.duplicate());
  }

  /**
   * Reads one.
   *
   * @param nowMs for the age of segments, as if they had begun now
   * @throws IllegalArgumentException if it makes no sense
   */
  static CleanLog decode(ByteBuffer from, long nowMs) {
    PartitionId id = new PartitionId(TopicId.of(from), from.getInt());
    Durability durability = from.get() == 1 ? Durability.FSYNC : Durability.REPLICATED;
    long logStart = from.getLong();
    long logEnd = from.getLong();
    long highWatermark = from.getLong();
    Segment.Tail tail = new Segment.Tail(from.getLong(), from.getLong(), from.getInt());
    CleanMark mark = new CleanMark(from.getLong(), from.getLong());
    String name = StandardCharsets.UTF_8.decode(bytes(from)).toString();
    List<LogWalk.Ref> segments = new ArrayList<>();
    for (int i = SealedFile.count(from, 16); i > 0; i--) {
      segments.add(new LogWalk.Ref(from.getLong(), from.getLong(), nowMs));
    }
    List<EpochHistory.Entry> epochs = new ArrayList<>();
    for (int i = SealedFile.count(from, 12); i > 0; i--) {
      epochs.add(new EpochHistory.Entry(from.getInt(), from.getLong()));
    }
    List<Long> snapshots = new ArrayList<>();
    for (int i = SealedFile.count(from, Long.BYTES); i > 0; i--) {
      snapshots.add(from.getLong());
    }
    if (logStart < 0 || logEnd < logStart || highWatermark > logEnd) {
      throw new IllegalArgumentException(id + ": " + logStart + " to " + logEnd);
    }
    return new CleanLog(
        id,
        name,
        durability,
        logStart,
        logEnd,
        highWatermark,
        tail,
        mark,
        segments,
        epochs,
        snapshots,
        bytes(from),
        bytes(from),
        bytes(from));
  }

  private static ByteBuffer bytes(ByteBuffer from) {
    int length = SealedFile.count(from, 1);
    ByteBuffer bytes = from.slice(from.position(), length);
    from.position(from.position() + length);
    return bytes;
  }

  /** Whether the checkpoint says the same. */
  boolean fits(LogCheckpoint.Entry row) {
    LogWalk.Ref last = segments.isEmpty() ? null : segments.get(segments.size() - 1);
    return !row.gone()
        && !row.doubtful()
        && row.fsync() == (durability == Durability.FSYNC)
        && row.logStart() == logStart
        && row.recoveryPoint() == logEnd
        && row.lastSegment() == (last == null ? -1 : last.baseOffset())
        && row.lastSegmentBytes() == (last == null ? 0 : last.sizeBytes());
  }

  /**
   * The log, as a recovery would find it.
   *
   * @param row that it fits
   * @throws io.kontiki.runtime.StorageException CORRUPT if the producers cannot be believed
   */
  RecoveredLog open(LogCheckpoint.Entry row) {
    List<Segment> found = new ArrayList<>(segments.size());
    for (LogWalk.Ref ref : segments) {
      found.add(
          new Segment(id.directoryName(), ref.baseOffset(), ref.sizeBytes(), ref.createdMs()));
    }
    if (!found.isEmpty()) {
      Segment last = found.get(found.size() - 1);
      last.activate(
          OffsetIndex.decode(
              last.baseOffset(), index.duplicate(), Long.MAX_VALUE, last.sizeBytes()),
          TimeIndex.decode(last.baseOffset(), times.duplicate(), Long.MAX_VALUE),
          tail);
    }
    EpochHistory history = EpochHistory.of(epochs);
    return new RecoveredLog(
        id,
        topicName,
        durability,
        logStart,
        logEnd,
        found,
        history,
        ProducerState.parse(id.directoryName(), producers, logEnd),
        new TreeSet<>(snapshots),
        highWatermark,
        logEnd,
        false,
        -1,
        true,
        row.epochs().isPresent() ? EpochHistory.UNKNOWN : history.entries(),
        0,
        mark);
  }
}
