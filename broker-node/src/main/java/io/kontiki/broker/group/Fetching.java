package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.ChunkDecoder;
import io.kontiki.broker.api.ChunkReader;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.group.Delivery.Stage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.Iterator;

/**
 * Brings records of a stream's partitions from their leaders, within bounds: how many fetches are
 * under way, and how much is read ahead. A failure is a pause; only a leader's proof that the next
 * record is not in the log any more (P10) is passed on. Lives on the stream's loop.
 */
final class Fetching {
  /** Fetches under way that are answered at once. */
  static final int PARALLEL = 64;

  /** Fetches that wait at leaders; with more partitions than this they are asked in turn. */
  static final int WAITING = 1_024;

  /** Fetched and not yet delivered, besides what the last fetch brought. */
  static final int READ_AHEAD_BYTES = 4 << 20;

  private static final int FETCH_BYTES = 256 << 10;
  private static final int SINGLE_FETCH_BYTES = 1 << 20;

  /** Of one that waits beside many: all of them may be answered at the same moment. */
  private static final int WAITING_FETCH_BYTES = 16 << 10;

  private static final int DECODED_BYTES = 1 << 20;
  private static final long WAIT_NANOS = 5_000_000_000L;
  private static final long LOOK_NANOS = 1_000_000_000L;
  private static final long PAUSE_NANOS = 100_000_000;
  private static final int MAX_PAUSES = 10;

  private final EventLoop loop;
  private final PartitionRequests partitions;
  private final ChunkDecoder decoder;
  private final int decompressedBytes;
  private final Outcome outcome;
  private final ArrayDeque<Due> idle = new ArrayDeque<>();
  private final ArrayDeque<Due> fetched = new ArrayDeque<>();
  private int active;
  private int underWay;
  private int waiting;
  private int bufferedBytes;
  private int emptyInARow;
  private int emptyRounds;
  private boolean pausing;

  private record Due(Delivery delivery, int version) {
    boolean stale(Stage stage) {
      return delivery.version != version || delivery.stage != stage;
    }
  }

  /** Told of what came. */
  interface Outcome {
    /** There is something to do. */
    void pump();

    /** Records may go. */
    void ready(Delivery delivery);

    /** The next record is not in the log any more, says the leader. */
    void outOfRange(Delivery delivery, ApiError proof);
  }

  Fetching(
      EventLoop loop,
      PartitionRequests partitions,
      ChunkDecoder decoder,
      int decompressedBytes,
      Outcome outcome) {
    this.loop = loop;
    this.partitions = partitions;
    this.decoder = decoder;
    this.decompressedBytes = decompressedBytes;
    this.outcome = outcome;
  }

  /** The partition's records are wanted from here on. */
  void start(Delivery delivery) {
    if (delivery.stage == Stage.STOPPED) {
      active++;
      due(delivery);
    }
  }

  /** They are not; what is under way is dropped. */
  void stop(Delivery delivery) {
    if (delivery.stage != Stage.STOPPED) {
      active--;
      drop(delivery);
      delivery.stage = Stage.STOPPED;
    }
  }

  private void drop(Delivery delivery) {
    bufferedBytes -= delivery.bufferedBytes;
    delivery.dropBuffered();
  }

  /** All pieces at hand are gone. */
  void emptied(Delivery delivery) {
    if (delivery.reader != null) {
      delivery.stage = Stage.FETCHED;
      fetched.add(new Due(delivery, delivery.version));
    } else {
      bufferedBytes -= delivery.bufferedBytes;
      delivery.bufferedBytes = 0;
      due(delivery);
    }
  }

  private void due(Delivery delivery) {
    delivery.stage = Stage.IDLE;
    idle.add(new Due(delivery, delivery.version));
  }

  /**
   * Does one thing; false if there is nothing to do before something comes.
   *
   * @param room something may be sent; else only partitions are asked of which nothing is open, so
   *     that the next room can be theirs
   */
  boolean step(boolean room) {
    if (!decoder.busy() && !fetched.isEmpty()) {
      Due due = fetched.remove();
      if (!due.stale(Stage.FETCHED)) {
        decode(due.delivery());
      }
      return true;
    }
    boolean full = underWay >= PARALLEL;
    if (pausing || full && !mayWait() || bufferedBytes >= READ_AHEAD_BYTES) {
      return false;
    }
    for (Iterator<Due> all = idle.iterator(); all.hasNext(); ) {
      Due due = all.next();
      Delivery delivery = due.delivery();
      boolean stale = due.stale(Stage.IDLE);
      boolean wanted =
          (room || delivery.uncommitted.bytes() == 0) && (!full || !delivery.mayHaveMore);
      if (stale || wanted) {
        all.remove();
      }
      if (!stale && wanted) {
        fetch(delivery);
        return true;
      }
    }
    return false;
  }

  private boolean mayWait() {
    return active <= WAITING && waiting < WAITING;
  }

  private void underWay(boolean wait, int change) {
    if (wait) {
      waiting += change;
    } else {
      underWay += change;
    }
  }

  private int fetchBytes(boolean wait) {
    if (active == 1) {
      return SINGLE_FETCH_BYTES;
    }
    return wait && active > PARALLEL ? WAITING_FETCH_BYTES : FETCH_BYTES;
  }

  private void fetch(Delivery delivery) {
    boolean wait = mayWait() && !delivery.mayHaveMore;
    underWay(wait, 1);
    delivery.stage = Stage.FETCHING;
    delivery.waiting = wait;
    int version = delivery.version;
    partitions.fetch(
        new Fetch(
            delivery.id,
            -1,
            delivery.position,
            delivery.position == delivery.delivered
                ? delivery.epochBefore(delivery.position)
                : Place.NO_EPOCH, // what lay between is gone, and with it its epochs
            fetchBytes(wait),
            wait ? 1 : 0,
            loop.clock().nanoTime() + (wait ? WAIT_NANOS : LOOK_NANOS),
            Route.FORWARD),
        answer ->
            CallContext.onLoop(
                loop,
                () -> {
                  underWay(wait, -1);
                  if (delivery.version == version && delivery.stage == Stage.FETCHING) {
                    onAnswer(delivery, answer);
                  }
                  outcome.pump();
                }));
  }

  private void onAnswer(Delivery delivery, FetchAnswer answer) {
    delivery.waiting = false;
    if (answer instanceof FetchAnswer.Failed failed) {
      onFailed(delivery, failed.error());
      return;
    }
    FetchAnswer.Fetched batches = (FetchAnswer.Fetched) answer;
    delivery.failures = 0;
    long next = Math.max(delivery.position, batches.nextOffset());
    delivery.mayHaveMore = next < batches.highWatermark();
    if (batches.batches().isEmpty()) {
      delivery.position = next;
      emptyInARow++;
      if (!mayWait() && emptyInARow >= active) {
        pause();
      }
      due(delivery);
      return;
    }
    emptyInARow = 0;
    emptyRounds = 0;
    delivery.reader =
        new ChunkReader(
            delivery.name.partition(),
            delivery.position,
            Long.MAX_VALUE,
            batches,
            decompressedBytes);
    delivery.bufferedBytes = batches.bytes();
    bufferedBytes += batches.bytes();
    delivery.stage = Stage.FETCHED;
    fetched.add(new Due(delivery, delivery.version));
  }

  private void onFailed(Delivery delivery, ApiError error) {
    boolean gone =
        error.reason() == ErrorReason.OFFSET_OUT_OF_RANGE
            || error.reason() == ErrorReason.LOG_TRUNCATED;
    if (gone && error.definite()) {
      outcome.outOfRange(delivery, error);
    } else {
      rest(delivery);
    }
  }

  /** Whatever failed, nothing is skipped: the same is tried again after a pause. */
  private void rest(Delivery delivery) {
    drop(delivery);
    delivery.mayHaveMore = false; // others need not wait for it
    delivery.stage = Stage.RESTING;
    delivery.failures = Math.min(MAX_PAUSES, delivery.failures + 1);
    int version = delivery.version;
    loop.schedule(
        PAUSE_NANOS * delivery.failures,
        () -> {
          if (delivery.version == version && delivery.stage == Stage.RESTING) {
            due(delivery);
            outcome.pump();
          }
        });
  }

  /** Tries again later; for a place that cannot be delivered from. */
  void later(Delivery delivery) {
    if (delivery.stage != Stage.STOPPED) {
      rest(delivery);
    }
  }

  private void pause() {
    emptyInARow = 0;
    emptyRounds = Math.min(MAX_PAUSES, emptyRounds + 1);
    pausing = true;
    loop.schedule(
        PAUSE_NANOS * emptyRounds,
        () -> {
          pausing = false;
          outcome.pump();
        });
  }

  private void decode(Delivery delivery) {
    ChunkReader reader = delivery.reader;
    if (reader == null) {
      throw new IllegalStateException(delivery.name + " has nothing to be taken apart");
    }
    delivery.stage = Stage.DECODING;
    int version = delivery.version;
    decoder.decode(
        reader,
        DECODED_BYTES,
        decoded -> {
          if (delivery.version == version && delivery.stage == Stage.DECODING) {
            onDecoded(delivery, decoded);
          }
          outcome.pump();
        });
  }

  private void onDecoded(Delivery delivery, ChunkReader.Decoded decoded) {
    delivery.chunks.addAll(decoded.chunks());
    if (decoded.done()) {
      delivery.reader = null;
      delivery.position = decoded.nextOffset();
    }
    if (!delivery.chunks.isEmpty()) {
      // Damage behind them shows again when they are gone.
      delivery.stage = Stage.READY;
      outcome.ready(delivery);
    } else if (decoded.error() != null) {
      rest(delivery);
    } else {
      emptied(delivery);
    }
  }
}
