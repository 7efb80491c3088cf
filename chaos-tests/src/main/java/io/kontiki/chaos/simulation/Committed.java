package io.kontiki.chaos.simulation;

import io.kontiki.broker.api.ProducerIds;
import io.kontiki.model.Acks;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What is committed of one partition: everything that any replica has had below its high watermark,
 * that any client was told to be acknowledged, or that any consumer has read. Nothing here may ever
 * be gone or have been something else.
 */
public final class Committed {
  private final PartitionId id;
  private final TreeMap<Long, Entry> entries = new TreeMap<>();
  private final Map<Long, Long> baseOf = new HashMap<>();
  private final Map<Long, Integer> nextSequence = new HashMap<>();
  private final Map<Integer, Integer> leaders = new HashMap<>();
  private final Set<Long> refused = new HashSet<>();
  private final TreeMap<Long, Long> expected = new TreeMap<>();
  private @Nullable Compacted compacted;
  private int unclean = -1;
  private int uncleanLeader = -1;
  private long kept;
  private boolean open;
  private boolean settling;
  private boolean lenient;
  private boolean ledUnseen;

  /** What was deleted where nobody looked: from, and up to where. */
  private final TreeMap<Long, Long> unseen = new TreeMap<>();

  /** Where the log began by which the newest unclean election was settled. */
  private long settledFrom;

  private String excuse = "";
  private long end;
  private long acked;
  private long start;
  private long deleted;

  Committed(PartitionId id) {
    this.id = id;
  }

  /** A batch as it was first seen. */
  record Entry(long base, long next, int epoch, long crc, long value, String seen) {}

  /** Whether what is acknowledged must still be there: nothing excuses a loss so far. */
  public boolean promised() {
    return excuse.isEmpty() && !open;
  }

  /** Whether something may have been lost, and whatever a client knows may be of before. */
  boolean mayHaveLost() {
    return !promised() || unclean >= 0;
  }

  /**
   * A replica leads from this epoch on that need not hold what is committed (R19): what it lacks is
   * lost, and nothing else. Until it has committed something in that epoch, nothing is looked at.
   *
   * @param kept exclusive end of what it holds of that
   */
  void uncleanElection(int epoch, int broker, long kept) {
    if (compacted != null) {
      excuse("an unclean election of a compacted partition");
    }
    unclean = epoch;
    uncleanLeader = broker;
    this.kept = kept;
    open = true;
    expected.clear();
  }

  /**
   * A process ends. What was written of a log with durability fsync, and in no commit of its
   * journal, was not held (R36), and the next start cuts it (D10): a leader of an unclean election
   * that has committed nothing yet loses it, too.
   */
  void stops(int broker, long held) {
    if (open && broker == uncleanLeader) {
      kept = Math.min(kept, held);
    }
  }

  /** What it had not synced is lost, too. */
  void lossyStop(int broker) {
    if (open && broker == uncleanLeader) {
      kept = 0;
    }
  }

  /** Whether somebody who leads, or follows, in this epoch is not of what is looked at now. */
  boolean isOfBefore(int epoch) {
    return epoch < unclean;
  }

  /** The leader epoch of the newest unclean election; -1: none. */
  int unclean() {
    return unclean;
  }

  /** Whether nothing was committed yet since an unclean election. */
  boolean open() {
    return open && excuse.isEmpty();
  }

  /**
   * The leader of an unclean election, or one that came after it, knows what is committed now: its
   * log from its beginning on.
   */
  void settles(List<RecordBatch> log, long start, String where) {
    TreeMap<Long, Entry> before = new TreeMap<>(entries);
    open = false;
    entries.clear();
    baseOf.clear();
    nextSequence.clear();
    this.start = start;
    deleted = 0; // where its log begins was told to it, and need not be on its disk
    end = log.isEmpty() ? start : log.get(0).baseOffset();
    settledFrom = end;
    // Its files have nothing of what lies before, which is deleted; those of others may. Of that,
    // what the elected one agreed with is what it was.
    before.headMap(Math.min(end, kept)).forEach(this::remains);
    settling = true;
    log.forEach(batch -> saw(batch, where));
    settling = false;
    before.subMap(Math.min(start, kept), kept).forEach((base, entry) -> stays(base, entry, where));
  }

  private void remains(long base, Entry entry) {
    if (entry.next() <= Math.min(settledFrom, kept)) {
      entries.put(base, entry);
    }
  }

  private void stays(long base, Entry entry, String where) {
    Entry now = entries.get(base);
    if (base >= start
        && (now == null
            || now.value() != entry.value()
            || now.epoch() != entry.epoch()
            || now.crc() != entry.crc())) {
      throw new Violation(
          "R19",
          id
              + ": an unclean election in epoch "
              + unclean
              + " of broker "
              + uncleanLeader
              + ", which had everything up to "
              + kept
              + ", and "
              + where
              + " has "
              + now
              + " instead of "
              + entry);
    }
  }

  /** Why what was acknowledged may be gone; empty: it may not. */
  public String excuse() {
    return excuse;
  }

  /** From here on a loss is no violation (P2, P3, R19). */
  void excuse(String why) {
    if (excuse.isEmpty()) {
      excuse = why;
    }
  }

  /** From now on clients may hear of something before it is seen: some replica is not looked at. */
  void lenient() {
    lenient = true;
  }

  /**
   * A replica that is not looked at leads: what it commits it may compact (L6) before anybody else
   * knows that it is committed, and what was committed before because of it.
   */
  void ledUnseen() {
    ledUnseen = true;
    if (compacted != null) {
      compacted.ledUnseen();
    }
  }

  /** What was compacted away for something newer that nobody has seen to this day (L6). */
  String owed() {
    return compacted == null || !promised() ? "" : compacted.owed();
  }

  /** A replica's log begins here: what lies before was committed and deleted where nobody looks. */
  void unseenUpTo(long offset) {
    if (lenient && offset > end) {
      deletedUnseen(offset);
    }
  }

  /** A leader has committed everything up to there and deleted it before anybody looked. */
  void deletedUnseen(long offset) {
    expected.subMap(end, offset).clear(); // as what is acknowledged only after this
    passedOver(offset);
    nextSequence.clear();
  }

  private void passedOver(long to) {
    Map.Entry<Long, Long> last = unseen.lastEntry();
    unseen.put(last != null && last.getValue() == end ? last.getKey() : end, to);
    end = to;
    if (compacted != null) {
      compacted.unseenUpTo(to);
    }
  }

  /** Whether nobody looked at what was there when it was committed, or since it was settled. */
  private boolean isUnknown(long base) {
    Map.Entry<Long, Long> gap = unseen.floorEntry(base);
    return !entries.containsKey(base)
        && (base < settledFrom || (gap != null && base < gap.getValue()));
  }

  private boolean knowsAllProducers() {
    return unclean < 0 && unseen.isEmpty();
  }

  /** What was acknowledged and has not been seen yet. */
  String unseen() {
    expected.headMap(start).clear(); // deleted before anybody looked
    return expected.isEmpty() || !promised() ? "" : id + ": acknowledged, not seen: " + expected;
  }

  /** The partition. */
  public PartitionId id() {
    return id;
  }

  /** Exclusive end of what is committed. */
  public long end() {
    return end;
  }

  /** The farthest beginning of a replica's log that was seen: what lies before may be gone. */
  public long start() {
    return start;
  }

  /** A replica's log begins here, which lies not behind the end of what is committed. */
  void starts(long offset) {
    start = Math.max(start, offset);
  }

  /** Who asked was told that everything before is gone. */
  void deleted(long before) {
    deleted = Math.max(deleted, before);
  }

  /** No leader's log may begin before this offset (D5). */
  long deleted() {
    return deleted;
  }

  /**
   * Exclusive end of what a replica's files have of it, without anything else before that. It may
   * lie before the start: who missed a deletion has what was deleted, and perhaps not all of it.
   *
   * @param begins where its log begins: it has everything up to there if its files have nothing
   */
  long agreesUpTo(ReplicaReader files, long begins) {
    long[] agreed = {-1};
    boolean[] differs = {false};
    files.readTo(
        end,
        batch -> {
          Entry known = entries.get(batch.baseOffset());
          differs[0] |=
              known == null
                  ? batch.baseOffset() >= start
                  : known.crc() != batch.crc() || known.epoch() != batch.leaderEpoch();
          if (!differs[0]) {
            agreed[0] = batch.nextOffset();
          } else if (agreed[0] < 0) {
            agreed[0] = batch.baseOffset();
          }
        });
    return Math.min(agreed[0] < 0 ? Math.min(begins, start) : agreed[0], end);
  }

  /** Acknowledged batches. */
  public long acked() {
    return acked;
  }

  /** A batch is sent, perhaps again after a refusal. */
  void sends(long value) {
    refused.remove(value);
  }

  /** Refused for certain: it must not be seen, unless it is sent again (P4). */
  void refused(long value) {
    Long base = baseOf.get(value);
    if (base != null && promised()) {
      throw new Violation("P4", id + ": " + value + " is at " + base + " and was refused");
    }
    refused.add(value);
  }

  /** A batch is below somebody's high watermark. */
  void saw(RecordBatch batch, String where) {
    judge(batch, where);
    if (ledUnseen && promised() && isCompacted(batch)) {
      // Whoever has it like that fetched it so: it was committed where nobody looks (L6).
      unseenUpTo(batch.nextOffset());
    }
  }

  /** Whether records of it are gone: as it was appended, it has one for each of its offsets. */
  private static boolean isCompacted(RecordBatch batch) {
    return batch.recordCount() < batch.nextOffset() - batch.baseOffset();
  }

  /**
   * Compares a batch that is committed with what was seen of it before, or notes it if it is new,
   * and as it was appended.
   */
  private void judge(RecordBatch batch, String where) {
    if (!promised()) {
      return;
    }
    long base = batch.baseOffset();
    if (base < end && isUnknown(base) && !batch.isPlaceholder()) {
      if (batch.nextOffset() > end) {
        passedOver(batch.nextOffset()); // records were deleted up to an offset within it (R32)
      }
      return;
    }
    if (base < end && compacted != null) {
      Entry same = entries.get(base);
      if (same == null || same.next() != batch.nextOffset() || same.crc() != batch.crc()) {
        compacted.saw(batch, where);
        return;
      }
    }
    long value = Values.of(batch);
    if (base < end) {
      Entry known = entries.get(base);
      if (known == null
          || known.value() != value
          || known.next() != batch.nextOffset()
          || known.epoch() != batch.leaderEpoch()
          || known.crc() != batch.crc()) {
        throw new Violation(
            "P5",
            id
                + " at offset "
                + base
                + ": "
                + where
                + " has "
                + value
                + " of epoch "
                + batch.leaderEpoch()
                + ", but committed is "
                + known);
      }
      return;
    }
    if (base > end) {
      throw new Violation(
          "P5",
          id
              + ": "
              + where
              + " has committed "
              + value
              + " at "
              + base
              + ", behind a gap from "
              + end);
    }
    if (batch.computeCrc() != batch.crc()) {
      throw new Violation("L2", id + ": " + where + " has a damaged batch at " + base);
    }
    if (refused.contains(value)) {
      throw new Violation("P4", id + ": " + value + " was refused and is at " + base);
    }
    if (Values.keyed(batch)) {
      if (compacted == null) {
        compacted = new Compacted(id);
        if (ledUnseen) {
          compacted.ledUnseen();
        }
      }
      if (isCompacted(batch)) {
        if (!ledUnseen) {
          throw new Violation(
              "L6", id + ": " + where + " has compacted what nobody had committed: " + batch);
        }
        return; // others may have it as it was appended
      }
      compacted.commits(batch);
    }
    Long before = baseOf.put(value, base);
    if (before != null && before >= start) {
      throw new Violation("P8", id + ": " + value + " is at " + before + " and at " + base);
    }
    if (batch.producerId() >= 0) {
      int expected = nextSequence.getOrDefault(batch.producerId(), 0);
      // What was deleted is forgotten, with the producers that had nothing behind it (I3).
      // Nor is known what was lost of a producer.
      boolean known =
          !settling && (knowsAllProducers() || nextSequence.containsKey(batch.producerId()));
      // Thin clients count their requests, of which others go elsewhere: gaps, never back (I6).
      boolean thin = batch.producerId() >= ProducerIds.FIRST_THIN;
      boolean follows = thin ? batch.baseSequence() >= expected : batch.baseSequence() == expected;
      if (known && !follows && before == null) {
        throw new Violation(
            "I1",
            id
                + " at "
                + base
                + ": producer "
                + batch.producerId()
                + " goes on with sequence "
                + batch.baseSequence()
                + " instead of "
                + expected);
      }
      nextSequence.put(
          batch.producerId(), (thin ? batch.baseSequence() : batch.lastSequence()) + 1);
    }
    Long awaited = expected.remove(base);
    if (awaited != null && awaited != value) {
      throw new Violation(
          "P1", id + ": " + awaited + " was acknowledged at " + base + ", where there is " + value);
    }
    entries.put(
        base, new Entry(base, batch.nextOffset(), batch.leaderEpoch(), batch.crc(), value, where));
    end = batch.nextOffset();
  }

  /** Its records as they were committed, if they have keys. */
  @Nullable Compacted compacted() {
    return compacted;
  }

  /**
   * A client was told.
   *
   * @param held whether all that count hold what is there, where nobody has been seen to call it
   *     committed
   */
  void acked(long value, long base, Acks acks, int epoch, BooleanSupplier held) {
    acked++;
    if (acks != Acks.ALL || !promised() || isOfBefore(epoch)) {
      return;
    }
    Entry known = entries.get(base);
    if (isUnknown(base)) {
      return;
    }
    if (known == null && base >= end && (lenient || held.getAsBoolean())) {
      expected.put(base, value);
      return;
    }
    if (known == null || known.value() != value) {
      throw new Violation(
          "P1", id + ": " + value + " was acknowledged at " + base + ", where there is " + known);
    }
  }

  /** A consumer has got it. */
  void read(RecordBatch batch, String consumer) {
    if (lenient && batch.baseOffset() > end) {
      return;
    }
    if (batch.baseOffset() >= end && promised() && !lenient) {
      throw new Violation(
          "R22",
          id
              + ": "
              + consumer
              + " has read "
              + Values.of(batch)
              + " at "
              + batch.baseOffset()
              + ", and committed is only what is below "
              + end);
    }
    judge(batch, consumer);
  }

  /** A broker leads in an epoch. */
  void leads(int broker, int epoch) {
    Integer before = leaders.putIfAbsent(epoch, broker);
    if (before != null && before != broker && promised()) {
      throw new Violation(
          "R25", id + ": brokers " + before + " and " + broker + " lead in epoch " + epoch);
    }
  }
}
