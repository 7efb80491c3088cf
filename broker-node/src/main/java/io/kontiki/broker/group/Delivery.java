package io.kontiki.broker.group;

import io.kontiki.broker.api.ChunkReader;
import io.kontiki.broker.api.RecordChunk;
import io.kontiki.model.PartitionId;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * One partition that the client knows to be its own: how far it was delivered and committed, and
 * what is on its way. A record counts as delivered when it is handed to the sink, never before.
 * Lives on the stream's loop.
 */
final class Delivery {
  /** As the public contract draws them. */
  enum State {
    DELIVERING,
    PAUSED,
    DRAINING
  }

  /** What is being done to have the next records. */
  enum Stage {
    /** Nothing, and nothing is to be. */
    STOPPED,
    /** A fetch is due. */
    IDLE,
    FETCHING,
    /** Fetched batches are to be taken apart. */
    FETCHED,
    DECODING,
    /** Records may go. */
    READY,
    /** Waits after a failure. */
    RESTING
  }

  final PartitionId id;
  final Named name;
  final int since;
  final Uncommitted uncommitted;
  private final ArrayDeque<EpochRun> epochs = new ArrayDeque<>();

  State state = State.DELIVERING;
  Stage stage = Stage.STOPPED;

  /** Grows whenever what is on its way must not arrive any more. */
  int version;

  /** Where the next fetch begins. */
  long position;

  /** The next offset to deliver. */
  long delivered;

  /** Behind the last record that the client has got and is to commit. */
  private long openEnd;

  /** Commits have come up to here. */
  private long settled;

  /** Nothing beyond may be committed: delivered, or sought to, at any time. */
  private long reach;

  /** The lowest place to which delivery went back, until commits have come as far as before. */
  private long wentBackTo = Long.MAX_VALUE;

  private long wentBackFrom;

  /** Batches that are being taken apart. */
  @Nullable ChunkReader reader;

  final ArrayDeque<RecordChunk> chunks = new ArrayDeque<>();

  /** Of the fetched batches. */
  int bufferedBytes;

  /** The present fetch waits at the leader for records to come. */
  boolean waiting;

  /** The place to go on is being looked up; nothing is fetched meanwhile. */
  boolean looking;

  /** Number of the last such look. */
  int looks;

  /** There may be records that were not fetched yet. */
  boolean mayHaveMore = true;

  /** The last fetches failed; for the pause. */
  int failures;

  /** The client was told that the partition has to go. */
  boolean toldRevoking;

  /** It had to go, and need not any more (docs/groups.md): it is drained all the same. */
  boolean keptAfterAll;

  /** Records of one epoch, one after the other. */
  private static final class EpochRun {
    final long firstOffset;
    final int epoch;
    long endOffset;

    EpochRun(long firstOffset, int epoch) {
      this.firstOffset = firstOffset;
      this.epoch = epoch;
      this.endOffset = firstOffset + 1;
    }
  }

  Delivery(PartitionId id, Named name, int since, Uncommitted uncommitted, Place start) {
    this.id = id;
    this.name = name;
    this.since = since;
    this.uncommitted = uncommitted;
    settled = start.offset();
    openEnd = start.offset();
    begin(start);
  }

  /** Delivery begins at a place. */
  private void begin(Place place) {
    position = place.offset();
    delivered = place.offset();
    reach = Math.max(reach, place.offset());
    epochs.clear();
    if (place.leaderEpoch() >= 0) {
      epochs.add(new EpochRun(place.offset() - 1, place.leaderEpoch()));
    }
  }

  /**
   * Delivery goes on at another place; records behind it that are not committed will come again, or
   * not. Answers how many bytes are not waited for any more.
   */
  long moveTo(Place place) {
    if (place.offset() < delivered) {
      wentBackTo = Math.min(wentBackTo, place.offset());
      wentBackFrom = reach;
    }
    settled = Math.min(settled, place.offset());
    openEnd = Math.min(openEnd, place.offset());
    begin(place);
    mayHaveMore = true;
    return uncommitted.cutAt(place.offset());
  }

  /** What is on its way is not to arrive; it is fetched again if need be. */
  void dropBuffered() {
    version++;
    reader = null;
    chunks.clear();
    bufferedBytes = 0;
    position = delivered;
    mayHaveMore = true;
  }

  /** A record is handed to the client. */
  void onDelivered(long offset, int epoch, long bytes) {
    EpochRun last = epochs.peekLast();
    if (last == null || last.epoch != epoch) {
      epochs.add(new EpochRun(offset, epoch));
    } else {
      last.endOffset = offset + 1;
    }
    delivered = offset + 1;
    openEnd = delivered;
    reach = Math.max(reach, delivered);
    uncommitted.add(delivered, bytes);
  }

  /** Nothing beyond may be committed. */
  long reach() {
    return reach;
  }

  /** Whether delivered records wait for their commit. */
  boolean open() {
    return settled < openEnd;
  }

  /** Whether a commit of the offset goes back on purpose (rule G10). */
  boolean wentBackTo(long offset) {
    return wentBackTo <= offset;
  }

  /** A commit has come; answers how many bytes that frees. */
  long onCommit(long offset) {
    settled = Math.max(settled, offset);
    if (offset >= wentBackFrom) {
      wentBackTo = Long.MAX_VALUE;
    }
    while (epochs.size() > 1 && epochs.element().endOffset < settled) {
      epochs.remove();
    }
    return uncommitted.commit(offset);
  }

  /**
   * Leader epoch of the record before the offset; -1: not known. Between two records that
   * compaction has left it is not: a guess would look like a truncated log to the next reader.
   */
  int epochBefore(long offset) {
    for (EpochRun run : epochs) {
      if (run.firstOffset < offset && offset <= run.endOffset) {
        return run.epoch;
      }
    }
    return Place.NO_EPOCH;
  }

  /** Whether it is being filled or has something to send. */
  boolean contends() {
    return switch (stage) {
      case FETCHING -> !waiting;
      case FETCHED, DECODING, READY -> true;
      default -> false;
    };
  }
}
