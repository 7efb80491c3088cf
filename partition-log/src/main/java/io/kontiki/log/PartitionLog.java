package io.kontiki.log;

import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Completion;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The log of one replica of one partition (rules L1 to L9).
 *
 * <ul>
 *   <li>Belongs to one loop: every method is called there and every completion runs there.
 *   <li>Buffers handed in are kept as they are until their bytes are on disk; they must not change
 *       afterwards and are never pooled. Buffers handed out are read-only views that stay valid.
 *   <li>A failed write or sync takes the log offline: from then on every call that needs its files
 *       throws {@link io.kontiki.runtime.StorageException}, and the listener is told (rule L4).
 *   <li>What runs off the loop comes back with the truncation count that it started under; anything
 *       older is dropped inside (rule R41).
 * </ul>
 */
public interface PartitionLog {
  /** Which partition. */
  PartitionId id();

  /** The first offset that is there, or would be. Never goes back. */
  long logStartOffset();

  /** The offset of the next record, exclusive end of what is written. */
  long logEndOffset();

  /** Exclusive end of what this replica holds as its durability demands (rule R36). */
  long heldEndOffset();

  /**
   * The log start that any recovery will find at least (rule D5); not above {@link
   * #logStartOffset}. {@link Listener#onHeld} tells when it rises.
   */
  long durableLogStart();

  /** The leader epochs and where each began. */
  LeaderEpochs epochs();

  /**
   * Enters a new leader epoch at the log end, before the leader serves, even with no record yet
   * (rule R29). Durable no later than the first record of the epoch is held.
   */
  void beginEpoch(int leaderEpoch);

  /**
   * Checks one batch of a client against the producer state and appends it: stamps base offset and
   * leader epoch into the buffer. The CRC has been checked before.
   *
   * @param batch exactly one valid batch, writable
   * @param nowMs for append-time topics
   */
  AppendOutcome appendAsLeader(ByteBuffer batch, int leaderEpoch, long nowMs);

  /**
   * Appends batches as the leader shipped them. Each is checked first: size, CRC, base offset equal
   * to the log end, epoch not falling and not above {@code leaderEpoch} (rule R30). At the first
   * bad one everything before it is kept and the fault is returned. An empty log takes a first
   * batch that begins before its log start and ends behind it; the start stays (rule R32).
   *
   * @param batches whole batches, one behind the other
   */
  FollowerAppend appendAsFollower(ByteBuffer batches, int leaderEpoch);

  /**
   * Reads whole batches from the one that contains {@code offset}; of an empty one that stands for
   * what compaction took, what lies from {@code offset} on, so that a follower whose log ends
   * inside can go on.
   *
   * <p>Completes at once, inside the call, if the bytes are in the hot region (rule L2); else
   * later, from the read pool.
   *
   * @param offset from log start to log end; outside: an empty answer
   * @param limitOffset exclusive; batches that reach beyond are not returned
   * @param maxBytes at least one batch is returned whatever its size, if there is one
   */
  void read(long offset, long limitOffset, int maxBytes, Completion<ReadOutcome> completion);

  /** As {@link #read}; but what is not in memory may come as a range of a file. */
  default void readForSending(
      long offset, long limitOffset, int maxBytes, Completion<ReadOutcome> completion) {
    read(offset, limitOffset, maxBytes, completion);
  }

  /**
   * As {@link #read}, for a replica of which it is known that it has everything before {@code
   * offset}: what is sound behind mendable damage is read, too (rule D9).
   */
  void readForReplica(
      long offset, long limitOffset, int maxBytes, Completion<ReadOutcome> completion);

  /**
   * Forgets everything from {@code offset} on; producer state is rebuilt (rule I1), epochs are
   * trimmed, also when {@code offset} is exactly the log end (rule R29).
   */
  void truncateTo(long offset);

  /** Forgets everything and starts again, empty, at {@code offset} (rule R32). */
  void restartAt(long offset);

  /**
   * Raises the log start; segments wholly below it go once that is durable (rule D5). Reads below
   * it give nothing from now on, also those that are under way.
   */
  void advanceLogStart(long offset);

  /** Closes the segment that is appended to if its first record is older than segment.ms. */
  void rollIfOld();

  /**
   * Where the log should start by the topic's retention (rule L6); changes nothing. May read files,
   * so it may complete later; not at all if the log is cut or goes away meanwhile.
   *
   * @param limitOffset exclusive end of what may go: the high watermark (rule D5)
   * @param byTime false: only by size, while no clock can be trusted (P17)
   * @param completion the log start if nothing is due
   */
  void retainedStart(long limitOffset, boolean byTime, Completion<Long> completion);

  /**
   * Completes when everything that was done before the call (appends, truncations, epochs) is
   * durable, whatever the topic's durability (rule D8).
   */
  void whenDurable(Runnable completion);

  /**
   * The first record whose timestamp is at least {@code timestampMs}, below {@code limitOffset}.
   * Reads files, so it may complete later.
   */
  void offsetForTime(long timestampMs, long limitOffset, Completion<TimeLookup> completion);

  /** Other settings of its topic, but for the durability, which stays (rule R36). */
  void changeSettings(LogSettings settings);

  /** The high watermark to remember (rule R39): a lower bound, never used to truncate. */
  void noteHighWatermark(long highWatermark);

  /** The high watermark remembered from an earlier life, capped by the recovered end. */
  long checkpointedHighWatermark();

  /** Bytes of its segments. */
  long sizeBytes();

  /**
   * About so many bytes lie at or behind an offset: exact to an index entry in the newest segment,
   * estimated within an older one.
   */
  long bytesFrom(long offset);

  /** Whether there was damage or doubt that is not resolved (rules D2, R3). */
  boolean doubtful();

  /** What was doubtful has been compared with a leader's log, and is in the ISR again. */
  void clearDoubt();

  /**
   * The damage that is not mended: from its offset on nothing is served, and what lies behind only
   * shipped to who has what lay there (rule D9).
   */
  Optional<Damage> damage();

  /**
   * Puts back what damage took, over the bad bytes, in place (rule D9): the same batches have the
   * same bytes on every replica. A copy of the bad bytes is kept aside. A crash on the way leaves
   * damage, which is found again. The rest of the log is checked afterwards.
   *
   * @param batches whole batches of a replica whose log is known to agree with this one, the first
   *     with the damage's offset; each is checked as one that is read
   * @param completion durable by then: the damage that is left at or behind that offset, or empty
   */
  void mend(List<ByteBuffer> batches, Completion<Optional<Damage>> completion);

  /**
   * Below it tombstones may be missing, by compaction here or where the records came from; 0
   * without compaction. A log that ends below it must not go on from here (rule L6): it may have
   * records of which only such a tombstone tells that they are deleted.
   *
   * @param shippedFrom where such a log ends: if it may go on, a pass that is under way drops no
   *     tombstone behind; {@link Listener#shippedFrom} tells the next ones
   */
  long forgottenBelow(long shippedFrom);

  /**
   * Forgets producers that were not used for {@link LogConfig.Producers#idleMs}, by the wall clock,
   * and have no batch at or above the noted high watermark (rule I3).
   */
  void forgetIdleProducers();

  /** Producer ids with live state here; for metrics. */
  int producerCount();

  /** The outcome of {@link #appendAsLeader}. */
  sealed interface AppendOutcome {
    /** Written; held later. */
    record Appended(long baseOffset, long lastOffset, long appendTimeMs) implements AppendOutcome {}

    /**
     * The same batch is there already (rule I2): answer with its offsets, once they are committed.
     */
    record Duplicate(long baseOffset, long lastOffset, long appendTimeMs)
        implements AppendOutcome {}

    /** Not written. */
    record Refused(io.kontiki.model.ApiError error) implements AppendOutcome {}
  }

  /**
   * The outcome of {@link #appendAsFollower}.
   *
   * @param endOffset the log end now
   * @param fault empty if all was appended; else what was wrong with the first batch refused
   * @param diskFull nothing is wrong with it, but there is no room (rule D4)
   */
  record FollowerAppend(long endOffset, String fault, boolean diskFull) {
    /** Not for want of room. */
    public FollowerAppend(long endOffset, String fault) {
      this(endOffset, fault, false);
    }

    /** Whether everything was appended. */
    public boolean complete() {
      return fault.isEmpty();
    }
  }

  /**
   * What was read.
   *
   * @param batches whole batches; empty if there is nothing to read
   * @param bytes of all of them
   * @param corruptAt offset of the damage that stopped the read (rule D9), or empty
   * @param range instead of the batches, only for {@link #readForSending}; or null
   */
  record ReadOutcome(
      List<ByteBuffer> batches, int bytes, OptionalLong corruptAt, @Nullable StoredRange range) {
    /** Batches, perhaps none. */
    public ReadOutcome(List<ByteBuffer> batches, int bytes, OptionalLong corruptAt) {
      this(batches, bytes, corruptAt, null);
    }

    /** Whether nothing was read. */
    public boolean isEmpty() {
      return bytes == 0;
    }
  }

  /**
   * What was found for a time.
   *
   * @param offset empty: no such record
   * @param timestampMs of the record, -1 if none
   * @param leaderEpoch of the record, -1 if none
   * @param corruptAt offset of the damage that stopped the search (rule D9), or empty
   */
  record TimeLookup(
      OptionalLong offset, long timestampMs, int leaderEpoch, OptionalLong corruptAt) {}

  /**
   * Bytes of this log that are not what was written.
   *
   * @param offset from which on nothing can be read
   * @param mendable whether {@link #mend} can put it right: the log is known to its end. Else a
   *     recovery found it, and the log is cut there and fetched again (rule L3)
   */
  record Damage(long offset, boolean mendable) {}

  /** Told on the log's loop. */
  interface Listener {
    /**
     * From which offset on another replica is being shipped this log: tombstones behind stay until
     * it has them. The greatest long: none is.
     */
    default long shippedFrom() {
      return Long.MAX_VALUE;
    }

    /** More is held, or the durable log start has risen; several steps may come as one. */
    void onHeld(long heldEndOffset);

    /** The log directory is offline (rule L4). */
    void onOffline(io.kontiki.runtime.StorageException cause);

    /** A read or a check found damage (rule D9); see {@link PartitionLog#damage}. */
    void onDamaged(long offset);
  }
}
