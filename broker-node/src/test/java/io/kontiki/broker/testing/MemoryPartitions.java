package io.kontiki.broker.testing;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Partitions as lists of batches, all led by broker 1 and served on one loop: enough of a broker to
 * see what the request path asks of it. Failures and pauses are set per partition.
 */
public final class MemoryPartitions implements PartitionRequests {
  private final EventLoop loop;
  private final Metadata metadata;
  private final Map<PartitionId, Log> logs = new TreeMap<>();

  /** How long the answer of a fetch is on its way. */
  public LongSupplier fetchNanos = () -> 0;

  private static final class Log {
    int leaderEpoch;
    final List<ByteBuffer> batches = new ArrayList<>();
    final Map<Long, List<RecordBatch>> producers = new TreeMap<>();
    final List<Runnable> paused = new ArrayList<>();
    final List<Runnable> fetchers = new ArrayList<>();
    Supplier<@Nullable ApiError> failure = () -> null;
    boolean pausing;
    boolean serving = true;
    long start;
    long end;
    int fetches;
  }

  public MemoryPartitions(EventLoop loop, Metadata metadata) {
    this.loop = loop;
    this.metadata = metadata;
  }

  private synchronized Log log(PartitionId id) {
    return logs.computeIfAbsent(id, p -> new Log());
  }

  /** Requests of the partition fail with this while it answers one. */
  public synchronized void failing(PartitionId id, Supplier<@Nullable ApiError> failure) {
    log(id).failure = failure;
  }

  /** Appends wait until it is called with false. */
  public synchronized void pausing(PartitionId id, boolean pauses) {
    Log log = log(id);
    log.pausing = pauses;
    if (!pauses) {
      List<Runnable> waiting = List.copyOf(log.paused);
      log.paused.clear();
      waiting.forEach(loop::execute);
    }
  }

  /** Whether the leader has opened its log. */
  public synchronized void serving(PartitionId id, boolean serves) {
    log(id).serving = serves;
  }

  /** Raises the log start. */
  public synchronized void startAt(PartitionId id, long offset) {
    log(id).start = offset;
  }

  /** All batches that were appended. */
  public synchronized List<RecordBatch> batches(PartitionId id) {
    return log(id).batches.stream().map(RecordBatch::at).toList();
  }

  /** All records that were appended. */
  public synchronized List<Record> records(PartitionId id) {
    List<Record> records = new ArrayList<>();
    batches(id).forEach(batch -> records.addAll(RecordReader.readAll(batch, 1 << 26)));
    return records;
  }

  /** How often the partition was fetched from. */
  public synchronized int fetches(PartitionId id) {
    return log(id).fetches;
  }

  /** Puts a batch at the end, as it is. */
  public synchronized void put(PartitionId id, ByteBuffer batch) {
    append(log(id), batch);
    wake(log(id));
  }

  /** Leader epoch of batches from here on. */
  public synchronized void leaderEpoch(PartitionId id, int epoch) {
    log(id).leaderEpoch = epoch;
  }

  private static long append(Log log, ByteBuffer bytes) {
    RecordBatch batch = RecordBatch.at(bytes);
    batch.stamp(log.end, log.leaderEpoch);
    log.batches.add(bytes);
    log.end = batch.nextOffset();
    return batch.baseOffset();
  }

  private void wake(Log log) {
    List<Runnable> waiting = List.copyOf(log.fetchers);
    log.fetchers.clear();
    waiting.forEach(loop::execute);
  }

  @Override
  public void append(Append request, Completion<AppendAnswer> completion) {
    loop.execute(() -> appendNow(request, completion));
  }

  private synchronized void appendNow(Append request, Completion<AppendAnswer> completion) {
    Log log = log(request.partition());
    ApiError failure = failure(request.partition(), log);
    if (failure != null) {
      completion.complete(new AppendAnswer.Failed(failure, hint(failure)));
      return;
    }
    if (log.pausing) {
      log.paused.add(() -> appendNow(request, completion));
      return;
    }
    RecordBatch batch = RecordBatch.at(request.batch());
    long base = -1;
    if (batch.producerId() >= 0) {
      for (RecordBatch known : log.producers.getOrDefault(batch.producerId(), List.of())) {
        base = known.baseSequence() == batch.baseSequence() ? known.baseOffset() : base;
      }
    }
    if (base < 0) {
      base = append(log, request.batch());
      if (batch.producerId() >= 0) {
        log.producers.computeIfAbsent(batch.producerId(), p -> new ArrayList<>()).add(batch);
      }
      wake(log);
    }
    completion.complete(
        new AppendAnswer.Appended(
            request.acks() == Acks.NONE ? -1 : base, -1, log.start, log.end, 0, Durability.FSYNC));
  }

  private @Nullable ApiError failure(PartitionId id, Log log) {
    PartitionImage state = metadata.image().partition(id);
    if (state == null) {
      return ApiError.definite(ErrorReason.TOPIC_NOT_FOUND, "the topic was deleted");
    }
    return log.failure.get();
  }

  private static @Nullable LeaderHint hint(ApiError error) {
    return error.reason() == ErrorReason.NOT_LEADER
        ? new LeaderHint(2, new Endpoint("10.0.0.2", 7600), 5)
        : null;
  }

  @Override
  public void fetch(Fetch request, Completion<FetchAnswer> completion) {
    long nanos = fetchNanos.getAsLong();
    loop.execute(
        () ->
            fetchNow(
                request,
                nanos == 0
                    ? completion
                    : answer -> loop.schedule(nanos, () -> completion.complete(answer))));
  }

  private synchronized void fetchNow(Fetch request, Completion<FetchAnswer> completion) {
    Log log = log(request.partition());
    log.fetches++;
    ApiError failure = failure(request.partition(), log);
    if (failure == null && (request.offset() < log.start || request.offset() > log.end)) {
      failure = outOfRange(request, log);
    }
    if (failure != null) {
      completion.complete(new FetchAnswer.Failed(failure, hint(failure), null));
      return;
    }
    List<ByteBuffer> found = new ArrayList<>();
    int bytes = 0;
    long next = request.offset();
    for (ByteBuffer buffer : log.batches) {
      RecordBatch batch = RecordBatch.at(buffer);
      boolean fits = found.isEmpty() || bytes + batch.sizeBytes() <= request.maxBytes();
      if (batch.lastOffset() >= request.offset() && fits) {
        found.add(buffer.duplicate());
        bytes += batch.sizeBytes();
        next = batch.nextOffset();
      } else if (!found.isEmpty()) {
        break;
      }
    }
    long left = request.deadlineNanos() - loop.clock().nanoTime();
    if (found.isEmpty() && request.minBytes() > 0 && left > 0) {
      await(log, request, completion, left);
    } else {
      completion.complete(new FetchAnswer.Fetched(found, bytes, next, log.start, log.end, 0));
    }
  }

  private void await(Log log, Fetch request, Completion<FetchAnswer> completion, long leftNanos) {
    Runnable again =
        new Runnable() {
          private boolean ran;

          @Override
          public void run() {
            if (!ran) {
              ran = true;
              fetchNow(request, completion);
            }
          }
        };
    log.fetchers.add(again);
    loop.schedule(leftNanos, again);
  }

  private static ApiError outOfRange(Fetch request, Log log) {
    return ApiError.definite(
            ErrorReason.OFFSET_OUT_OF_RANGE, request.offset() + " is not in the log")
        .with("offset", request.offset())
        .with("startOffset", log.start)
        .with("endOffset", log.end);
  }

  @Override
  public void listOffset(ListOffset request, Completion<OffsetAnswer> completion) {
    loop.execute(() -> listNow(request, completion));
  }

  private synchronized void listNow(ListOffset request, Completion<OffsetAnswer> completion) {
    Log log = log(request.partition());
    ApiError failure = failure(request.partition(), log);
    if (failure != null) {
      completion.complete(new OffsetAnswer.Failed(failure, hint(failure)));
    } else if (request.query() instanceof OffsetQuery.Earliest) {
      completion.complete(new OffsetAnswer.Found(log.start, -1, -1));
    } else if (request.query() instanceof OffsetQuery.AtTime time) {
      completion.complete(atTime(request.partition(), log, time.timestampMs()));
    } else {
      completion.complete(new OffsetAnswer.Found(log.end, -1, log.end == 0 ? -1 : 0));
    }
  }

  private OffsetAnswer atTime(PartitionId id, Log log, long timestampMs) {
    for (Record record : records(id)) {
      if (record.timestampMs() >= timestampMs) {
        return new OffsetAnswer.Found(record.offset(), record.timestampMs(), 0);
      }
    }
    return new OffsetAnswer.Found(log.end, -1, 0);
  }

  @Override
  public synchronized void deleteRecords(
      DeleteRecords request, Completion<OffsetAnswer> completion) {
    Log log = log(request.partition());
    ApiError failure = failure(request.partition(), log);
    if (failure == null && request.before() > log.end) {
      failure = ApiError.definite(ErrorReason.OFFSET_OUT_OF_RANGE, "it ends at " + log.end);
    }
    if (failure != null) {
      completion.complete(new OffsetAnswer.Failed(failure, hint(failure)));
      return;
    }
    log.start = Math.max(log.start, request.before() < 0 ? log.end : request.before());
    completion.complete(new OffsetAnswer.Found(log.start, -1, -1));
  }

  @Override
  public void describe(
      PartitionId partition, long deadlineNanos, Completion<Description> completion) {
    loop.execute(
        () -> {
          synchronized (this) {
            Log log = log(partition);
            completion.complete(
                new Description(partition, log.serving, log.start, log.serving ? log.end : -1));
          }
        });
  }
}
