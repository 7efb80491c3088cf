package io.kontiki.broker.partition;

import io.kontiki.broker.partition.TestDisk.Content;
import io.kontiki.broker.partition.TestDisk.Entry;
import io.kontiki.log.LeaderEpochs;
import io.kontiki.log.LogSettings;
import io.kontiki.log.PartitionLog;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A log in memory on a {@link TestDisk}; its syncs take the time that the test says. */
final class TestLog implements PartitionLog, LeaderEpochs {
  final TestDisk disk;
  private final PartitionId id;
  private final Durability durability;
  private final EventLoop loop;
  private final Listener listener;
  private final LongSupplier syncNanos;
  private final List<Entry> entries;
  private final TreeMap<Integer, Long> epochs;
  private final TreeMap<Long, List<Runnable>> durableWaiters = new TreeMap<>();

  /** Reads below this offset complete later, as from a read pool. */
  long coldBelow;

  /** Such a read comes back empty: its segment went meanwhile (rule R41). */
  boolean nothingWhenCold;

  /** Told of each read that begins (1) or ends (-1) later. */
  IntConsumer onColdRead = change -> {};

  /** The next data of a leader count as damaged (rule R30). */
  boolean refuseNext;

  /** How often it was asked to close an old segment. */
  int rolls;

  /** How often it was asked to forget idle producers. */
  int looksAtProducers;

  /** Where its retention, by time, would let it start. */
  long retained;

  /** As changed since it was opened. */
  @Nullable LogSettings settings;

  private Optional<Damage> damage = Optional.empty();
  private boolean failed;
  private long start;
  private long held;
  private long changes;
  private long truncations;
  private boolean syncing;

  TestLog(
      PartitionId id,
      Durability durability,
      TestDisk disk,
      EventLoop loop,
      LongSupplier syncNanos,
      Listener listener) {
    this.id = id;
    this.durability = durability;
    this.disk = disk;
    this.loop = loop;
    this.syncNanos = syncNanos;
    this.listener = listener;
    this.entries = new ArrayList<>(disk.cached.entries());
    this.epochs = new TreeMap<>(disk.cached.epochs());
    this.start = disk.cached.start();
    this.held = logEndOffset();
  }

  /** The disk fails (rule L4). */
  void fail() {
    failed = true;
    listener.onOffline(new StorageException(StorageException.Kind.IO, "log", -1, "disk failed"));
  }

  private Content content() {
    return new Content(start, new ArrayList<>(entries), new TreeMap<>(epochs));
  }

  private void changed() {
    changes++;
    disk.cached = content();
    if (durability == Durability.REPLICATED) {
      held = logEndOffset();
    }
    if (!syncing) {
      sync();
    }
  }

  private void sync() {
    syncing = true;
    Content snapshot = content();
    long upTo = changes;
    long truncatedAt = truncations;
    loop.schedule(
        syncNanos.getAsLong(),
        () -> {
          syncing = false;
          boolean risen = snapshot.start() > disk.synced.start();
          disk.synced = snapshot;
          if (truncatedAt == truncations && held < snapshot.end()) { // R41
            held = snapshot.end();
            risen = true;
          }
          if (risen) {
            listener.onHeld(held);
          }
          Map<Long, List<Runnable>> done = new TreeMap<>(durableWaiters.headMap(upTo, true));
          durableWaiters.headMap(upTo, true).clear();
          done.values().forEach(all -> all.forEach(Runnable::run));
          if (upTo != changes) {
            sync();
          }
        });
  }

  @Override
  public void clearDoubt() {
    // Never in doubt.
  }

  @Override
  public Optional<Damage> damage() {
    return damage;
  }

  /** Nothing can be read from here on (rule D9). */
  void rot(long offset) {
    damage = Optional.of(new Damage(offset, true));
    listener.onDamaged(offset);
  }

  @Override
  public void mend(List<ByteBuffer> batches, Completion<Optional<Damage>> completion) {
    damage = Optional.empty();
    completion.complete(damage);
  }

  @Override
  public PartitionId id() {
    return id;
  }

  @Override
  public long logStartOffset() {
    return start;
  }

  @Override
  public long logEndOffset() {
    if (failed) {
      throw new StorageException(StorageException.Kind.IO, "log", -1, "disk failed");
    }
    return entries.isEmpty() ? start : entries.get(entries.size() - 1).next();
  }

  @Override
  public long heldEndOffset() {
    return held;
  }

  @Override
  public long durableLogStart() {
    return Math.min(start, disk.synced.start());
  }

  @Override
  public LeaderEpochs epochs() {
    return this;
  }

  @Override
  public void beginEpoch(int leaderEpoch) {
    enter(leaderEpoch, logEndOffset());
    changed();
  }

  private void enter(int epoch, long offset) {
    if (!epochs.isEmpty() && epochs.lastKey() == epoch) {
      return;
    }
    while (!epochs.isEmpty()
        && (epochs.lastKey() >= epoch || epochs.lastEntry().getValue() >= offset)) {
      epochs.pollLastEntry();
    }
    epochs.put(epoch, offset);
  }

  @Override
  public AppendOutcome appendAsLeader(ByteBuffer batch, int leaderEpoch, long nowMs) {
    RecordBatch header = RecordBatch.at(batch);
    if (header.sizeBytes() != batch.remaining()) {
      return new AppendOutcome.Refused(
          ApiError.definite(ErrorReason.INVALID_BATCH, "size " + header.sizeBytes()));
    }
    for (Entry entry : entries) {
      if (header.producerId() >= 0
          && TestBatches.value(RecordBatch.at(entry.bytes())) == TestBatches.value(header)) {
        return new AppendOutcome.Duplicate(entry.base(), entry.next() - 1, -1);
      }
    }
    header.stamp(logEndOffset(), leaderEpoch);
    entries.add(new Entry(header.baseOffset(), header.nextOffset(), leaderEpoch, batch));
    changed();
    return new AppendOutcome.Appended(header.baseOffset(), header.lastOffset(), -1);
  }

  @Override
  public FollowerAppend appendAsFollower(ByteBuffer batches, int leaderEpoch) {
    if (refuseNext) {
      refuseNext = false;
      return new FollowerAppend(logEndOffset(), "damaged for the test");
    }
    ByteBuffer rest = batches.duplicate();
    while (rest.hasRemaining()) {
      RecordBatch batch = RecordBatch.at(rest);
      int last = epochs.isEmpty() ? -1 : epochs.lastKey();
      boolean follows =
          entries.isEmpty()
              ? batch.baseOffset() <= start && start < batch.nextOffset()
              : batch.baseOffset() == logEndOffset();
      if (!follows || batch.leaderEpoch() > leaderEpoch || batch.leaderEpoch() < last) {
        return new FollowerAppend(
            logEndOffset(),
            "batch at "
                + batch.baseOffset()
                + " epoch "
                + batch.leaderEpoch()
                + ", own end "
                + logEndOffset()
                + " epoch "
                + last);
      }
      enter(batch.leaderEpoch(), Math.max(start, batch.baseOffset()));
      entries.add(
          new Entry(batch.baseOffset(), batch.nextOffset(), batch.leaderEpoch(), batch.bytes()));
      rest.position(rest.position() + batch.sizeBytes());
      changed();
    }
    return new FollowerAppend(logEndOffset(), "");
  }

  @Override
  public void read(
      long offset, long limitOffset, int maxBytes, Completion<ReadOutcome> completion) {
    List<ByteBuffer> found = new ArrayList<>();
    int bytes = 0;
    OptionalLong unreadable = OptionalLong.empty();
    for (Entry entry : entries) {
      if (damage.isPresent() && entry.next() > damage.get().offset()) {
        unreadable = OptionalLong.of(damage.get().offset());
        break;
      }
      if (entry.next() <= offset || entry.next() > limitOffset || offset < start) {
        continue;
      }
      int size = entry.bytes().remaining();
      if (!found.isEmpty() && bytes + size > maxBytes) {
        break;
      }
      found.add(entry.bytes().asReadOnlyBuffer());
      bytes += size;
    }
    ReadOutcome outcome = new ReadOutcome(found, bytes, unreadable);
    if (offset < coldBelow) {
      onColdRead.accept(1);
      loop.schedule(
          1_000_000,
          () -> {
            onColdRead.accept(-1);
            completion.complete(
                nothingWhenCold ? new ReadOutcome(List.of(), 0, OptionalLong.empty()) : outcome);
          });
    } else {
      completion.complete(outcome);
    }
  }

  @Override
  public void readForReplica(
      long offset, long limitOffset, int maxBytes, Completion<ReadOutcome> completion) {
    read(offset, limitOffset, maxBytes, completion);
  }

  @Override
  public void truncateTo(long offset) {
    truncations++;
    while (!entries.isEmpty() && entries.get(entries.size() - 1).next() > offset) {
      entries.remove(entries.size() - 1);
    }
    while (!epochs.isEmpty() && epochs.lastEntry().getValue() >= offset) {
      epochs.pollLastEntry();
    }
    held = Math.min(held, logEndOffset());
    changed();
  }

  @Override
  public void restartAt(long offset) {
    truncations++;
    entries.clear();
    epochs.clear();
    start = offset;
    held = offset;
    changed();
  }

  @Override
  public void advanceLogStart(long offset) {
    while (!entries.isEmpty() && entries.get(0).next() <= offset) {
      entries.remove(0);
    }
    start = offset;
    changed();
  }

  @Override
  public void rollIfOld() {
    rolls++;
  }

  @Override
  public void changeSettings(LogSettings newSettings) {
    settings = newSettings;
  }

  @Override
  public void retainedStart(long limitOffset, boolean byTime, Completion<Long> completion) {
    completion.complete(Math.max(start, Math.min(limitOffset, byTime ? retained : 0)));
  }

  @Override
  public void whenDurable(Runnable completion) {
    durableWaiters.computeIfAbsent(changes, unused -> new ArrayList<>()).add(completion);
    if (!syncing) {
      sync();
    }
  }

  @Override
  public void offsetForTime(long timestampMs, long limitOffset, Completion<TimeLookup> completion) {
    completion.complete(
        timestampMs < limitOffset
            ? new TimeLookup(
                OptionalLong.of(timestampMs),
                timestampMs,
                epochOf(timestampMs),
                OptionalLong.empty())
            : new TimeLookup(OptionalLong.empty(), -1, -1, OptionalLong.empty()));
  }

  @Override
  public void noteHighWatermark(long highWatermark) {
    disk.checkpointedHighWatermark = highWatermark;
  }

  @Override
  public long checkpointedHighWatermark() {
    return Math.min(disk.checkpointedHighWatermark, logEndOffset());
  }

  @Override
  public long sizeBytes() {
    return entries.stream().mapToLong(entry -> entry.bytes().remaining()).sum();
  }

  @Override
  public long bytesFrom(long offset) {
    return entries.stream()
        .filter(entry -> entry.next() > offset)
        .mapToLong(entry -> entry.bytes().remaining())
        .sum();
  }

  @Override
  public boolean doubtful() {
    return false;
  }

  @Override
  public long forgottenBelow(long shippedFrom) {
    return 0;
  }

  @Override
  public void forgetIdleProducers() {
    looksAtProducers++;
  }

  @Override
  public int producerCount() {
    return 0;
  }

  @Override
  public int latest() {
    return epochs.isEmpty() ? NONE : epochs.lastKey();
  }

  @Override
  public int epochOf(long offset) {
    int found = NONE;
    for (Map.Entry<Integer, Long> epoch : epochs.entrySet()) {
      if (epoch.getValue() <= offset) {
        found = epoch.getKey();
      }
    }
    return found;
  }

  @Override
  public EpochEnd endOf(int epoch) {
    Map.Entry<Integer, Long> floor = epochs.floorEntry(epoch);
    if (floor == null) {
      return new EpochEnd(NONE, start);
    }
    Map.Entry<Integer, Long> next = epochs.higherEntry(floor.getKey());
    return new EpochEnd(floor.getKey(), next == null ? logEndOffset() : next.getValue());
  }
}
