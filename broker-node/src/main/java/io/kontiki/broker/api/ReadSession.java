package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.record.Record;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.Worker;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One read of one topic: fetches only while the client takes what comes, from a bounded number of
 * partitions at a time. A change of leader is a pause. Lives on one loop.
 */
public final class ReadSession {
  /** Silence after which a heartbeat goes out. */
  static final long HEARTBEAT_NANOS = 10_000_000_000L;

  /** A partition that has no leader for so long ends the read. */
  static final long PATIENCE_NANOS = 30_000_000_000L;

  /** Fetches under way; with more partitions than this nobody waits at a leader. */
  static final int PARALLEL = 16;

  private static final long WAIT_NANOS = 5_000_000_000L;
  private static final long PAUSE_NANOS = 100_000_000;
  private static final int FETCH_BYTES = 256 << 10;
  private static final int SINGLE_FETCH_BYTES = 1 << 20;

  /** To the next look at a client that takes nothing. */
  private static final long BUSY_PAUSE_NANOS = 100_000_000;

  private final EventLoop loop;
  private final ReadRequest request;
  private final RecordRead.Sink sink;
  private final PartitionRequests partitions;
  private final CommittedOffsets committed;
  private final ChunkDecoder decoder;
  private final int decompressedBytes;
  private final ArrayDeque<Cursor> idle = new ArrayDeque<>();
  private final ArrayDeque<Fetched> undecoded = new ArrayDeque<>();
  private final ArrayDeque<RecordChunk> chunks = new ArrayDeque<>();
  private @Nullable TopicImage topic;
  private EventLoop.@Nullable Timer heartbeat;
  private @Nullable ApiError error;
  private long lastSentNanos;
  private long delivered;
  private int cursors;
  private int fetching;
  private int emptyInARow;
  private boolean started;
  private boolean pausing;
  private boolean pumping;
  private boolean over;

  private static final class Cursor {
    final int partition;
    final long end;
    long offset;
    boolean failing;
    long failingSinceNanos;

    Cursor(ReadStarts.Range range) {
      this.partition = range.partition();
      this.offset = range.offset();
      this.end = range.end();
    }
  }

  private record Fetched(Cursor cursor, ChunkReader reader) {}

  ReadSession(
      EventLoop loop,
      ReadRequest request,
      RecordRead.Sink sink,
      PartitionRequests partitions,
      CommittedOffsets committed,
      Worker decoder,
      int decompressedBytes) {
    this.loop = loop;
    this.request = request;
    this.sink = sink;
    this.partitions = partitions;
    this.committed = committed;
    this.decoder = new ChunkDecoder(loop, decoder);
    this.decompressedBytes = decompressedBytes;
  }

  void start(TopicLookup lookup) {
    ApiError bad = badRequest();
    if (bad != null) {
      finish(bad);
      return;
    }
    lastSentNanos = loop.clock().nanoTime();
    heartbeat = loop.schedule(HEARTBEAT_NANOS, this::beat);
    CallContext call = CallContext.within(loop, CallContext.DEFAULT_TIMEOUT_NANOS);
    lookup.partition(
        call,
        request.topic(),
        request.partition(),
        found -> {
          if (found instanceof Result.Ok<TopicImage> ok) {
            topic = ok.value();
            ReadStarts.find(call, partitions, committed, ok.value(), request, this::onStarts);
          } else {
            finish(((Result.Err<TopicImage>) found).error());
          }
        });
  }

  private @Nullable ApiError badRequest() {
    if (request.maxRecords() < 0) {
      return Refusals.invalidField("max_records", request.maxRecords() + " is negative");
    }
    if (request.start() instanceof StartSpec.AtOffset at && at.offset() < 0) {
      return Refusals.invalidField("start.offset", at.offset() + " is negative");
    }
    return null;
  }

  private void onStarts(Result<List<ReadStarts.Range>> found) {
    if (over) {
      return;
    }
    if (found instanceof Result.Ok<List<ReadStarts.Range>> ranges) {
      for (ReadStarts.Range range : ranges.value()) {
        if (range.offset() < range.end()) {
          idle.add(new Cursor(range));
          cursors++;
        }
      }
      started = true;
      pump();
    } else {
      finish(((Result.Err<List<ReadStarts.Range>>) found).error());
    }
  }

  /** The client takes more again. */
  public void onReady() {
    pump();
  }

  /** The client has gone: nothing more is sent. */
  public void cancel() {
    over = true;
    stop();
  }

  private void pump() {
    if (pumping || !started) {
      return; // before the ranges are known, no cursor does not mean that all was delivered
    }
    pumping = true;
    while (!over && step()) {}
    pumping = false;
  }

  /** Does one thing; false if there is nothing to do before something comes. */
  private boolean step() {
    if (!sink.ready()) {
      return false;
    }
    if (!chunks.isEmpty()) {
      send(chunks.remove());
      return true;
    }
    if (decoder.busy()) {
      return false;
    }
    if (!undecoded.isEmpty()) {
      decode(undecoded.element());
      return true;
    }
    if (error != null) {
      finish(error);
      return false;
    }
    if (cursors == 0) {
      finish(null);
      return false;
    }
    if (idle.isEmpty() || pausing || fetching >= PARALLEL) {
      return false;
    }
    fetch(idle.remove());
    return true;
  }

  private void send(RecordChunk chunk) {
    RecordChunk sent = chunk;
    long left = request.maxRecords() - delivered;
    if (request.maxRecords() > 0 && chunk.records().size() > left) {
      List<Record> records = chunk.records().subList(0, (int) left);
      sent =
          new RecordChunk(
              chunk.partition(),
              records,
              records.get(records.size() - 1).offset() + 1,
              chunk.leaderEpoch(),
              chunk.highWatermark(),
              chunk.sizeBytes());
    }
    delivered += sent.records().size();
    lastSentNanos = loop.clock().nanoTime();
    sink.records(request.topic(), sent);
    if (request.maxRecords() > 0 && delivered >= request.maxRecords()) {
      finish(null);
    }
  }

  private void fetch(Cursor cursor) {
    fetching++;
    boolean wait = cursors <= PARALLEL;
    partitions.fetch(
        new Fetch(
            id(cursor),
            -1,
            cursor.offset,
            -1,
            cursors == 1 ? SINGLE_FETCH_BYTES : FETCH_BYTES,
            wait ? 1 : 0,
            loop.clock().nanoTime() + WAIT_NANOS,
            Route.FORWARD),
        answer -> CallContext.onLoop(loop, () -> onFetched(cursor, answer)));
  }

  private PartitionId id(Cursor cursor) {
    TopicImage known = topic;
    if (known == null) {
      throw new IllegalStateException("fetch before the topic is known");
    }
    return new PartitionId(known.id(), cursor.partition);
  }

  private void onFetched(Cursor cursor, FetchAnswer answer) {
    fetching--;
    if (over) {
      return;
    }
    if (answer instanceof FetchAnswer.Fetched fetched) {
      cursor.failing = false;
      if (fetched.batches().isEmpty()) {
        cursor.offset = Math.max(cursor.offset, Math.min(cursor.end, fetched.nextOffset()));
        emptyInARow++;
        if (cursors > PARALLEL && emptyInARow >= cursors) {
          pause();
        }
        back(cursor);
      } else {
        emptyInARow = 0;
        undecoded.add(
            new Fetched(
                cursor,
                new ChunkReader(
                    cursor.partition, cursor.offset, cursor.end, fetched, decompressedBytes)));
      }
    } else {
      onFailed(cursor, ((FetchAnswer.Failed) answer).error());
    }
    pump();
  }

  private void onFailed(Cursor cursor, ApiError failed) {
    long now = loop.clock().nanoTime();
    if (!cursor.failing) {
      cursor.failing = true;
      cursor.failingSinceNanos = now;
    }
    if (Refusals.passes(failed) && now - cursor.failingSinceNanos < PATIENCE_NANOS) {
      loop.schedule(
          PAUSE_NANOS,
          () -> {
            back(cursor);
            pump();
          });
    } else if (error == null) {
      error = failed.with("topic", request.topic()).with("partition", cursor.partition);
    }
  }

  private void pause() {
    emptyInARow = 0;
    pausing = true;
    loop.schedule(
        PAUSE_NANOS,
        () -> {
          pausing = false;
          pump();
        });
  }

  private void back(Cursor cursor) {
    if (cursor.offset >= cursor.end) {
      cursors--;
    } else {
      idle.add(cursor);
    }
  }

  private void decode(Fetched fetched) {
    decoder.decode(
        fetched.reader(),
        ChunkReader.MAX_DECODED_BYTES,
        decoded -> {
          if (!over) {
            onDecoded(fetched, decoded);
            pump();
          }
        });
  }

  private void onDecoded(Fetched fetched, ChunkReader.Decoded decoded) {
    chunks.addAll(decoded.chunks());
    if (!decoded.done()) {
      return;
    }
    undecoded.remove(fetched);
    ApiError damage = decoded.error();
    if (damage == null) {
      fetched.cursor().offset = decoded.nextOffset();
      back(fetched.cursor());
    } else if (error == null) {
      error = damage.with("topic", request.topic());
    }
  }

  private void beat() {
    if (over) {
      return;
    }
    long silent = loop.clock().nanoTime() - lastSentNanos;
    if (silent >= HEARTBEAT_NANOS && sink.ready()) {
      lastSentNanos = loop.clock().nanoTime();
      silent = 0;
      sink.heartbeat();
    }
    long pause = silent < HEARTBEAT_NANOS ? HEARTBEAT_NANOS - silent : BUSY_PAUSE_NANOS;
    heartbeat = loop.schedule(pause, this::beat);
  }

  private void finish(@Nullable ApiError failed) {
    if (over) {
      return;
    }
    over = true;
    stop();
    if (failed == null) {
      sink.end();
    } else {
      sink.failed(failed);
    }
  }

  private void stop() {
    chunks.clear();
    undecoded.clear();
    idle.clear();
    EventLoop.Timer timer = heartbeat;
    if (timer != null) {
      timer.cancel();
    }
  }
}
