package io.kontiki.log.journal;

import io.kontiki.model.PartitionId;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The commit journal of one log directory (rule L9): makes everything that waits durable with one
 * gathering write and one sync.
 *
 * <ul>
 *   <li>Loops hand over what they collected once per turn; the order of hand-overs is the order of
 *       the records.
 *   <li>One commit at a time on the commit worker. It starts at once when none runs; what arrives
 *       meanwhile is in the next one. No timer.
 *   <li>Each party of a commit is told once, on the commit worker, how far records are durable.
 *   <li>A partition with more bytes than {@link Sizes#bypassBytes} in a commit is made durable in
 *       its own segments first; the journal then takes a mark that says so instead of the bytes.
 *   <li>When the files are used up, commits wait for a checkpoint; nothing is overwritten before.
 *       {@link #isCrowded} then lets the appenders refuse. A checkpoint is asked for long before,
 *       when two files are full.
 *   <li>A failed write or sync ends the journal; nothing is tried again (rules D1, L4).
 * </ul>
 *
 * <p>Hand-overs are thread-safe; the monitor is held for the queue only, never while writing.
 */
public final class CommitJournal {
  private static final int STAGING_BYTES = 1 << 20;
  private static final int CHECKPOINT_AFTER_SLOTS = 2;

  private final JournalRing ring;
  private final Worker commitWorker;
  private final Worker background;
  private final Owner owner;
  private final long generation;
  private final long maxPendingBytes;
  private final int bypassBytes;
  // Of the commit worker: what is written goes through here, in one piece.
  private final ByteBuffer staging;
  private final JournalCounters counters = new JournalCounters();

  // Guarded by the monitor, as is the ring's chain.
  private ArrayDeque<Pending> pending = new ArrayDeque<>();
  private final TreeSet<Long> barriers = new TreeSet<>();
  private long nextSequence;
  private boolean running;
  private boolean stalled;
  private boolean preparing;
  private boolean checkpointAsked;
  private boolean closed;

  private volatile long pendingBytes;
  private volatile long committedSequence;
  private volatile @Nullable StorageException failure;

  /** Who hands over: the logs of one loop. */
  public interface Party {
    /** All records up to this sequence, inclusive, are durable. On the commit worker. */
    void onCommitted(long sequence);
  }

  /** The log directory. */
  public interface Owner {
    /** Files run short: a checkpoint is wanted soon. Any thread. */
    void onCheckpointWanted();

    /** No file can be made, and what was freed must do: a checkpoint is wanted after a pause. */
    void onNoSpace();

    /**
     * Makes all that has been written of a partition durable in its own segments; blocks. On the
     * commit worker.
     */
    void makeDurable(PartitionId partition);

    /** The journal failed for good. On a worker. */
    void onFailure(StorageException cause);
  }

  /** A record on its way; {@code bytes} are what it counted for when it was handed over. */
  private record Pending(JournalEntry entry, long sequence, Party party, int bytes) {
    Pending mark() {
      return new Pending(entry.mark(), sequence, party, bytes);
    }
  }

  /**
   * Sizes.
   *
   * @param fileBytes of each file
   * @param maxFiles of the ring, at least 2
   * @param maxPendingBytes handed over and not durable yet, beyond which appenders refuse
   * @param bypassBytes of one partition in one commit, beyond which its segments are synced instead
   */
  public record Sizes(int fileBytes, int maxFiles, long maxPendingBytes, int bypassBytes) {
    /** Where a sync of the segment becomes cheaper than writing the bytes twice. */
    public static final int DEFAULT_BYPASS_BYTES = 512 << 10;

    /** With the default bypass. */
    public Sizes(int fileBytes, int maxFiles, long maxPendingBytes) {
      this(fileBytes, maxFiles, maxPendingBytes, DEFAULT_BYPASS_BYTES);
    }

    public Sizes {
      if (fileBytes < 4 * JournalEntry.HEADER_BYTES || maxFiles < 2 || maxPendingBytes < 1) {
        throw new IllegalArgumentException(
            "a journal needs two files of some hundred bytes at least: "
                + fileBytes
                + " x "
                + maxFiles);
      }
    }
  }

  /**
   * Begins a new generation; a checkpoint that names it must be durable already.
   *
   * @param background prepares files
   */
  public CommitJournal(
      FileStore store,
      Sizes sizes,
      JournalStart start,
      Worker commitWorker,
      Worker background,
      Owner owner) {
    this.ring = new JournalRing(store, sizes.fileBytes, sizes.maxFiles);
    this.generation = start.generation();
    this.nextSequence = start.firstSequence();
    this.committedSequence = start.firstSequence() - 1;
    this.maxPendingBytes = sizes.maxPendingBytes;
    this.bypassBytes = sizes.bypassBytes;
    this.staging = ByteBuffer.allocateDirect(Math.min(STAGING_BYTES, sizes.fileBytes));
    this.commitWorker = commitWorker;
    this.background = background;
    this.owner = owner;
    ring.begin(start);
    ring.add(start.slot(), ring.open(start.slot()));
  }

  /** Makes the first file, before the checkpoint that names it; changes nothing in an old one. */
  public static void prepareFirst(FileStore store, Sizes sizes, int slot) {
    JournalRing ring = new JournalRing(store, sizes.fileBytes, sizes.maxFiles);
    try (FileStore.File file = ring.open(slot)) {
      boolean more = true;
      while (more) {
        more = ring.fill(file);
      }
    }
  }

  /**
   * Removes the files of the ring that no replay needs; before the journal is opened.
   *
   * @return how many
   */
  public static int deleteAllBut(FileStore store, Set<Integer> needed) {
    int deleted = 0;
    for (String name : store.list(JournalRing.DIRECTORY)) {
      String path = JournalRing.DIRECTORY + "/" + name;
      if (needed.stream().noneMatch(slot -> JournalRing.path(slot).equals(path))) {
        store.delete(path);
        deleted++;
      }
    }
    return deleted;
  }

  /** The most bytes that the payload of one record may have. */
  public static int maxPayloadBytes(Sizes sizes) {
    return sizes.fileBytes / 2 - 2 * JournalEntry.HEADER_BYTES;
  }

  /**
   * Hands records over; an empty list asks for what was handed over before.
   *
   * @return the sequence that must be durable for all of it to be so
   */
  public long handOver(List<JournalEntry> entries, Party party) {
    boolean start;
    long last;
    synchronized (this) {
      for (JournalEntry entry : entries) {
        if (entry.isBarrier()) {
          barriers.add(nextSequence);
        }
        pending.add(new Pending(entry, nextSequence++, party, entry.sizeBytes()));
        pendingBytes += entry.sizeBytes();
      }
      last = nextSequence - 1;
      start = !running && !pending.isEmpty() && !closed && failure == null;
      running |= start;
    }
    if (start) {
      commitWorker.execute(this::commit);
    }
    return last;
  }

  /** Inclusive. */
  public long committedSequence() {
    return committedSequence;
  }

  /** Whether so much waits that more should be refused for the moment. */
  public boolean isCrowded() {
    return pendingBytes > maxPendingBytes;
  }

  /** The barriers (see {@link JournalEntry#isBarrier}) of these sequences have been carried out. */
  public synchronized void onCarriedOut(List<Long> sequences) {
    sequences.forEach(barriers::remove);
  }

  /** The sequence that the next record will get. */
  public synchronized long nextSequence() {
    return nextSequence;
  }

  /**
   * Where a checkpoint may begin that covers everything below a sequence: there, or at the first
   * barrier that has not been carried out. Always in this generation: what was there before it is
   * covered by the first checkpoint.
   */
  public synchronized JournalPosition checkpointPosition(long sequence) {
    long first = barriers.isEmpty() ? sequence : Math.min(sequence, barriers.first());
    return ring.positionOf(first);
  }

  /** Behind everything handed over: for the last checkpoint, when the files have it all. */
  public synchronized JournalPosition endPosition() {
    return ring.positionOf(nextSequence);
  }

  /** A checkpoint with this position is durable: the files before it are free. */
  public void onCheckpoint(JournalPosition position) {
    boolean resume;
    boolean waits;
    synchronized (this) {
      ring.free(position);
      checkpointAsked = false;
      resume = stalled && ring.hasFree() && !closed;
      if (resume) {
        stalled = false;
      }
      waits = stalled;
    }
    if (resume) {
      commitWorker.execute(this::commit);
    } else if (waits) {
      // A file for it could not be made for want of space: there may be room now.
      maybePrepare();
    }
  }

  /**
   * Removes a file that no replay needs, so that a journal which ends soon makes room on a full
   * disk.
   *
   * @return whether there was one
   */
  public synchronized boolean giveUpSpare() {
    return !running && ring.deleteFree();
  }

  /** Counters for metrics. */
  public JournalCounters counters() {
    return counters;
  }

  /** Ends it, after the last checkpoint: commits nothing more. */
  public synchronized void close() {
    closed = true;
    ring.close();
  }

  private void commit() {
    ArrayDeque<Pending> batch;
    synchronized (this) {
      if (closed || failure != null) {
        return;
      }
      batch = pending;
      pending = new ArrayDeque<>();
    }
    try {
      batch = bypassed(batch);
      write(batch);
    } catch (StorageException e) {
      failure = e;
      owner.onFailure(e);
      return;
    }
    boolean again;
    boolean wanted;
    synchronized (this) {
      // What found no room goes first again: the order of the records is the order of hand-overs.
      while (!batch.isEmpty()) {
        pending.addFirst(batch.removeLast());
      }
      again = !pending.isEmpty() && !stalled;
      running = again || stalled;
      wanted = !checkpointAsked && (stalled || isLong());
      checkpointAsked |= wanted;
    }
    if (wanted) {
      owner.onCheckpointWanted();
    }
    if (again) {
      commitWorker.execute(this::commit);
    }
  }

  /** Whether enough lies behind the last checkpoint for another one. */
  private boolean isLong() {
    return ring.chainLength() > Math.max(1, Math.min(CHECKPOINT_AFTER_SLOTS, ring.maxSlots() / 2));
  }

  /** With marks for the bytes of partitions that have too many; those are durable on return. */
  private ArrayDeque<Pending> bypassed(ArrayDeque<Pending> batch) {
    Map<PartitionId, Long> bytes = new TreeMap<>();
    long total = 0;
    for (Pending each : batch) {
      total += each.entry.kind() == JournalEntry.Kind.DATA ? each.bytes : 0;
    }
    if (total <= bypassBytes) {
      return batch;
    }
    for (Pending each : batch) {
      if (each.entry.kind() == JournalEntry.Kind.DATA) {
        bytes.merge(each.entry.partition(), (long) each.entry.payload().remaining(), Long::sum);
      }
    }
    bytes.values().removeIf(sum -> sum <= bypassBytes);
    if (bytes.isEmpty()) {
      return batch;
    }
    bytes.keySet().forEach(owner::makeDurable);
    counters.onBypass(bytes.size());
    ArrayDeque<Pending> marked = new ArrayDeque<>(batch.size());
    for (Pending each : batch) {
      boolean isMark =
          each.entry.kind() == JournalEntry.Kind.DATA && bytes.containsKey(each.entry.partition());
      marked.add(isMark ? each.mark() : each);
    }
    return marked;
  }

  /** Writes as much of the batch as finds room, and removes it from there. */
  private void write(ArrayDeque<Pending> batch) {
    while (!batch.isEmpty()) {
      List<Pending> written = new ArrayList<>();
      int start = ring.headPosition();
      int position = start;
      long firstOfCommit = batch.getFirst().sequence;
      while (!batch.isEmpty() && ring.fits(position, batch.getFirst().entry.sizeBytes())) {
        Pending next = batch.removeFirst();
        put(next.entry, next.sequence, firstOfCommit, position);
        position += next.entry.sizeBytes();
        written.add(next);
      }
      boolean advance = false;
      if (!batch.isEmpty()) {
        synchronized (this) {
          advance = ring.hasFree();
          stalled = !advance;
        }
        if (advance) {
          JournalEntry toNext = JournalEntry.switchTo(ring.nextFree());
          put(toNext, batch.getFirst().sequence, firstOfCommit, position);
          position += toNext.sizeBytes();
        } else {
          counters.onStall();
        }
      }
      if (position > start) {
        flush(position);
        ring.headFile().sync();
        counters.onSync(position - start);
      }
      ring.moved(position - start);
      if (advance) {
        synchronized (this) {
          ring.advance(batch.getFirst().sequence);
        }
      }
      committed(written);
      maybePrepare();
      if (!advance) {
        return;
      }
    }
  }

  /** Puts a record that belongs at a position of the head; writes when the staging is full. */
  private void put(JournalEntry entry, long sequence, long firstOfCommit, int position) {
    if (staging.remaining() < JournalEntry.HEADER_BYTES) {
      flush(position);
    }
    entry.putHeader(staging, generation, sequence, firstOfCommit);
    int at = position + JournalEntry.HEADER_BYTES;
    ByteBuffer payload = entry.payload().duplicate();
    while (payload.hasRemaining()) {
      if (!staging.hasRemaining()) {
        flush(at);
      }
      int size = Math.min(payload.remaining(), staging.remaining());
      staging.put(payload.slice(payload.position(), size));
      payload.position(payload.position() + size);
      at += size;
    }
  }

  /** Writes what is staged; it ends at this position of the head. */
  private void flush(int end) {
    staging.flip();
    ring.headFile().write(staging, end - staging.remaining());
    staging.clear();
  }

  private void committed(List<Pending> written) {
    if (written.isEmpty()) {
      return;
    }
    Set<Party> parties = new LinkedHashSet<>();
    long bytes = 0;
    for (Pending each : written) {
      parties.add(each.party);
      bytes += each.bytes;
    }
    long last = written.get(written.size() - 1).sequence;
    synchronized (this) {
      pendingBytes -= bytes;
    }
    committedSequence = last;
    counters.onCommit(written.size());
    parties.forEach(party -> party.onCommitted(last));
  }

  /** Lets the next file be made when none is free, before it is needed. */
  private void maybePrepare() {
    int slot;
    synchronized (this) {
      boolean halfFull = !ring.fits(ring.headPosition() * 2, 0);
      slot = preparing || closed || !(halfFull || stalled) ? -1 : ring.nextToPrepare();
      preparing |= slot >= 0;
    }
    if (slot >= 0) {
      background.execute(() -> prepare(slot));
    }
  }

  private void prepare(int slot) {
    try {
      fill(slot, ring.open(slot));
    } catch (StorageException e) {
      onPrepareFailed(e);
    }
  }

  /** A piece at a time: reads share the worker. */
  private void fill(int slot, FileStore.File file) {
    try {
      if (ring.fill(file)) {
        background.execute(() -> fill(slot, file));
        return;
      }
    } catch (StorageException e) {
      file.close();
      onPrepareFailed(e);
      return;
    }
    boolean resume;
    synchronized (this) {
      preparing = false;
      if (closed) {
        file.close();
        return;
      }
      ring.add(slot, file);
      resume = stalled;
      stalled = false;
    }
    if (resume) {
      commitWorker.execute(this::commit);
    }
  }

  private void onPrepareFailed(StorageException e) {
    if (e.kind() == StorageException.Kind.NO_SPACE) {
      // The ring stays as it is; checkpoints free what there is.
      synchronized (this) {
        preparing = false;
      }
      owner.onNoSpace();
    } else {
      failure = e;
      owner.onFailure(e);
    }
  }
}
