package io.kontiki.client;

import io.grpc.Status;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.TopicId;
import io.kontiki.proto.Failures;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.raw.v1.InitProducerIdRequest;
import io.kontiki.raw.v1.LeaderHint;
import io.kontiki.raw.v1.PartitionServiceGrpc;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.RandomSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives the senders of one producer: brings records to them, their attempts to streams, answers
 * and metadata back. Only {@link #submit} may be called by any thread.
 */
final class SendLoop implements ClusterWatch.Listener, AppendStream.Handler {
  private static final Logger log = LoggerFactory.getLogger(SendLoop.class);

  /** A leader that owes an answer so long may be frozen: the cluster is watched elsewhere, too. */
  private static final long SUSPECT_NANOS = 750_000_000L;

  /** What an answer may take beyond the time that the leader may wait. */
  private static final long ANSWER_SLACK_NANOS = 5_000_000_000L;

  /** For so long a topic may be missing that was just created through another broker. */
  private static final long MISSING_NANOS = 1_000_000_000L;

  private static final int RECORDS_PER_TURN = 10_000;

  private record Parked(PendingRecord record, long sinceNanos) {}

  private record Owner(TopicSenders topic, int partition) {}

  private record Sent(PartitionSender sender, long streamId) {}

  private final EventLoop loop;
  private final Channels channels;
  private final ClusterWatch watch;
  private final UnaryCalls calls;
  private final ProducerOptions options;
  private final SenderSettings settings;
  private final io.kontiki.v1.Acks acks;
  private final RandomSource random;
  private final ConcurrentLinkedQueue<PendingRecord> inbox = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean drainIsDue = new AtomicBoolean();

  private final Map<String, TopicSenders> topics = new TreeMap<>();
  private final ArrayDeque<Parked> parked = new ArrayDeque<>();
  private final Map<PartitionSender, Owner> owners = new LinkedHashMap<>();
  private final Set<PartitionSender> active = new LinkedHashSet<>();
  private final Set<PartitionSender> dirty = new LinkedHashSet<>();
  private final Map<Endpoint, AppendStream> streams = new HashMap<>();
  private final Map<Long, Sent> attempts = new HashMap<>();
  private final List<FlushGroup> flushing = new ArrayList<>();
  private FlushGroup group = new FlushGroup();
  private long lastAttemptId;
  private long lastStreamId;
  private long producerId = -1;
  private boolean producerIdAsked;

  /** Records that wait for their topic were flushed: they must not linger once it is known. */
  private boolean parkedAreFlushed;

  private boolean pumpIsDue;
  private boolean closed;
  private EventLoop.@Nullable Timer timer;
  private long timerAtNanos = Long.MAX_VALUE;

  SendLoop(
      EventLoop loop,
      Channels channels,
      ClusterWatch watch,
      UnaryCalls calls,
      ProducerOptions options,
      RandomSource random) {
    this.loop = loop;
    this.channels = channels;
    this.watch = watch;
    this.calls = calls;
    this.options = options;
    this.settings = SenderSettings.of(options);
    this.acks = wireAcks(options.acks());
    this.random = random;
    loop.execute(() -> watch.listen(this));
  }

  /** Takes a record; any thread. */
  void submit(PendingRecord record) {
    inbox.add(record);
    if (drainIsDue.compareAndSet(false, true)) {
      loop.execute(this::drain);
    }
  }

  /** Completes when every record that was submitted before has its outcome; any thread. */
  CompletableFuture<Void> flush() {
    CompletableFuture<Void> done = new CompletableFuture<>();
    loop.execute(
        () -> {
          while (!inbox.isEmpty()) {
            drain();
          }
          active.forEach(PartitionSender::seal);
          parkedAreFlushed = !parked.isEmpty();
          dirty.addAll(active);
          schedulePump();
          flushing.removeIf(FlushGroup::isDone);
          flushing.add(group);
          group.close();
          group = new FlushGroup();
          CompletableFuture.allOf(
                  flushing.stream().map(FlushGroup::close).toArray(CompletableFuture[]::new))
              .whenComplete((nothing, failure) -> done.complete(null));
        });
    return done;
  }

  /** Fails what has no outcome yet, and lets everything go; any thread. */
  CompletableFuture<Void> close() {
    CompletableFuture<Void> done = new CompletableFuture<>();
    loop.execute(
        () -> {
          closed = true;
          watch.ignore(this);
          ApiError error =
              ApiError.definite(ErrorReason.BROKER_UNREACHABLE, "the producer was closed");
          PendingRecord record;
          while ((record = inbox.poll()) != null) {
            record.outcome().failed(error);
          }
          parked.forEach(waiting -> waiting.record().outcome().failed(error));
          parked.clear();
          owners.keySet().forEach(sender -> sender.onGone(error));
          List.copyOf(streams.values()).forEach(stream -> stream.cancel("producer closed"));
          streams.clear();
          if (timer != null) {
            timer.cancel();
          }
          done.complete(null);
        });
    return done;
  }

  @Override
  public void onView(ClusterView view) {
    for (TopicSenders topic : topics.values()) {
      List<PartitionSender> before = List.copyOf(topic.senders());
      topic.onView(view);
      boolean same =
          before.isEmpty()
              || (!topic.senders().isEmpty() && topic.senders().get(0) == before.get(0));
      if (!same) {
        // The topic was deleted; its senders have failed what they had.
        before.forEach(
            sender -> {
              owners.remove(sender);
              active.remove(sender);
              dirty.remove(sender);
            });
      }
    }
    unpark();
    leaveFormerLeaders();
    dirty.addAll(active);
    schedulePump();
  }

  /**
   * Gives up what is under way at brokers that lead nothing of ours any more: its batches go to the
   * new leaders, with the same sequences (rule I5). One of them may be frozen, and hold our memory.
   */
  private void leaveFormerLeaders() {
    Set<Endpoint> leaders = new HashSet<>();
    for (PartitionSender sender : owners.keySet()) {
      Leader leader = sender.leader();
      if (leader != null) {
        leaders.add(leader.endpoint());
      }
    }
    for (AppendStream stream : List.copyOf(streams.values())) {
      if (!leaders.contains(stream.endpoint())) {
        stream.cancel("it leads nothing of ours any more");
      }
    }
  }

  @Override
  public void onReady(AppendStream stream) {
    for (PartitionSender sender : active) {
      Leader leader = sender.leader();
      if (leader != null && leader.endpoint().equals(stream.endpoint())) {
        dirty.add(sender);
      }
    }
    schedulePump();
  }

  @Override
  public void onResponse(AppendStream stream, AppendResponse response) {
    Sent sent = attempts.remove(response.getCorrelationId());
    if (sent == null) {
      return;
    }
    PartitionSender sender = sent.sender();
    if (response.hasFailure()) {
      ApiError error = Failures.fromFailure(response.getFailure());
      log.debug("Append {} at {}: {}", response.getCorrelationId(), stream.endpoint(), error);
      Leader hint = response.hasLeader() ? hintOf(response.getLeader()) : null;
      sender.onRefused(response.getCorrelationId(), error, hint, now());
    } else {
      sender.onAppended(
          response.getCorrelationId(),
          response.hasBaseOffset() ? response.getBaseOffset() : -1,
          response.hasAppendTimeMs() ? response.getAppendTimeMs() : -1);
    }
    dirty.add(sender);
    schedulePump();
  }

  @Override
  public void onEnd(AppendStream stream, Status status) {
    streams.remove(stream.endpoint(), stream);
    attempts.values().removeIf(sent -> sent.streamId() == stream.id());
    log.debug("Append stream to {} ended: {}", stream.endpoint(), status);
    for (PartitionSender sender : active) {
      Leader leader = sender.leader();
      boolean concerned = leader != null && leader.endpoint().equals(stream.endpoint());
      if (stream.wasOpen()) {
        sender.onStreamEnded(stream.id(), now(), concerned);
      } else if (concerned) {
        sender.onUnreachable(now());
      }
      dirty.add(sender);
    }
    schedulePump();
  }

  /** Who leads, from a refusal; null if it says nothing that can be used. */
  static @Nullable Leader hintOf(LeaderHint hint) {
    try {
      return new Leader(
          hint.getBrokerId(), Endpoint.parse(hint.getGrpcAddress()), hint.getLeaderEpoch());
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private void drain() {
    drainIsDue.set(false);
    for (int i = 0; i < RECORDS_PER_TURN; i++) {
      PendingRecord record = inbox.poll();
      if (record == null) {
        schedulePump();
        return;
      }
      accept(record);
    }
    schedulePump();
    if (drainIsDue.compareAndSet(false, true)) {
      loop.execute(this::drain);
    }
  }

  private void accept(PendingRecord record) {
    if (record.outcome() instanceof SendOutcome outcome) {
      outcome.enter(group);
    }
    if (closed) {
      record
          .outcome()
          .failed(ApiError.definite(ErrorReason.BROKER_UNREACHABLE, "the producer was closed"));
    } else if (!route(record)) {
      parked.add(new Parked(record, now()));
    }
  }

  /** Brings a record to its partition; false if the topic is not known yet. */
  private boolean route(PendingRecord record) {
    String name = record.record().topic();
    TopicSenders topic = topics.get(name);
    if (topic == null) {
      topic = newTopic(name);
      topics.put(name, topic);
      watch.watch(name);
      topic.onView(watch.view());
    }
    if (topic.senders().isEmpty()) {
      return false;
    }
    PartitionSender sender = topic.choose(record.record(), record.sizeBytes());
    if (sender == null) {
      record
          .outcome()
          .failed(
              ApiError.definite(
                      ErrorReason.PARTITION_NOT_FOUND,
                      "topic '"
                          + name
                          + "' has partitions 0 to "
                          + (topic.senders().size() - 1)
                          + ", not "
                          + record.record().partition().getAsInt())
                  .with("topic", name)
                  .with("partitionCount", topic.senders().size()));
      return true;
    }
    sender.add(record, now());
    active.add(sender);
    dirty.add(sender);
    return true;
  }

  private TopicSenders newTopic(String name) {
    int start = random.nextInt(1 << 16);
    // The sender must know its topic to be found again; the topic makes its senders.
    TopicSenders[] self = new TopicSenders[1];
    TopicSenders topic =
        new TopicSenders(
            name,
            options.batchBytes(),
            start,
            partition -> {
              PartitionSender sender =
                  new PartitionSender(partition, settings, () -> ++lastAttemptId, random);
              owners.put(sender, new Owner(self[0], partition));
              return sender;
            });
    self[0] = topic;
    return topic;
  }

  private void unpark() {
    int count = parked.size();
    for (int i = 0; i < count; i++) {
      Parked waiting = parked.remove();
      if (!route(waiting.record()) && !expire(waiting)) {
        parked.add(waiting);
      }
    }
    if (parkedAreFlushed) {
      active.forEach(PartitionSender::seal);
      parkedAreFlushed = !parked.isEmpty();
    }
  }

  private boolean expire(Parked waiting) {
    String name = waiting.record().record().topic();
    boolean missing = watch.view().isMissing(name);
    if (missing && now() - waiting.sinceNanos() >= MISSING_NANOS) {
      ApiError error =
          ApiError.definite(ErrorReason.TOPIC_NOT_FOUND, "topic '" + name + "' does not exist");
      waiting.record().outcome().failed(error.with("topic", name));
      return true;
    }
    if (now() >= waiting.record().deadlineNanos()) {
      waiting
          .record()
          .outcome()
          .failed(
              ApiError.definite(
                  ErrorReason.BROKER_UNREACHABLE,
                  "no broker told who leads topic '" + name + "' before the deadline"));
      return true;
    }
    return false;
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
    List<PartitionSender> todo = List.copyOf(dirty);
    dirty.clear();
    for (PartitionSender sender : todo) {
      pump(sender, now);
    }
    scheduleTimer(now);
  }

  private void pump(PartitionSender sender, long now) {
    sender.expire(now);
    if (sender.isIdle()) {
      active.remove(sender);
      return;
    }
    if (sender.needsProducerId() && !giveProducerId(sender)) {
      return;
    }
    Owner owner = owners.get(sender);
    TopicId topicId = owner == null ? null : owner.topic().id();
    if (owner == null || topicId == null) {
      return;
    }
    while (sender.wantsStream(now)) {
      Leader leader = sender.leader();
      AppendStream stream = leader == null ? null : streamTo(leader.endpoint());
      if (stream == null || !stream.isReady()) {
        break;
      }
      PartitionSender.Attempt attempt = sender.nextToSend(now, stream.id());
      if (attempt == null) {
        break;
      }
      Optional<ApiError> tooLarge = owner.topic().check(attempt.batch().remaining());
      if (tooLarge.isPresent()) {
        // Not left to the broker: beyond its greatest message it can only break the stream, and
        // then the outcome would be unknown and the batch sent again and again.
        sender.onRefused(attempt.id(), tooLarge.get(), null, now);
        continue;
      }
      attempts.put(attempt.id(), new Sent(sender, stream.id()));
      stream.send(
          WithPayload.of(
              AppendRequest.newBuilder()
                  .setCorrelationId(attempt.id())
                  .setTopicId(com.google.protobuf.ByteString.copyFrom(topicId.toBytes()))
                  .setPartition(owner.partition())
                  .setLeaderEpoch(attempt.leader().epoch())
                  .setAcks(acks)
                  .setTimeoutMs(attempt.timeoutMs())
                  .build(),
              attempt.batch()));
    }
    if (sender.needsProducerId() && giveProducerId(sender)) {
      dirty.add(sender);
      schedulePump();
    }
  }

  private AppendStream streamTo(Endpoint endpoint) {
    AppendStream stream = streams.get(endpoint);
    if (stream == null) {
      stream = new AppendStream(++lastStreamId, endpoint, loop, channels, this);
      streams.put(endpoint, stream);
      stream.start();
    }
    return stream;
  }

  /** Gives a sender the producer's id if there is one that it can use, else asks for one. */
  private boolean giveProducerId(PartitionSender sender) {
    if (producerId >= 0 && producerId != sender.refusedProducerId()) {
      sender.onProducerId(producerId);
      return true;
    }
    if (!producerIdAsked) {
      producerIdAsked = true;
      calls
          .call(
              PartitionServiceGrpc.getInitProducerIdMethod(),
              InitProducerIdRequest.getDefaultInstance(),
              options.deliveryTimeout().toNanos(),
              UnaryCalls.Repeat.SAFE)
          .whenComplete(
              (response, failure) -> {
                producerIdAsked = false;
                if (failure == null) {
                  producerId = response.getProducerId();
                } else {
                  log.warn("No producer id: {}", failure.getMessage());
                }
                dirty.addAll(active);
                schedulePump();
              });
    }
    return false;
  }

  private void scheduleTimer(long now) {
    long wake = Long.MAX_VALUE;
    for (PartitionSender sender : active) {
      wake = Math.min(wake, sender.wakeAtNanos(now));
      long oldest = sender.oldestSentNanos();
      if (oldest != Long.MAX_VALUE) {
        wake = Math.min(wake, Math.max(now, oldest) + SUSPECT_NANOS);
      }
    }
    if (streams.values().stream().anyMatch(stream -> !stream.wasOpen())) {
      wake = Math.min(wake, now + SUSPECT_NANOS);
    }
    if (!parked.isEmpty()) {
      wake = Math.min(wake, now + MISSING_NANOS / 4);
    }
    if (wake < timerAtNanos) {
      if (timer != null) {
        timer.cancel();
      }
      timerAtNanos = wake;
      timer = loop.schedule(Math.max(0, wake - now), this::onTimer);
    }
  }

  private void onTimer() {
    timerAtNanos = Long.MAX_VALUE;
    timer = null;
    long now = now();
    unpark();
    for (AppendStream stream : streams.values()) {
      if (!stream.wasOpen() && now - stream.startedNanos() >= SUSPECT_NANOS) {
        watch.suspect(stream.endpoint(), stream.startedNanos());
      }
    }
    for (PartitionSender sender : active) {
      long oldest = sender.oldestSentNanos();
      Leader leader = sender.leader();
      if (oldest != Long.MAX_VALUE && now - oldest >= SUSPECT_NANOS && leader != null) {
        watch.suspect(leader.endpoint(), oldest);
        AppendStream stream = streams.get(leader.endpoint());
        long most = options.requestTimeout().toNanos() + ANSWER_SLACK_NANOS;
        if (now - oldest >= most && stream != null) {
          stream.cancel("no answer for " + (now - oldest) / 1_000_000 + " ms");
        }
      }
    }
    dirty.addAll(active);
    schedulePump();
  }

  private long now() {
    return loop.clock().nanoTime();
  }

  private static io.kontiki.v1.Acks wireAcks(Acks acks) {
    return switch (acks) {
      case ALL -> io.kontiki.v1.Acks.ACKS_ALL;
      case LEADER -> io.kontiki.v1.Acks.ACKS_LEADER;
      case NONE -> io.kontiki.v1.Acks.ACKS_NONE;
    };
  }
}
