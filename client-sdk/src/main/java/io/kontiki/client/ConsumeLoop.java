package io.kontiki.client;

import io.grpc.Metadata;
import io.grpc.Status;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.proto.Statuses;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.RandomSource;
import io.kontiki.v1.Commit;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.Credit;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.RecordHeader;
import io.kontiki.v1.Records;
import io.kontiki.v1.RevokeReason;
import io.kontiki.v1.Subscribe;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one member of a group in its group: holds a Consume stream at some broker, and opens the
 * next one elsewhere when it ends, with the same member id. Hands what the broker tells to the
 * inbox, and credit for what was taken back to the broker. Everything but the methods marked so
 * runs on the loop.
 *
 * <p>A stream is left for another broker when the broker does not say anything at all for 5 s after
 * the opening, when the cluster has not counted it among those that serve for 2 s (it froze, or is
 * cut off: its members are fenced with it), and when its connection breaks.
 */
final class ConsumeLoop implements ClusterWatch.Listener, ConsumeStream.Handler {
  private static final Logger log = LoggerFactory.getLogger(ConsumeLoop.class);

  /** A join takes one round through the quorum; longer than a change of its leader. */
  private static final long OPENING_NANOS = 5_000_000_000L;

  /** A broker that stops by plan says so itself, and is not among those that serve, either. */
  private static final long AWAY_NANOS = 2_000_000_000L;

  private final EventLoop loop;
  private final Channels channels;
  private final ClusterWatch watch;
  private final BrokerList brokers;
  private final GroupInbox inbox;
  private final Backoff backoff;

  /** What to say at the beginning of each stream; null: it is in no group. */
  private @Nullable Subscribe subscribe;

  private String memberId = "";
  private @Nullable ConsumeStream stream;
  private long lastStreamId;

  /** Of the stream: it has told something. */
  private boolean joined;

  /** Of the stream: the cluster has counted its broker among those that serve. */
  private boolean served;

  /** Limits the opening, or ends the pause before the next stream. */
  private EventLoop.@Nullable Timer timer;

  private EventLoop.@Nullable Timer awayTimer;
  private @Nullable CompletableFuture<Void> left;

  ConsumeLoop(
      EventLoop loop,
      Channels channels,
      ClusterWatch watch,
      BrokerList brokers,
      GroupInbox inbox,
      RandomSource random) {
    this.loop = loop;
    this.channels = channels;
    this.watch = watch;
    this.brokers = brokers;
    this.inbox = inbox;
    this.backoff = new Backoff(random);
    loop.execute(() -> watch.listen(this));
  }

  /** Joins; only when it is in no group. Any thread. */
  void join(Subscribe wanted) {
    loop.execute(
        () -> {
          subscribe = wanted;
          memberId = "";
          wanted.getTopicsList().forEach(watch::watch);
          open();
        });
  }

  /**
   * Commits on a stream. Any thread.
   *
   * @param streamId on which the partitions were assigned
   * @return completed on the loop; exceptionally with {@link KontikiException}
   */
  CompletableFuture<Void> commit(long streamId, Collection<PartitionOffset> offsets) {
    List<PartitionOffset> toSend = List.copyOf(offsets);
    CompletableFuture<Void> answer = new CompletableFuture<>();
    loop.execute(
        () -> {
          ConsumeStream current = stream;
          ConsumeRequest request =
              ConsumeRequest.newBuilder()
                  .setCommit(Commit.newBuilder().addAllOffsets(toSend))
                  .build();
          if (current == null || current.id() != streamId || !current.send(request)) {
            answer.completeExceptionally(
                new KontikiException(
                    ApiError.definite(
                        ErrorReason.NOT_ASSIGNED,
                        "the connection on which "
                            + toSend.get(0).getTopic()
                            + "-"
                            + toSend.get(0).getPartition()
                            + " was assigned has ended; what is not committed is delivered"
                            + " again")));
            return;
          }
          var unused =
              current
                  .commits()
                  .add(toSend)
                  .whenComplete(
                      (done, failure) -> {
                        if (failure == null) {
                          answer.complete(null);
                        } else {
                          answer.completeExceptionally(failure);
                        }
                      });
        });
    return answer;
  }

  /** Sends something if this stream is still there. Any thread. */
  void send(long streamId, ConsumeRequest request) {
    loop.execute(
        () -> {
          ConsumeStream current = stream;
          if (current != null && current.id() == streamId) {
            current.send(request);
          }
        });
  }

  /** Records were taken, or dropped: the broker may send as much again. Any thread. */
  void consumed(long streamId, long bytes) {
    loop.execute(
        () -> {
          ConsumeStream current = stream;
          if (current != null && current.id() == streamId) {
            giveCredit(current, bytes);
          }
        });
  }

  /** Nothing is left to say on this stream, whose broker stops; another follows. Any thread. */
  void finish(long streamId) {
    loop.execute(
        () -> {
          ConsumeStream current = stream;
          if (current != null && current.id() == streamId) {
            current.halfClose();
          }
        });
  }

  /**
   * Leaves the group when the commits that were sent are answered. Any thread.
   *
   * @return completed on the loop, when the broker has said so, or cannot any more
   */
  CompletableFuture<Void> leave() {
    CompletableFuture<Void> done = new CompletableFuture<>();
    loop.execute(
        () -> {
          subscribe = null;
          stopTimer();
          ConsumeStream current = stream;
          if (current == null) {
            done.complete(null);
          } else {
            left = done;
            current.halfClose();
          }
        });
    return done;
  }

  /** Breaks what is left. Any thread. */
  void abandon() {
    loop.execute(
        () -> {
          subscribe = null;
          stopTimer();
          ConsumeStream current = stream;
          if (current != null) {
            current.cancel("the consumer does not wait any longer");
          }
        });
  }

  /** Any thread. */
  void close() {
    abandon();
    loop.execute(() -> watch.ignore(this));
  }

  private void open() {
    stopTimer();
    if (subscribe == null || stream != null) {
      return;
    }
    Subscribe first = subscribe.toBuilder().setMemberId(memberId).build();
    Endpoint endpoint = brokers.current();
    ConsumeStream next;
    try {
      next = new ConsumeStream(++lastStreamId, endpoint, loop, channels, this);
    } catch (IllegalStateException e) {
      fail(ApiError.definite(ErrorReason.BROKER_UNREACHABLE, "the client is closed"));
      return;
    }
    stream = next;
    joined = false;
    served = brokers.serves(endpoint);
    timer = loop.schedule(OPENING_NANOS, () -> giveUp(next, "it did not answer the join in time"));
    log.debug("group {}: joining at {}", first.getGroup(), endpoint);
    next.start(ConsumeRequest.newBuilder().setSubscribe(first).build());
  }

  private void giveUp(ConsumeStream silent, String why) {
    if (stream == silent) {
      log.debug("{} is left for another broker: {}", silent.endpoint(), why);
      brokers.passOver(silent.endpoint());
      silent.cancel(why);
    }
  }

  @Override
  public void onView(ClusterView view) {
    brokers.learn(view);
    ConsumeStream current = stream;
    if (current == null) {
      return;
    }
    if (brokers.serves(current.endpoint())) {
      served = true;
      stopAwayTimer();
    } else if (served && awayTimer == null && !current.isHalfClosed()) {
      awayTimer =
          loop.schedule(AWAY_NANOS, () -> giveUp(current, "the cluster says that it is away"));
    }
  }

  @Override
  public void onMessage(ConsumeStream from, ConsumeResponse message) {
    if (!joined) {
      joined = true;
      stopTimer();
      backoff.reset();
    }
    switch (message.getEventCase()) {
      case ASSIGNED -> {
        memberId = message.getAssigned().getMemberId();
        message.getAssigned().getPartitionsList().forEach(one -> watch.watch(one.getTopic()));
        inbox.put(new GroupInbox.Came(from.id(), message.getAssigned()));
      }
      case RECORDS -> {
        Records records = message.getRecords();
        inbox.put(
            new GroupInbox.Chunk(
                new TopicPartition(records.getTopic(), records.getPartition()),
                records,
                sizeBytes(records)));
      }
      case COMMITTED -> from.commits().onCommitted(message.getCommitted());
      case REVOKING -> {
        Set<TopicPartition> going = keys(message.getRevoking().getPartitionsList());
        giveCredit(from, inbox.drop(going));
        inbox.put(new GroupInbox.Going(going, duration(message.getRevoking().getTimeLeft())));
      }
      case REVOKED -> {
        Set<TopicPartition> gone = keys(message.getRevoked().getPartitionsList());
        giveCredit(from, inbox.drop(gone));
        inbox.put(new GroupInbox.Gone(gone, reason(message.getRevoked().getReason())));
      }
      case REPOSITIONED -> {
        PartitionOffset to = message.getRepositioned().getPosition();
        inbox.put(
            new GroupInbox.Jump(
                new TopicPartition(to.getTopic(), to.getPartition()), message.getRepositioned()));
      }
      case RECONNECT -> {
        stopAwayTimer();
        served = false;
        inbox.put(new GroupInbox.Stopping(duration(message.getReconnect().getTimeLeft())));
      }
      case HEARTBEAT, EVENT_NOT_SET -> {}
    }
  }

  @Override
  public void onEnd(ConsumeStream ended, Status status, Metadata trailers) {
    if (stream != ended) {
      return;
    }
    stream = null;
    stopTimer();
    stopAwayTimer();
    inbox.dropAll();
    ApiError error = status.isOk() ? null : Statuses.fromStatus(status, trailers);
    ended
        .commits()
        .onEnd(
            ApiError.indefinite(
                ErrorReason.OUTCOME_UNKNOWN,
                "the connection ended before the commit was answered; what is not committed is"
                    + " delivered again"));
    CompletableFuture<Void> leaving = left;
    if (leaving != null) {
      left = null;
      leaving.complete(null);
    }
    if (subscribe == null) {
      return;
    }
    if (error != null && isFinal(status.getCode())) {
      fail(error);
      return;
    }
    inbox.put(new GroupInbox.Lost());
    log.debug("stream at {} ended: {}", ended.endpoint(), error == null ? "OK" : error);
    brokers.passOver(ended.endpoint());
    if (error == null) {
      open();
    } else {
      backoff.pause(now(), error.retryAfterMs());
      timer = loop.schedule(backoff.leftNanos(now()), this::open);
    }
  }

  private void fail(ApiError error) {
    subscribe = null;
    inbox.put(new GroupInbox.Failed(new KontikiException(error)));
  }

  /** What the contract says of the code alone: the same would fail again. */
  private static boolean isFinal(Status.Code code) {
    return switch (code) {
      case INVALID_ARGUMENT,
          NOT_FOUND,
          ALREADY_EXISTS,
          FAILED_PRECONDITION,
          OUT_OF_RANGE,
          DATA_LOSS,
          UNIMPLEMENTED,
          PERMISSION_DENIED,
          UNAUTHENTICATED ->
          true;
      default -> false;
    };
  }

  private static void giveCredit(ConsumeStream to, long bytes) {
    if (bytes > 0) {
      to.send(ConsumeRequest.newBuilder().setCredit(Credit.newBuilder().setBytes(bytes)).build());
    }
  }

  /** As the contract counts: keys, values, headers. */
  private static long sizeBytes(Records records) {
    long bytes = 0;
    for (LogRecord record : records.getRecordsList()) {
      bytes += record.getKey().size() + record.getValue().size();
      for (RecordHeader header : record.getHeadersList()) {
        bytes += header.getKeyBytes().size() + header.getValue().size();
      }
    }
    return bytes;
  }

  private static Set<TopicPartition> keys(List<io.kontiki.v1.TopicPartition> partitions) {
    Set<TopicPartition> keys = new TreeSet<>();
    partitions.forEach(one -> keys.add(new TopicPartition(one.getTopic(), one.getPartition())));
    return keys;
  }

  private static Duration duration(com.google.protobuf.Duration value) {
    return Duration.ofSeconds(value.getSeconds(), value.getNanos());
  }

  private static RebalanceListener.Reason reason(RevokeReason reason) {
    return switch (reason) {
      case REVOKE_REASON_TIMEOUT -> RebalanceListener.Reason.TIMEOUT;
      case REVOKE_REASON_TOPIC_DELETED -> RebalanceListener.Reason.TOPIC_DELETED;
      default -> RebalanceListener.Reason.REBALANCE;
    };
  }

  private void stopTimer() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }

  private void stopAwayTimer() {
    if (awayTimer != null) {
      awayTimer.cancel();
      awayTimer = null;
    }
  }

  private long now() {
    return loop.clock().nanoTime();
  }
}
