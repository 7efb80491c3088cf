package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.api.Refusals;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.proto.Statuses;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.FetchCredit;
import io.kontiki.raw.v1.FetchRequest;
import io.kontiki.raw.v1.FetchResponse;
import io.kontiki.raw.v1.FetchStart;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;

/**
 * One Fetch stream: each fetch waits at its partition for bytes, as far as its credit and the
 * client's window allow. All on the connection's loop.
 */
final class FetchCall implements StreamObserver<FetchRequest> {
  /** Fetches on one stream. */
  static final int MAX_FETCHES = 1000;

  private static final long HEARTBEAT_NANOS = 10_000_000_000L;
  private static final int MAX_FETCH_BYTES = 1 << 20;
  private static final int MIN_FETCH_BYTES = 64 << 10;
  private static final int STREAM_BYTES = 8 << 20;

  /** To the next look at a client that takes nothing. */
  private static final long BUSY_PAUSE_NANOS = 100_000_000;

  private final EventLoop loop;
  private final Metadata metadata;
  private final PartitionRequests partitions;
  private final ServerCallStreamObserver<WithPayload<FetchResponse>> answers;
  private final StreamSlot slot;
  private final Map<Integer, Cursor> fetches = new TreeMap<>();
  private final ArrayDeque<Cursor> held = new ArrayDeque<>();
  private EventLoop.Timer heartbeat;
  private long lastSentNanos;
  private boolean over;

  private static final class Cursor {
    final int id;
    final PartitionId partition;
    final int leaderEpoch;
    int lastReadEpoch;
    long offset;
    long credit;
    boolean waiting;
    boolean stopped;

    Cursor(int id, PartitionId partition, FetchStart start) {
      this.id = id;
      this.partition = partition;
      this.leaderEpoch = start.hasLeaderEpoch() ? start.getLeaderEpoch() : -1;
      this.lastReadEpoch = start.hasLastReadEpoch() ? start.getLastReadEpoch() : -1;
      this.offset = start.getOffset();
      this.credit = start.getCreditBytes();
    }
  }

  FetchCall(
      EventLoop loop,
      Metadata metadata,
      PartitionRequests partitions,
      ServerCallStreamObserver<WithPayload<FetchResponse>> answers,
      StreamSlot slot) {
    this.loop = loop;
    this.metadata = metadata;
    this.partitions = partitions;
    this.answers = answers;
    this.slot = slot;
    this.lastSentNanos = loop.clock().nanoTime();
    this.heartbeat = loop.schedule(HEARTBEAT_NANOS, this::beat);
    answers.setOnCancelHandler(() -> CallContext.onLoop(loop, this::finish));
    answers.setOnReadyHandler(() -> CallContext.onLoop(loop, this::goOn));
  }

  @Override
  public void onNext(FetchRequest message) {
    CallContext.onLoop(loop, () -> take(message));
  }

  private void take(FetchRequest message) {
    if (over) {
      return;
    }
    switch (message.getActionCase()) {
      case START -> start(message.getStart());
      case CREDIT -> credit(message.getCredit());
      case STOP -> {
        Cursor fetch = fetches.get(message.getStop().getFetchId());
        if (fetch != null) {
          fetch.stopped = true;
          if (!fetch.waiting) {
            endStopped(fetch);
          }
        }
      }
      case ACTION_NOT_SET ->
          fail(
              ApiError.definite(
                  ErrorReason.UNKNOWN_ACTION,
                  "none of start, credit and stop is set, or this broker is older than the client"));
    }
  }

  private void start(FetchStart start) {
    PartitionId partition;
    try {
      partition = PartitionMessages.partition(start.getTopicId(), start.getPartition());
    } catch (BadMessage e) {
      refuse(start, e.error());
      return;
    }
    if (fetches.containsKey(start.getFetchId())) {
      fail(
          Refusals.invalidField(
              "start.fetch_id", start.getFetchId() + " is in use; each start needs a new one"));
    } else if (start.getOffset() < 0) {
      refuse(start, Refusals.invalidField("start.offset", start.getOffset() + " is negative"));
    } else if (start.getCreditBytes() < 0) {
      refuse(
          start,
          Refusals.invalidField("start.credit_bytes", start.getCreditBytes() + " is negative"));
    } else if (fetches.size() >= MAX_FETCHES) {
      refuse(
          start,
          ApiError.retriable(
                  ErrorReason.BUSY,
                  "a stream carries at most " + MAX_FETCHES + " fetches: open another one",
                  100)
              .with("what", "fetches"));
    } else {
      Cursor fetch = new Cursor(start.getFetchId(), partition, start);
      fetches.put(fetch.id, fetch);
      read(fetch);
    }
  }

  private void refuse(FetchStart start, ApiError error) {
    send(
        PartitionMessages.ended(
            start.getFetchId(),
            metadata.image().index(),
            start.getOffset(),
            new FetchAnswer.Failed(error, null, null)));
  }

  private void credit(FetchCredit credit) {
    if (credit.getBytes() <= 0) {
      fail(Refusals.invalidField("credit.bytes", credit.getBytes() + " is not positive"));
      return;
    }
    Cursor fetch = fetches.get(credit.getFetchId());
    if (fetch != null) {
      long sum = fetch.credit + credit.getBytes();
      fetch.credit = sum < fetch.credit ? Long.MAX_VALUE : sum;
      read(fetch);
    }
  }

  /** Asks the partition, if the fetch may deliver and the client takes what comes. */
  private void read(Cursor fetch) {
    if (over || fetch.waiting || fetch.stopped || fetch.credit <= 0) {
      return;
    }
    if (!answers.isReady()) {
      if (!held.contains(fetch)) {
        held.add(fetch);
      }
      return;
    }
    fetch.waiting = true;
    // What all fetches of a stream may bring at once is bounded, too.
    int share = Math.max(MIN_FETCH_BYTES, STREAM_BYTES / fetches.size());
    partitions.fetch(
        new Fetch(
            fetch.partition,
            fetch.leaderEpoch,
            fetch.offset,
            fetch.lastReadEpoch,
            (int) Math.min(fetch.credit, Math.min(MAX_FETCH_BYTES, share)),
            1,
            loop.clock().nanoTime() + HEARTBEAT_NANOS,
            Route.LOCAL),
        answer -> CallContext.onLoop(loop, () -> onAnswer(fetch, answer)));
  }

  private void onAnswer(Cursor fetch, FetchAnswer answer) {
    fetch.waiting = false;
    if (over) {
      return;
    }
    if (answer instanceof FetchAnswer.Failed failed) {
      fetches.remove(fetch.id);
      send(
          PartitionMessages.ended(
              fetch.id,
              metadata.image().index(),
              fetch.offset,
              new FetchAnswer.Failed(
                  failed.error().with("partition", fetch.partition.partition()),
                  failed.leader(),
                  failed.divergence())));
      return;
    }
    FetchAnswer.Fetched fetched = (FetchAnswer.Fetched) answer;
    fetch.offset = fetched.nextOffset();
    fetch.credit -= fetched.bytes();
    if (fetched.bytes() > 0) {
      fetch.lastReadEpoch = -1; // checked once; from here on the stream itself is the thread
    }
    send(PartitionMessages.fetched(fetch.id, metadata.image().index(), fetched));
    if (fetch.stopped) {
      endStopped(fetch);
    } else {
      read(fetch);
    }
  }

  private void endStopped(Cursor fetch) {
    fetches.remove(fetch.id);
    held.remove(fetch);
    send(
        WithPayload.of(
            FetchResponse.newBuilder()
                .setFetchId(fetch.id)
                .setNextOffset(fetch.offset)
                .setMetadataIndex(metadata.image().index())
                .setEnded(true)
                .build()));
  }

  private void goOn() {
    for (int left = held.size(); left > 0 && !over && answers.isReady(); left--) {
      read(held.remove());
    }
  }

  private void send(WithPayload<FetchResponse> response) {
    lastSentNanos = loop.clock().nanoTime();
    if (!answers.isCancelled()) {
      answers.onNext(response);
    }
  }

  private void beat() {
    if (over) {
      return;
    }
    long silent = loop.clock().nanoTime() - lastSentNanos;
    if (silent >= HEARTBEAT_NANOS && answers.isReady()) {
      FetchResponse.Builder news =
          FetchResponse.newBuilder().setMetadataIndex(metadata.image().index());
      fetches.values().stream()
          .findFirst()
          .ifPresent(fetch -> news.setFetchId(fetch.id).setNextOffset(fetch.offset));
      send(WithPayload.of(news.build()));
      silent = 0;
    }
    long pause = silent < HEARTBEAT_NANOS ? HEARTBEAT_NANOS - silent : BUSY_PAUSE_NANOS;
    heartbeat = loop.schedule(pause, this::beat);
  }

  private void fail(ApiError error) {
    if (!over) {
      finish();
      answers.onError(Statuses.toException(error));
    }
  }

  private void finish() {
    over = true;
    fetches.clear();
    held.clear();
    heartbeat.cancel();
    slot.giveBack();
  }

  @Override
  public void onError(Throwable failure) {
    CallContext.onLoop(loop, this::finish);
  }

  @Override
  public void onCompleted() {
    CallContext.onLoop(
        loop,
        () -> {
          if (!over) {
            finish();
            answers.onCompleted();
          }
        });
  }
}
