package io.kontiki.log.producer;

import io.kontiki.log.segment.SealedFile;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The idempotent producers of one log: for each id its epoch and its last five batches (rules L8,
 * I1 to I3, I6). A function of the log up to an offset. Belongs to its log.
 *
 * <p>Snapshot {@code <20-digit offset>.snapshot}, sealed as {@link SealedFile} with kind "KPRO":
 *
 * <pre>
 * offset size field
 *      0    8 offset                   the state covers the records below it
 *      8    1 forgot                   1: the log may have had producers that are not known here
 *      9    4 count
 *     13    … per producer, the one appended to longest ago first: 8 id, 2 epoch, 8 last use (ms
 *             since 1970), 1 number of batches (1 to 5), and per batch, oldest first:
 *             4 base sequence, 4 last sequence, 8 base offset, 8 last offset, 8 append time or -1
 * </pre>
 *
 * <p>The last use is when this replica appended the newest batch, by its own clock (rule I3), not
 * what the batch says of itself: a producer of old records would be forgotten at the first look.
 * Batches that are read again without a snapshot count as used when their segment was last written.
 */
public final class ProducerState {
  /** Ids from here on number requests over all partitions (rule I6). */
  public static final long FIRST_REQUEST_COUNTING_ID = 1L << 52;

  /** So many of the newest batches of a producer are known. */
  public static final int BATCHES_KEPT = 5;

  private static final int SEQUENCES = 31;
  private static final SealedFile FORMAT = SealedFile.of("KPRO", 2, 256 << 20);

  private static final int PRODUCER_BYTES = 19;

  // Of the many logs that never had a producer with an id.
  private static final Map<Long, Producer> NOBODY = Map.of();

  /** The one appended to longest ago first. */
  private Map<Long, Producer> producers = NOBODY;

  private boolean forgot;

  /** What a batch of a client meets. */
  public sealed interface Verdict {
    /** To be appended. */
    record Fresh() implements Verdict {}

    /** The same batch is there already (rule I2). */
    record Repeated(BatchInfo first) implements Verdict {}

    /** Not to be appended. */
    record Refused(ApiError error) implements Verdict {}
  }

  /**
   * A batch as it is remembered.
   *
   * @param appendTimeMs of the leader, or -1 with create time
   */
  public record BatchInfo(
      int baseSequence, int lastSequence, long baseOffset, long lastOffset, long appendTimeMs) {
    static final int BYTES = 32;
  }

  private static final class Producer {
    private short epoch;
    private long lastUsedMs;
    private final ArrayDeque<BatchInfo> batches = new ArrayDeque<>(BATCHES_KEPT + 1);

    private Producer(short epoch) {
      this.epoch = epoch;
    }

    private boolean isBelow(long offset) {
      return batches.getLast().lastOffset < offset;
    }
  }

  /** Judges a batch of a client; changes nothing. */
  public Verdict check(RecordBatch batch, boolean logIsEmpty) {
    long id = batch.producerId();
    if (id == RecordBatch.NO_PRODUCER_ID) {
      return new Verdict.Fresh();
    }
    if (id < 0 || batch.producerEpoch() < 0 || batch.baseSequence() < 0) {
      return refused(ErrorReason.INVALID_BATCH, batch, "has a negative number", true);
    }
    Producer known = producers.get(id);
    if (known == null || known.batches.isEmpty()) {
      return checkUnknown(batch, logIsEmpty);
    }
    if (batch.producerEpoch() < known.epoch) {
      return refused(
          ErrorReason.PRODUCER_FENCED, batch, "is older than epoch " + known.epoch, true);
    }
    if (batch.producerEpoch() > known.epoch) {
      return countsRequests(id) || batch.baseSequence() == 0
          ? new Verdict.Fresh()
          : refused(ErrorReason.SEQUENCE_OUT_OF_ORDER, batch, "a new epoch begins at 0", true);
    }
    return checkSequence(batch, known.batches);
  }

  private Verdict checkUnknown(RecordBatch batch, boolean logIsEmpty) {
    // Rule I3: only a log that forgot something may believe in batches that it does not know.
    if (batch.baseSequence() == 0
        || countsRequests(batch.producerId())
        || (forgot && !logIsEmpty)) {
      return new Verdict.Fresh();
    }
    return refused(
        ErrorReason.SEQUENCE_OUT_OF_ORDER, batch, "the first sequence here must be 0", true);
  }

  private static Verdict checkSequence(RecordBatch batch, ArrayDeque<BatchInfo> known) {
    boolean requests = countsRequests(batch.producerId());
    for (BatchInfo info : known) {
      if (info.baseSequence == batch.baseSequence()
          && (requests || info.lastSequence == batch.lastSequence())) {
        return new Verdict.Repeated(info);
      }
    }
    BatchInfo newest = known.getLast();
    BatchInfo oldest = known.getFirst();
    if (!requests && batch.baseSequence() == next(newest.lastSequence)) {
      return new Verdict.Fresh();
    }
    if (distance(newest.baseSequence, batch.baseSequence()) > 0) {
      if (requests) {
        return new Verdict.Fresh();
      }
      // Beginning inside the newest batch, part of it may be there under another cut.
      boolean overlaps = distance(newest.lastSequence, batch.baseSequence()) <= 0;
      return refused(
          ErrorReason.SEQUENCE_OUT_OF_ORDER,
          batch,
          "where " + next(newest.lastSequence) + " was due",
          !overlaps);
    }
    if (distance(batch.baseSequence(), oldest.baseSequence) > 0) {
      return refused(
          ErrorReason.SEQUENCE_TOO_OLD,
          batch,
          "is before " + oldest.baseSequence + ", the oldest that is remembered",
          false);
    }
    return refused(
        ErrorReason.SEQUENCE_OUT_OF_ORDER, batch, "was never seen among the last ones", requests);
  }

  /**
   * Takes note of a batch that has been appended, by a leader or a follower or long ago.
   *
   * @param whenMs by this replica's clock
   */
  public void onAppended(RecordBatch batch, long whenMs) {
    long id = batch.producerId();
    if (id < 0 || batch.baseSequence() < 0) {
      return;
    }
    makeRoom();
    Producer known = producers.remove(id);
    Producer producer = known == null ? new Producer(batch.producerEpoch()) : known;
    producers.put(id, producer);
    producer.lastUsedMs = whenMs;
    if (producer.epoch != batch.producerEpoch()) {
      producer.epoch = batch.producerEpoch();
      producer.batches.clear();
    }
    producer.batches.add(
        new BatchInfo(
            batch.baseSequence(),
            batch.lastSequence(),
            batch.baseOffset(),
            batch.lastOffset(),
            batch.isAppendTime() ? batch.maxTimestamp() : -1));
    if (producer.batches.size() > BATCHES_KEPT) {
      producer.batches.remove();
    }
  }

  /** Records or producers went: later batches of producers unknown here are believed (I3). */
  public void onRecordsDeleted() {
    forgot = true;
  }

  /** The log was cut: batches of producers unknown here are no longer believed (rule I3). */
  public void onTruncated() {
    forgot = false;
  }

  /**
   * Forgets producers that were not used for some time (rule I3), but none with a batch that is not
   * committed yet: its repetition must be known.
   *
   * @param nowMs by the clock that {@link #onAppended} is told by
   * @param committedEnd a lower bound of the high watermark
   * @return how many
   */
  public int forgetIdle(long nowMs, long idleMs, long committedEnd) {
    int before = producers.size();
    Iterator<Producer> all = producers.values().iterator();
    while (all.hasNext()) {
      Producer eldest = all.next();
      // A clock that was ahead and has been put right must not keep it, and all behind it, for
      // ever.
      eldest.lastUsedMs = Math.min(eldest.lastUsedMs, nowMs);
      if (nowMs - eldest.lastUsedMs < idleMs || !eldest.isBelow(committedEnd)) {
        break;
      }
      all.remove();
    }
    return forgotten(before);
  }

  /**
   * Forgets the producers appended to longest ago until so many are left, or one is not committed.
   *
   * @return how many
   */
  public int keepAtMost(int most, long committedEnd) {
    int before = producers.size();
    Iterator<Producer> all = producers.values().iterator();
    while (producers.size() > most && all.next().isBelow(committedEnd)) {
      all.remove();
    }
    return forgotten(before);
  }

  private int forgotten(int before) {
    int gone = before - producers.size();
    if (gone > 0) {
      onRecordsDeleted();
    }
    return gone;
  }

  /** Forgets all. */
  public void clear() {
    producers = NOBODY;
    forgot = false;
  }

  /**
   * For each producer the last offsets of its remembered batches that end below an offset, if any:
   * what compaction below that offset leaves (rule D5).
   */
  public Map<Long, List<Long>> lastOffsetsBelow(long offset) {
    Map<Long, List<Long>> found = new TreeMap<>();
    producers.forEach(
        (id, producer) ->
            found.put(
                id,
                producer.batches.stream()
                    .map(BatchInfo::lastOffset)
                    .filter(last -> last < offset)
                    .toList()));
    return found;
  }

  private void makeRoom() {
    if (!(producers instanceof LinkedHashMap)) {
      producers = new LinkedHashMap<>();
    }
  }

  /** How many producers are known. */
  public int size() {
    return producers.size();
  }

  /** A snapshot that covers the records below an offset: the content of a file. */
  public ByteBuffer snapshot(long offset) {
    int bytes = 13;
    for (Producer producer : producers.values()) {
      bytes += PRODUCER_BYTES + producer.batches.size() * BatchInfo.BYTES;
    }
    ByteBuffer payload = ByteBuffer.allocate(bytes);
    payload.putLong(offset).put((byte) (forgot ? 1 : 0)).putInt(producers.size());
    producers.forEach((id, producer) -> encode(id, producer, payload));
    return FORMAT.seal(payload.flip());
  }

  private static void encode(long id, Producer producer, ByteBuffer payload) {
    payload.putLong(id).putShort(producer.epoch).putLong(producer.lastUsedMs);
    payload.put((byte) producer.batches.size());
    for (BatchInfo info : producer.batches) {
      payload.putInt(info.baseSequence).putInt(info.lastSequence);
      payload.putLong(info.baseOffset).putLong(info.lastOffset).putLong(info.appendTimeMs);
    }
  }

  /**
   * Reads a snapshot; empty if there is none.
   *
   * @param offset what it must cover exactly
   * @throws io.kontiki.runtime.StorageException CORRUPT if it cannot be believed
   */
  public static Optional<ProducerState> read(FileStore store, String path, long offset) {
    return FORMAT.read(store, path, payload -> decode(payload, offset));
  }

  /**
   * Parses the content of a snapshot.
   *
   * @param path for the message of an error
   * @param offset what it must cover exactly
   * @throws io.kontiki.runtime.StorageException CORRUPT if it cannot be believed
   */
  public static ProducerState parse(String path, ByteBuffer content, long offset) {
    return FORMAT.parse(path, content, payload -> decode(payload, offset));
  }

  private static ProducerState decode(ByteBuffer payload, long offset) {
    long covered = payload.getLong();
    if (covered != offset) {
      throw new IllegalArgumentException("covers " + covered + " instead of " + offset);
    }
    ProducerState state = new ProducerState();
    state.forgot = payload.get() == 1;
    int count = SealedFile.count(payload, PRODUCER_BYTES + BatchInfo.BYTES);
    for (int i = 0; i < count; i++) {
      long id = payload.getLong();
      Producer producer = new Producer(payload.getShort());
      producer.lastUsedMs = payload.getLong();
      int batches = payload.get();
      if (id < 0 || batches < 1 || batches > BATCHES_KEPT || state.producers.containsKey(id)) {
        throw new IllegalArgumentException("producer " + id + " with " + batches + " batches");
      }
      for (int j = 0; j < batches; j++) {
        producer.batches.add(
            new BatchInfo(
                payload.getInt(),
                payload.getInt(),
                payload.getLong(),
                payload.getLong(),
                payload.getLong()));
      }
      state.makeRoom();
      state.producers.put(id, producer);
    }
    return state;
  }

  private static boolean countsRequests(long producerId) {
    return producerId >= FIRST_REQUEST_COUNTING_ID;
  }

  private static int next(int sequence) {
    return sequence == Integer.MAX_VALUE ? 0 : sequence + 1;
  }

  /** How far {@code to} lies behind {@code from}, modulo 2^31: negative if before it. */
  private static int distance(int from, int to) {
    int forward = (to - from) & 0x7fffffff;
    return forward < 1 << (SEQUENCES - 1) ? forward : forward - Integer.MAX_VALUE - 1;
  }

  private static Verdict refused(
      ErrorReason reason, RecordBatch batch, String what, boolean definite) {
    String message =
        "producer %d epoch %d: sequence %d %s"
            .formatted(batch.producerId(), batch.producerEpoch(), batch.baseSequence(), what);
    return new Verdict.Refused(
        definite ? ApiError.definite(reason, message) : ApiError.indefinite(reason, message));
  }
}
