package io.kontiki.log.clean;

import static io.kontiki.log.producer.ProducerState.BATCHES_KEPT;

import io.kontiki.log.segment.BatchWalker;
import io.kontiki.log.segment.OpenFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.log.segment.SegmentReader.Damage;
import io.kontiki.log.segment.SegmentReader.View;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.FileStore;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One pass over the closed segments of one log, in small steps: notes the newest offset of each key
 * from where the pass before ended, as far as the memory goes, and then writes what stays of all
 * segments up to there, small neighbours into one file (rule L6). Every batch is checked as one
 * that is read (rule L2): what is damaged is never written anew.
 *
 * <p>Steps may run on any thread, one after the other; each blocks for about {@link #STEP_BYTES}.
 */
public final class Cleaning {
  /** About so many bytes are read in a step. */
  public static final long STEP_BYTES = 1 << 20;

  private final FileStore store;
  private final OpenFiles files;
  private final Input input;
  private final Settings settings;
  private final SegmentReader.View[] segments;
  private final OffsetMap newest;
  private final TreeMap<Long, TreeSet<Long>> lastOffsets = new TreeMap<>();
  private final long dirtyFrom;
  private long endOffset;
  private @Nullable BatchCleaner cleaner;
  private @Nullable CleanedSegment writer;
  private @Nullable Group group;
  private @Nullable Damage damage;
  private boolean changed;
  private boolean forgot;
  private int place;
  private long position;
  private long due;
  private long readBytes;
  private long writtenBytes;
  private long stepBytes;

  /** What a step came to. */
  public enum Status {
    /** There is more to do. */
    MORE,
    /**
     * A new segment is ready to replace a {@link #group}; {@link #onSwapped} follows, or the end.
     */
    READY,
    /** The pass is over. */
    DONE,
    /** See {@link #damage}; the pass is over. */
    DAMAGED
  }

  /**
   * A log as it was when the pass began.
   *
   * @param segments closed ones without damage, from the log start on, one behind the other
   * @param lastOffsets of each known producer's newest batches that end before the last segment
   *     does, as far as they are known
   * @param cleanedTo where the pass before ended
   * @param forgetting which tombstones may go
   * @param nowMs wall clock; -1: not to be trusted
   */
  public record Input(
      String directory,
      List<View> segments,
      Map<Long, List<Long>> lastOffsets,
      long cleanedTo,
      Forgetting forgetting,
      long nowMs) {}

  /**
   * What to go by.
   *
   * @param segmentBytes what is left of neighbours is put together up to here
   * @param indexIntervalBytes between two index entries
   * @param decompressedBytes a batch that takes more stays as it is
   * @param bufferBytes for the keys
   * @param deleteRetentionMs how long tombstones stay
   */
  public record Settings(
      int segmentBytes,
      int indexIntervalBytes,
      int decompressedBytes,
      int bufferBytes,
      long deleteRetentionMs) {}

  /**
   * Segments that become one.
   *
   * @param first place of the first among those of the input
   * @param end exclusive
   */
  public record Group(int first, int end) {}

  public Cleaning(FileStore store, OpenFiles files, Input input, Settings settings) {
    this.store = store;
    this.files = files;
    this.input = input;
    this.settings = settings;
    this.segments = input.segments.toArray(View[]::new);
    this.newest = new OffsetMap(settings.bufferBytes);
    input.lastOffsets.forEach((id, known) -> lastOffsets.put(id, new TreeSet<>(known)));
    this.endOffset = segments[segments.length - 1].endOffset();
    this.dirtyFrom = input.cleanedTo;
    while (place < segments.length - 1 && segments[place].endOffset() <= dirtyFrom) {
      place++;
    }
    beginSegment(place);
  }

  private void beginSegment(int next) {
    place = next;
    position = 0;
    due = next < segments.length ? segments[next].baseOffset() : 0;
  }

  /**
   * The next step.
   *
   * @throws io.kontiki.runtime.StorageException when the disk fails or is full, and when the
   *     segments were removed meanwhile
   */
  public Status step() {
    stepBytes = 0;
    return cleaner == null ? noteKeys() : rewrite();
  }

  private Status noteKeys() {
    boolean fits = read(this::note);
    if (damage != null) {
      return Status.DAMAGED;
    }
    if (fits && position < segments[place].sizeBytes()) {
      return Status.MORE;
    }
    if (fits && place + 1 < segments.length) {
      beginSegment(place + 1);
      return Status.MORE;
    }
    cleaner =
        new BatchCleaner(
            newest,
            new BatchCleaner.Bounds(endOffset, dirtyFrom, input.nowMs, settings.deleteRetentionMs),
            lastOffsets,
            input.forgetting,
            settings.decompressedBytes);
    beginGroup(0);
    return Status.MORE;
  }

  /** Returns false at the first key for which there is no room. */
  private boolean note(RecordBatch batch) {
    TreeSet<Long> known = lastOffsets.get(batch.producerId());
    if (known != null && known.add(batch.lastOffset()) && known.size() > BATCHES_KEPT) {
      known.pollFirst();
    }
    if (batch.nextOffset() <= dirtyFrom || batch.isControl() || batch.recordCount() == 0) {
      return true;
    }
    try {
      RecordReader records = RecordReader.open(batch, settings.decompressedBytes);
      while (records.hasNext()) {
        RecordReader.Span record = records.nextSpan();
        if (record.offset() >= dirtyFrom
            && record.key() != null
            && !newest.put(record.key(), record.offset())) {
          endOffset = record.offset();
          return false;
        }
      }
    } catch (InvalidBatchException e) {
      // It stays as it is; what its keys supersede cannot be told.
    }
    return true;
  }

  private void beginGroup(int first) {
    if (first >= segments.length || segments[first].baseOffset() >= endOffset) {
      group = null;
      return;
    }
    group = new Group(first, first + 1);
    changed = false;
    forgot = false;
    beginSegment(first);
  }

  /** Whether one segment more fits behind what is left of those before, whatever stays of it. */
  private boolean takesMore(Group present, CleanedSegment into) {
    if (present.end >= segments.length || segments[present.end].baseOffset() >= endOffset) {
      return false;
    }
    View next = segments[present.end];
    return into.sizeBytes() + next.sizeBytes() <= settings.segmentBytes
        && next.endOffset() - segments[present.first].baseOffset() <= Integer.MAX_VALUE;
  }

  private Status rewrite() {
    Group present = group;
    if (present == null) {
      return Status.DONE;
    }
    CleanedSegment into = writer;
    if (into == null) {
      into =
          new CleanedSegment(
              store, input.directory, segments[place].baseOffset(), settings.indexIntervalBytes);
      writer = into;
    }
    long before = into.sizeBytes();
    CleanedSegment target = into;
    read(batch -> rewrite(batch, target));
    count(into.sizeBytes() - before);
    if (damage != null) {
      return Status.DAMAGED;
    }
    if (position < segments[place].sizeBytes()) {
      return Status.MORE;
    }
    if (takesMore(present, into)) {
      group = new Group(present.first, present.end + 1);
      changed = true;
      beginSegment(present.end);
      return Status.MORE;
    }
    if (!changed) {
      discard();
      beginGroup(present.end);
      return Status.MORE;
    }
    into.finish();
    store.syncDirectory(input.directory);
    return Status.READY;
  }

  private boolean rewrite(RecordBatch batch, CleanedSegment into) {
    BatchCleaner.Outcome outcome = java.util.Objects.requireNonNull(cleaner).clean(batch);
    if (outcome.bytes() == null) {
      into.skip(batch, outcome.horizonMs());
    } else {
      into.append(outcome.bytes());
    }
    changed |= outcome.changed();
    if (outcome.forgot()) {
      forgot = true;
    }
    return true;
  }

  private void count(long written) {
    writtenBytes += written;
    stepBytes += written;
  }

  /** Reads on in the present segment; returns false if the consumer did. */
  private boolean read(Predicate<RecordBatch> consumer) {
    View view = segments[place];
    long start = position;
    boolean goesOn =
        files.use(
            view.path(),
            file -> {
              BatchWalker walker = new BatchWalker(file, start, view.sizeBytes());
              while (walker.nextPosition() - start < STEP_BYTES && walker.next(0, 0, false)) {
                String fault =
                    walker.loadWhole()
                        ? SegmentReader.fault(walker.batch(), view, due)
                        : "the file ends inside the batch";
                if (!fault.isEmpty()) {
                  damage = new Damage(view.baseOffset(), walker.position(), due, fault);
                  return false;
                }
                if (!consumer.test(walker.batch())) {
                  return false;
                }
                due = walker.batch().nextOffset();
                position = walker.nextPosition();
              }
              if (!walker.fault().isEmpty()) {
                damage = new Damage(view.baseOffset(), walker.position(), due, walker.fault());
              } else if (position >= view.sizeBytes() && due != view.endOffset()) {
                damage =
                    new Damage(
                        view.baseOffset(),
                        position,
                        due,
                        "the segment ends here, the next begins at " + view.endOffset());
              }
              return damage == null;
            });
    readBytes += position - start;
    stepBytes += position - start;
    return goesOn;
  }

  /** Of status READY: which segments a new one is ready for. */
  public Group group() {
    return java.util.Objects.requireNonNull(group);
  }

  /** Of status READY: bytes of the new segment. */
  public long newSizeBytes() {
    return java.util.Objects.requireNonNull(writer).sizeBytes();
  }

  /** Whether tombstones are missing in it that were there before. */
  public boolean forgot() {
    return forgot;
  }

  /** The new segment is in its place. */
  public void onSwapped() {
    writer = null;
    beginGroup(group().end);
  }

  /** Gives up what is not in its place. */
  public void discard() {
    if (writer != null) {
      writer.discard();
      writer = null;
    }
  }

  /** Of status DAMAGED. */
  public Damage damage() {
    return java.util.Objects.requireNonNull(damage);
  }

  /** Below it nothing has a later record of its key below it, once the pass is over. */
  public long endOffset() {
    return endOffset;
  }

  /** Keys that were noted. */
  public int keys() {
    return newest.size();
  }

  /** Bytes read so far. */
  public long readBytes() {
    return readBytes;
  }

  /** Bytes written so far. */
  public long writtenBytes() {
    return writtenBytes;
  }

  /** Bytes read and written in the last step. */
  public long stepBytes() {
    return stepBytes;
  }
}
