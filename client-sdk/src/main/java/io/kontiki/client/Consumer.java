package io.kontiki.client;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatches;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads committed records of the partitions that it is given, without a group. For one thread; only
 * {@link #wakeUp} may be called by others.
 *
 * <ul>
 *   <li>Records of a partition come in order, none twice and none left out, whatever breaks
 *       (promise P6), except after a seek and where the {@code outOfRange} policy says otherwise.
 *   <li>Between partitions there is no order.
 *   <li>Memory is bounded: brokers send no more than was made room for.
 * </ul>
 */
public final class Consumer implements AutoCloseable {
  /** What the polling thread knows of a partition. */
  private static final class Cursor {
    private long generation;
    private long position = -1;
    private boolean placed;
  }

  /** What the next poll has to throw, unless the partition was sought or taken away. */
  private record Failure(TopicPartition partition, long generation, KontikiException reason) {}

  private final FetchLoop fetchLoop;
  private final FetchQueue queue;
  private final ConsumerOptions options;
  private final Clock clock;
  private final Map<TopicPartition, Cursor> cursors = new TreeMap<>();
  private long lastGeneration;
  private @Nullable FetchedChunk chunk;
  private @Nullable Iterator<RecordBatch> batches;
  private @Nullable RecordReader reader;
  private @Nullable Failure failure;
  private boolean closed;

  Consumer(FetchLoop fetchLoop, FetchQueue queue, ConsumerOptions options, Clock clock) {
    this.fetchLoop = fetchLoop;
    this.queue = queue;
    this.options = options;
    this.clock = clock;
  }

  /**
   * Reads these partitions from now on, and no others. Those that it had before go on; new ones
   * begin where they are sought to before the next poll, or at {@code startAt}.
   */
  public void assign(Collection<TopicPartition> partitions) {
    checkOpen();
    Set<TopicPartition> wanted = new TreeSet<>(partitions);
    cursors.keySet().retainAll(wanted);
    wanted.forEach(key -> cursors.computeIfAbsent(key, any -> new Cursor()));
    fetchLoop.assign(wanted);
  }

  /** The partitions that it reads, sorted. */
  public Set<TopicPartition> assignment() {
    return new TreeSet<>(cursors.keySet());
  }

  /**
   * Goes to a place in a partition; the next poll goes on there.
   *
   * @throws IllegalArgumentException if the partition is not assigned
   */
  public void seek(TopicPartition partition, StartAt to) {
    checkOpen();
    Cursor cursor = cursor(partition);
    cursor.generation = ++lastGeneration;
    cursor.position = to instanceof StartAt.At at ? at.offset() : -1;
    cursor.placed = true;
    fetchLoop.seek(partition, to, cursor.generation);
  }

  /** {@link #seek(TopicPartition, StartAt)} to an offset, that of the next record to read. */
  public void seek(TopicPartition partition, long offset) {
    seek(partition, StartAt.offset(offset));
  }

  /**
   * The offset of the next record that a poll will return, if it is there; empty while the place
   * that was sought is not known yet (polling makes it known).
   *
   * @throws IllegalArgumentException if the partition is not assigned
   */
  public OptionalLong position(TopicPartition partition) {
    long position = cursor(partition).position;
    return position < 0 ? OptionalLong.empty() : OptionalLong.of(position);
  }

  /**
   * Waits for records.
   *
   * @param timeout how long to wait if there are none; zero: not at all
   * @return those that are there, at most {@code maxPollRecords}; empty after the timeout or {@link
   *     #wakeUp}
   * @throws KontikiException if a partition cannot go on: it is not read until it is sought; the
   *     others go on with the next poll
   */
  public List<ConsumerRecord> poll(Duration timeout) {
    checkOpen();
    cursors.forEach(
        (key, cursor) -> {
          if (!cursor.placed) {
            seek(key, options.startAt());
          }
        });
    long deadline = clock.nanoTime() + timeout.toNanos();
    List<ConsumerRecord> records = new ArrayList<>();
    if (failure != null && !isWanted(failure.partition(), failure.generation())) {
      failure = null;
    }
    while (records.size() < options.maxPollRecords() && failure == null) {
      if (chunk == null && !nextChunk(records.isEmpty() ? deadline - clock.nanoTime() : 0)) {
        break;
      }
      read(records);
    }
    if (records.isEmpty()) {
      throwFailure();
    }
    // Records that were read before a failure are handed over first, or they would be left out.
    return records;
  }

  private void throwFailure() {
    Failure found = failure;
    failure = null;
    if (found != null) {
      throw found.reason();
    }
  }

  private boolean isWanted(TopicPartition partition, long generation) {
    Cursor cursor = cursors.get(partition);
    return cursor != null && cursor.generation == generation;
  }

  /** Ends the present poll, or the next, at once; any thread. */
  public void wakeUp() {
    queue.wakeUp();
  }

  /** Ends all fetches. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      fetchLoop.close();
    }
  }

  /** Takes the next chunk that is still wanted; false if there is none in time. */
  private boolean nextChunk(long maxWaitNanos) {
    long deadline = clock.nanoTime() + maxWaitNanos;
    while (true) {
      FetchQueue.Item item;
      try {
        item = queue.take(Math.max(0, deadline - clock.nanoTime()));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
      if (item == null) {
        return false;
      }
      Cursor cursor = cursors.get(item.partition());
      if (cursor == null || cursor.generation != item.generation()) {
        continue;
      }
      KontikiException reason = item.failure();
      if (reason != null) {
        failure = new Failure(item.partition(), item.generation(), reason);
        return false;
      }
      FetchedChunk next = item.chunk();
      if (next != null) {
        chunk = next;
        batches = new RecordBatches(next.records()).iterator();
        reader = null;
        // The chunk says where it begins: after a jump by policy that is not where the last ended.
        cursor.position = next.fromOffset();
        return true;
      }
    }
  }

  private void read(List<ConsumerRecord> into) {
    FetchedChunk current = chunk;
    Iterator<RecordBatch> left = batches;
    if (current == null || left == null) {
      return;
    }
    Cursor cursor = cursors.get(current.partition());
    if (cursor == null || cursor.generation != current.generation()) {
      finish(current);
      return;
    }
    try {
      while (into.size() < options.maxPollRecords()) {
        RecordReader records = reader;
        if (records != null && records.hasNext()) {
          add(into, current, cursor, records.next());
        } else if (left.hasNext()) {
          RecordBatch batch = left.next();
          boolean wanted = !batch.isControl() && batch.lastOffset() >= cursor.position;
          reader = wanted ? open(batch) : null;
        } else {
          cursor.position = Math.max(cursor.position, current.nextOffset());
          finish(current);
          return;
        }
      }
    } catch (InvalidBatchException e) {
      finish(current);
      // What is behind the damage must not be read as if nothing were missing.
      cursor.generation = ++lastGeneration;
      failure =
          new Failure(
              current.partition(),
              cursor.generation,
              new KontikiException(
                  ApiError.definite(
                          ErrorReason.CORRUPT_LOG,
                          current.partition()
                              + " at or behind offset "
                              + cursor.position
                              + ": "
                              + e.getMessage())
                      .with("topic", current.partition().topic())
                      .with("partition", current.partition().partition())
                      .with("offset", cursor.position)));
    }
  }

  /** Brokers hand on what they stored; the check of its CRC is the reader's. */
  private RecordReader open(RecordBatch batch) {
    if (batch.crc() != batch.computeCrc()) {
      throw new InvalidBatchException(
          -1, "the batch at " + batch.baseOffset() + " does not have the bytes that its CRC says");
    }
    return RecordReader.open(batch, options.maxBatchBytes());
  }

  private static void add(
      List<ConsumerRecord> into, FetchedChunk current, Cursor cursor, Record record) {
    // Batches are not cut: the first may begin before what was asked for.
    if (record.offset() >= cursor.position) {
      cursor.position = record.offset() + 1;
      into.add(
          new ConsumerRecord(
              current.partition().topic(),
              current.partition().partition(),
              record.offset(),
              record.timestampMs(),
              record.key(),
              record.value(),
              record.headers()));
    }
  }

  private void finish(FetchedChunk done) {
    chunk = null;
    batches = null;
    reader = null;
    fetchLoop.consumed(done.partition(), done.sizeBytes(), done.generation());
  }

  private Cursor cursor(TopicPartition partition) {
    Cursor cursor = cursors.get(partition);
    if (cursor == null) {
      throw new IllegalArgumentException(partition + " is not assigned");
    }
    return cursor;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the consumer is closed");
    }
  }
}
