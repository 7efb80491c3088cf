package io.kontiki.client;

import io.grpc.Status;
import io.kontiki.client.ClusterView.PartitionView;
import io.kontiki.client.ClusterView.TopicView;
import io.kontiki.client.PartitionFetcher.Next;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.TopicId;
import io.kontiki.proto.Failures;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.FetchCredit;
import io.kontiki.raw.v1.FetchRequest;
import io.kontiki.raw.v1.FetchResponse;
import io.kontiki.raw.v1.FetchStart;
import io.kontiki.raw.v1.FetchStop;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatches;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.RandomSource;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives the fetchers of one consumer: starts them at the leaders, hands chunks to the queue and
 * credit back to the brokers. Everything but the methods marked so runs on the loop.
 */
final class FetchLoop implements ClusterWatch.Listener, FetchStream.Handler {
  private static final Logger log = LoggerFactory.getLogger(FetchLoop.class);
  private static final long LEAST_CREDIT = 64 * 1024;
  private static final long MOST_CREDIT = 4 * 1024 * 1024;

  /** Brokers send a heartbeat after 10 s. */
  private static final long SILENCE_NANOS = 15_000_000_000L;

  private static final long TICK_NANOS = 1_000_000_000L;

  /** For so long a topic may be missing that was just created through another broker. */
  private static final long MISSING_NANOS = 1_000_000_000L;

  private static final class Assigned {
    private final TopicPartition key;
    private final PartitionFetcher fetcher;
    private final long sinceNanos;
    private @Nullable TopicId topicId;
    private boolean failed;

    Assigned(TopicPartition key, long sinceNanos, RandomSource random) {
      this.fetcher = new PartitionFetcher(random);
      this.key = key;
      this.sinceNanos = sinceNanos;
    }
  }

  private final EventLoop loop;
  private final Channels channels;
  private final ClusterWatch watch;
  private final Admin offsets;
  private final ConsumerOptions options;
  private final FetchQueue queue;
  private final RandomSource random;
  private final Map<TopicPartition, Assigned> assigned = new TreeMap<>();
  private final Map<Endpoint, FetchStream> streams = new HashMap<>();
  private long lastStreamId;
  private boolean pumpIsDue;
  private boolean closed;
  private EventLoop.@Nullable Timer timer;
  private long wakeAtNanos = Long.MAX_VALUE;

  FetchLoop(
      EventLoop loop,
      Channels channels,
      ClusterWatch watch,
      Admin offsets,
      ConsumerOptions options,
      FetchQueue queue,
      RandomSource random) {
    this.loop = loop;
    this.channels = channels;
    this.watch = watch;
    this.offsets = offsets;
    this.options = options;
    this.queue = queue;
    this.random = random;
    loop.execute(
        () -> {
          watch.listen(this);
          tick();
        });
  }

  /** Changes the partitions; those that stay go on. Any thread. */
  void assign(Set<TopicPartition> partitions) {
    Set<TopicPartition> wanted = new TreeSet<>(partitions);
    loop.execute(
        () -> {
          assigned
              .values()
              .removeIf(
                  one -> {
                    boolean goes = !wanted.contains(one.key);
                    if (goes) {
                      stop(one);
                    }
                    return goes;
                  });
          for (TopicPartition key : wanted) {
            assigned.computeIfAbsent(key, any -> new Assigned(key, now(), random));
            watch.watch(key.topic());
          }
          onView(watch.view());
        });
  }

  /** Goes to a place. Any thread. */
  void seek(TopicPartition key, StartAt to, long generation) {
    loop.execute(
        () -> {
          Assigned partition = assigned.get(key);
          if (partition != null) {
            stop(partition);
            boolean anew = partition.failed;
            if (anew) {
              // The topic may be another one by now.
              partition = new Assigned(key, now(), random);
              assigned.put(key, partition);
            }
            if (to instanceof StartAt.At at) {
              partition.fetcher.seek(at.offset(), generation);
              schedulePump();
            } else {
              partition.fetcher.unposition(generation);
              resolve(partition, to, generation);
            }
            if (anew) {
              // Behind the seek, so that a failure is one of the new generation.
              onView(watch.view());
            }
          }
        });
  }

  /** The user took bytes of a partition. Any thread. */
  void consumed(TopicPartition key, long bytes, long generation) {
    loop.execute(
        () -> {
          Assigned partition = assigned.get(key);
          if (partition != null) {
            partition.fetcher.onConsumed(bytes, generation);
            giveCredit(partition, bytes, generation);
          }
        });
  }

  /** Any thread. */
  void close() {
    loop.execute(
        () -> {
          closed = true;
          watch.ignore(this);
          assigned.clear();
          List.copyOf(streams.values()).forEach(stream -> stream.cancel("consumer closed"));
          streams.clear();
          if (timer != null) {
            timer.cancel();
          }
          queue.wakeUp();
        });
  }

  @Override
  public void onView(ClusterView view) {
    for (Assigned partition : List.copyOf(assigned.values())) {
      TopicView topic = view.topic(partition.key.topic());
      if (topic == null) {
        checkMissing(partition, view);
        continue;
      }
      if (partition.topicId != null && !partition.topicId.equals(topic.id())) {
        fail(
            partition,
            ApiError.definite(
                    ErrorReason.TOPIC_NOT_FOUND,
                    "topic '" + topic.name() + "' was deleted and made again: it is another one")
                .with("topic", topic.name()));
        continue;
      }
      partition.topicId = topic.id();
      if (partition.key.partition() >= topic.partitions().size()) {
        fail(
            partition,
            ApiError.definite(
                    ErrorReason.PARTITION_NOT_FOUND,
                    "topic '"
                        + topic.name()
                        + "' has partitions 0 to "
                        + (topic.partitions().size() - 1)
                        + ", not "
                        + partition.key.partition())
                .with("topic", topic.name())
                .with("partitionCount", topic.partitions().size()));
        continue;
      }
      PartitionView at = topic.partitions().get(partition.key.partition());
      partition.fetcher.onLeader(view.leader(at), at.leaderEpoch());
    }
    leaveFormerLeaders();
    schedulePump();
  }

  /** A broker that leads nothing of ours any more may be frozen, and would keep its stream. */
  private void leaveFormerLeaders() {
    Set<Endpoint> leaders = new HashSet<>();
    for (Assigned partition : assigned.values()) {
      Leader leader = partition.fetcher.leader();
      if (leader != null) {
        leaders.add(leader.endpoint());
      }
    }
    for (FetchStream stream : List.copyOf(streams.values())) {
      if (!leaders.contains(stream.endpoint())) {
        stream.cancel("it leads nothing of ours any more");
      }
    }
  }

  @Override
  public void onMessage(FetchStream stream, WithPayload<FetchResponse> message) {
    FetchResponse response = message.message();
    Assigned partition = find(stream, response.getFetchId());
    if (partition == null) {
      return;
    }
    PartitionFetcher fetcher = partition.fetcher;
    long from = fetcher.position();
    ByteBuffer records = message.joined();
    int lastBatchEpoch = -1;
    try {
      for (RecordBatch batch : new RecordBatches(records)) {
        lastBatchEpoch = batch.leaderEpoch();
      }
    } catch (InvalidBatchException e) {
      stream.cancel("not whole batches: " + e.getMessage());
      return;
    }
    Next next =
        fetcher.onMessage(
            new PartitionFetcher.Message(
                response.getNextOffset(),
                lastBatchEpoch,
                response.getEnded(),
                response.hasFailure() ? Failures.fromFailure(response.getFailure()) : null,
                response.hasLeader() ? SendLoop.hintOf(response.getLeader()) : null,
                response.hasDivergence()
                    ? OptionalLong.of(response.getDivergence().getEndOffset())
                    : OptionalLong.empty(),
                records.remaining()),
            now());
    switch (next) {
      case DELIVER ->
          queue.put(
              new FetchedChunk(
                  partition.key, fetcher.generation(), from, response.getNextOffset(), records));
      case OUT_OF_RANGE -> onOutOfRange(partition);
      case TRUNCATED -> onTruncated(partition);
      case FAIL -> failLast(partition);
      case NOTHING -> {}
    }
    schedulePump();
  }

  @Override
  public void onEnd(FetchStream stream, Status status) {
    streams.remove(stream.endpoint(), stream);
    log.debug("Fetch stream to {} ended: {}", stream.endpoint(), status);
    for (Assigned partition : assigned.values()) {
      partition.fetcher.onStreamEnded(stream.id(), now());
    }
    schedulePump();
  }

  private @Nullable Assigned find(FetchStream stream, int fetchId) {
    for (Assigned partition : assigned.values()) {
      if (fetchId > 0 && partition.fetcher.fetchIdOn(stream.id()) == fetchId) {
        return partition;
      }
    }
    return null;
  }

  private void onOutOfRange(Assigned partition) {
    ApiError error = partition.fetcher.lastError();
    String start = error == null ? null : error.metadata().get("startOffset");
    switch (options.outOfRange()) {
      case ERROR -> failLast(partition);
      case EARLIEST -> {
        if (start != null && start.matches("[0-9]{1,18}")) {
          goOn(partition, Long.parseLong(start));
        } else {
          resolve(partition, StartAt.BEGINNING, partition.fetcher.generation());
        }
      }
      case LATEST -> resolve(partition, StartAt.END, partition.fetcher.generation());
    }
  }

  private void onTruncated(Assigned partition) {
    OptionalLong divergence = partition.fetcher.divergence();
    if (options.outOfRange() == ConsumerOptions.OutOfRange.ERROR || divergence.isEmpty()) {
      failLast(partition);
    } else {
      goOn(partition, divergence.getAsLong());
    }
  }

  private void goOn(Assigned partition, long offset) {
    log.warn(
        "{}: {}; going on at {} instead of {}",
        partition.key,
        partition.fetcher.lastError(),
        offset,
        partition.fetcher.position());
    partition.fetcher.reposition(offset);
    schedulePump();
  }

  private void resolve(Assigned partition, StartAt to, long generation) {
    offsets
        .listOffsets(partition.key.topic(), List.of(partition.key.partition()), to)
        .whenComplete(
            (found, failure) -> {
              if (closed
                  || assigned.get(partition.key) != partition
                  || partition.fetcher.generation() != generation) {
                return;
              }
              Long offset = found == null ? null : found.get(partition.key.partition());
              if (offset != null) {
                if (partition.fetcher.lastError() != null) {
                  goOn(partition, offset);
                } else {
                  partition.fetcher.seek(offset, generation);
                  queue.put(
                      new FetchedChunk(
                          partition.key, generation, offset, offset, ByteBuffer.allocate(0)));
                  schedulePump();
                }
              } else if (failure instanceof KontikiException reason
                  && isFinal(reason)
                  && !maybeUnknownYet(partition, reason)) {
                fail(partition, reason.error());
              } else {
                log.warn("{}: offset of {} not found: {}", partition.key, to, failure);
                loop.schedule(TICK_NANOS / 2, () -> resolveAgain(partition, to, generation));
              }
            });
  }

  private void resolveAgain(Assigned partition, StartAt to, long generation) {
    if (!closed
        && assigned.get(partition.key) == partition
        && partition.fetcher.generation() == generation) {
      resolve(partition, to, generation);
    }
  }

  /** The broker that was asked may not know a topic yet that was just created. */
  private boolean maybeUnknownYet(Assigned partition, KontikiException reason) {
    return reason.reason().code() == ErrorReason.Code.NOT_FOUND
        && now() - partition.sinceNanos < MISSING_NANOS;
  }

  private static boolean isFinal(KontikiException failure) {
    return switch (failure.reason().code()) {
      case INVALID_ARGUMENT, NOT_FOUND, UNIMPLEMENTED, DATA_LOSS -> true;
      default -> false;
    };
  }

  private void checkMissing(Assigned partition, ClusterView view) {
    boolean longEnough = now() - partition.sinceNanos >= MISSING_NANOS;
    if (view.isMissing(partition.key.topic()) && (longEnough || partition.topicId != null)) {
      fail(
          partition,
          ApiError.definite(
                  ErrorReason.TOPIC_NOT_FOUND,
                  "topic '" + partition.key.topic() + "' does not exist")
              .with("topic", partition.key.topic()));
    }
  }

  private void failLast(Assigned partition) {
    ApiError error = partition.fetcher.lastError();
    if (error != null) {
      fail(partition, error);
    }
  }

  private void fail(Assigned partition, ApiError error) {
    if (!partition.failed) {
      partition.failed = true;
      stop(partition);
      queue.fail(partition.key, partition.fetcher.generation(), new KontikiException(error));
    }
  }

  private void schedulePump() {
    if (!pumpIsDue && !closed) {
      pumpIsDue = true;
      loop.atTurnEnd(this::pump);
    }
  }

  private void pump() {
    pumpIsDue = false;
    if (closed) {
      return;
    }
    long now = now();
    long wake = Long.MAX_VALUE;
    for (Assigned partition : assigned.values()) {
      TopicId topicId = partition.topicId;
      Leader leader = partition.fetcher.leader();
      if (topicId != null
          && leader != null
          && !partition.failed
          && partition.fetcher.wantsStart(now)) {
        start(partition, topicId, leader);
      }
      wake = Math.min(wake, partition.fetcher.wakeAtNanos(now));
    }
    if (wake < wakeAtNanos) {
      wakeAtNanos = wake;
      loop.schedule(
          Math.max(0, wake - now),
          () -> {
            wakeAtNanos = Long.MAX_VALUE;
            schedulePump();
          });
    }
  }

  private void start(Assigned partition, TopicId topicId, Leader leader) {
    FetchStream stream = streams.get(leader.endpoint());
    if (stream == null) {
      stream = new FetchStream(++lastStreamId, leader.endpoint(), loop, channels, this);
      streams.put(leader.endpoint(), stream);
      stream.start();
    }
    int fetchId = stream.nextFetchId();
    PartitionFetcher fetcher = partition.fetcher;
    FetchStart.Builder start =
        FetchStart.newBuilder()
            .setFetchId(fetchId)
            .setTopicId(com.google.protobuf.ByteString.copyFrom(topicId.toBytes()))
            .setPartition(partition.key.partition())
            .setOffset(fetcher.position())
            .setLeaderEpoch(leader.epoch())
            .setCreditBytes(Math.max(0, credit() - fetcher.bufferedBytes()));
    if (fetcher.lastReadEpoch() >= 0) {
      start.setLastReadEpoch(fetcher.lastReadEpoch());
    }
    fetcher.onStarted(fetchId, stream.id());
    log.debug("{}: fetching from {} at {}", partition.key, fetcher.position(), leader);
    stream.send(FetchRequest.newBuilder().setStart(start).build());
  }

  private void stop(Assigned partition) {
    for (FetchStream stream : streams.values()) {
      int fetchId = partition.fetcher.fetchIdOn(stream.id());
      if (fetchId > 0) {
        stream.send(
            FetchRequest.newBuilder().setStop(FetchStop.newBuilder().setFetchId(fetchId)).build());
      }
    }
  }

  private void giveCredit(Assigned partition, long bytes, long generation) {
    if (bytes <= 0 || generation != partition.fetcher.generation()) {
      return;
    }
    for (FetchStream stream : streams.values()) {
      int fetchId = partition.fetcher.fetchIdOn(stream.id());
      if (fetchId > 0) {
        stream.send(
            FetchRequest.newBuilder()
                .setCredit(FetchCredit.newBuilder().setFetchId(fetchId).setBytes(bytes))
                .build());
      }
    }
  }

  private long credit() {
    long share = options.bufferBytes() / Math.max(1, assigned.size());
    return Math.max(LEAST_CREDIT, Math.min(MOST_CREDIT, share));
  }

  /** Once a second: streams that went silent, topics that do not appear. */
  private void tick() {
    if (closed) {
      return;
    }
    long now = now();
    for (FetchStream stream : List.copyOf(streams.values())) {
      if (now - stream.lastMessageNanos() >= SILENCE_NANOS) {
        watch.suspect(stream.endpoint(), stream.lastMessageNanos());
        stream.cancel("silent for 15 s");
      }
    }
    for (Assigned partition : List.copyOf(assigned.values())) {
      if (watch.view().topic(partition.key.topic()) == null) {
        checkMissing(partition, watch.view());
      }
    }
    timer = loop.schedule(TICK_NANOS, this::tick);
  }

  private long now() {
    return loop.clock().nanoTime();
  }
}
