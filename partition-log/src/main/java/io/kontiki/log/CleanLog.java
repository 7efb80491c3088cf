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
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
   * @param topics one id of each topic for all its logs, which keep it
   * @throws IllegalArgumentException if it is no such row; what it says is looked at by {@link
   *     #open}, so that one row that cannot be true costs no other log its fast open
   */
  static CleanLog decode(ByteBuffer from, long nowMs, Map<TopicId, TopicId> topics) {
    TopicId topic = topics.computeIfAbsent(TopicId.of(from), known -> known);
    PartitionId id = new PartitionId(topic, from.getInt());
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
   * What cannot be true of any log, or empty. The checksum of the file says that somebody wrote it,
   * not that he was right.
   */
  private String fault() {
    if (id.partition() < 0 || logStart < 0 || logEnd < logStart) {
      return "a log from " + logStart + " to " + logEnd;
    }
    if (highWatermark < 0 || highWatermark > logEnd) {
      return "a high watermark of " + highWatermark + " in a log that ends at " + logEnd;
    }
    long above = -1;
    for (LogWalk.Ref ref : segments) {
      if (ref.baseOffset() <= above || ref.baseOffset() > logEnd) {
        return "a segment at " + ref.baseOffset() + " behind " + above + " of " + logEnd;
      }
      if (ref.sizeBytes() < 0 || ref.sizeBytes() > Integer.MAX_VALUE) {
        return "a segment of " + ref.sizeBytes() + " bytes";
      }
      above = ref.baseOffset();
    }
    if (segments.isEmpty() ? logEnd > logStart : segments.get(0).baseOffset() > logStart) {
      return "no segment at its start " + logStart;
    }
    if (tail.bytesSinceEntry() < 0
        || tail.maxTimestampOffset() < -1
        || tail.maxTimestampOffset() >= Math.max(0, logEnd)) {
      return "an end as of " + tail;
    }
    long covered = -1;
    for (long snapshot : snapshots) {
      if (snapshot <= covered || snapshot > logEnd) {
        return "a snapshot at " + snapshot + " behind " + covered + " of " + logEnd;
      }
      covered = snapshot;
    }
    return !epochs.isEmpty() && epochs.get(epochs.size() - 1).startOffset() > logEnd
        ? "an epoch behind its end: " + epochs
        : "";
  }

  private StorageException impossible(String what) {
    return new StorageException(
        StorageException.Kind.CORRUPT, CleanLogs.FILE, -1, id + " cannot be: " + what);
  }

  /**
   * The log, as a recovery would find it.
   *
   * @param row that it fits
   * @throws StorageException CORRUPT if there can be no such log
   */
  RecoveredLog open(LogCheckpoint.Entry row) {
    String fault = fault();
    if (!fault.isEmpty()) {
      throw impossible(fault);
    }
    // One string for all its segments, which keep it.
    String directory = id.directoryName();
    List<Segment> found = new ArrayList<>(segments.size());
    for (LogWalk.Ref ref : segments) {
      found.add(new Segment(directory, ref.baseOffset(), ref.sizeBytes(), ref.createdMs()));
    }
    if (!found.isEmpty()) {
      Segment last = found.get(found.size() - 1);
      last.activate(
          OffsetIndex.decode(last.baseOffset(), index.duplicate(), logEnd, last.sizeBytes()),
          TimeIndex.decode(last.baseOffset(), times.duplicate(), logEnd),
          tail);
    }
    EpochHistory history;
    try {
      history = EpochHistory.of(epochs);
    } catch (IllegalArgumentException e) {
      throw impossible(String.valueOf(e.getMessage()));
    }
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
