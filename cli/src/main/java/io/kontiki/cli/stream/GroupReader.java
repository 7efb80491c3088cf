package io.kontiki.cli.stream;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.v1.Commit;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.Records;
import io.kontiki.v1.Subscribe;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Reads a topic as a member of a group, over one {@code Consume} stream: at least once. A stream
 * that breaks is opened again at the next broker, where what was not committed comes again. At most
 * one message is in memory. One thread at a time.
 */
public final class GroupReader implements AutoCloseable {
  private static final long PAUSE_MS = 50;
  private static final Duration FAREWELL = Duration.ofSeconds(5);

  private final BrokerChannels brokers;
  private final Subscribe subscribe;
  private final Duration timeout;
  private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private String memberId = "";
  private int attempt;
  private int recordsOf;
  private int host;
  private @Nullable Observer stream;
  private @Nullable Deadline reopenAt;
  private @Nullable Deadline giveUpAt;

  /**
   * What a stream has to say; none of the last two set means that it ended well.
   *
   * @param attempt of the stream, so that news of an earlier one are recognised
   */
  private record Event(
      int attempt, @Nullable ConsumeResponse response, @Nullable Throwable failure) {}

  /**
   * Joins.
   *
   * @param startAt where the group has committed nothing
   * @param timeout how long no broker may serve the group before it is an error
   */
  public GroupReader(
      BrokerChannels brokers, String group, String topic, OffsetSpec startAt, Duration timeout) {
    this.brokers = brokers;
    this.timeout = timeout;
    this.subscribe =
        Subscribe.newBuilder().setGroup(group).addTopics(topic).setStartAt(startAt).build();
    open();
  }

  /**
   * The next records of some partition; the ones before are to be committed first.
   *
   * @return null if none came within the time
   * @throws CliException if the group cannot be read any more
   */
  public @Nullable Records poll(Duration patience) {
    Deadline deadline = Deadline.in(patience);
    do {
      Deadline due = reopenAt;
      if (due != null && due.hasPassed()) {
        open();
      }
      Event event = take(deadline.atMost(Duration.ofMillis(PAUSE_MS)));
      if (event != null && event.attempt() == attempt) {
        Records records = on(event);
        if (records != null) {
          return records;
        }
      }
    } while (!deadline.hasPassed());
    return null;
  }

  /**
   * Says that the records which came last were processed.
   *
   * @param offset the next one to process
   */
  public void commit(Records records, long offset) {
    Observer open = stream;
    if (open == null || recordsOf != attempt) {
      return; // on another stream they come again
    }
    PartitionOffset position = records.getPosition();
    PartitionOffset.Builder processed = position.toBuilder().setOffset(offset);
    if (offset != position.getOffset()) {
      processed.clearLeaderEpoch();
    }
    open.send(
        ConsumeRequest.newBuilder().setCommit(Commit.newBuilder().addOffsets(processed)).build());
  }

  private void open() {
    reopenAt = null;
    attempt++;
    BrokerChannels.Connection connection = brokers.connection(0);
    host = connection.host();
    Observer opened = new Observer(attempt);
    stream = opened;
    LogServiceGrpc.newStub(connection.channel()).consume(opened);
    opened.send(
        ConsumeRequest.newBuilder()
            .setSubscribe(subscribe.toBuilder().setMemberId(memberId))
            .build());
  }

  private @Nullable Event take(Deadline deadline) {
    try {
      return events.poll(deadline.remainingMs(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw CliException.failed("interrupted");
    }
  }

  private @Nullable Records on(Event event) {
    Observer open = stream;
    ConsumeResponse response = event.response();
    if (response == null) {
      stream = null;
      onEnd(event.failure());
      return null;
    }
    giveUpAt = null;
    if (open != null) {
      open.more();
    }
    if (response.hasAssigned()) {
      memberId = response.getAssigned().getMemberId();
    }
    recordsOf = attempt;
    return response.hasRecords() ? response.getRecords() : null;
  }

  private void onEnd(@Nullable Throwable failure) {
    if (failure != null) {
      CallError error = CallError.of(failure);
      Deadline giveUp = giveUpAt == null ? Deadline.in(timeout) : giveUpAt;
      giveUpAt = giveUp;
      // ABORTED: the member was fenced; another stream joins anew.
      if (giveUp.hasPassed() || (!error.mayRepeat() && error.code() != Status.Code.ABORTED)) {
        throw error.asExit(brokers, " (group '" + subscribe.getGroup() + "')");
      }
    }
    brokers.giveUp(host);
    reopenAt = Deadline.in(Duration.ofMillis(PAUSE_MS));
  }

  /** Leaves the group when what was committed is stored. */
  @Override
  public void close() {
    Observer open = stream;
    if (open == null) {
      return;
    }
    open.halfClose();
    Deadline deadline = Deadline.in(FAREWELL);
    while (!deadline.hasPassed()) {
      Event event = take(deadline);
      if (event != null && event.attempt() == attempt) {
        if (event.response() == null) {
          return;
        }
        open.more();
      }
    }
    open.cancel();
  }

  /** Runs on a thread of gRPC: hands over what comes, and asks for more only when told to. */
  private final class Observer implements ClientResponseObserver<ConsumeRequest, ConsumeResponse> {
    private final int attempt;
    private volatile @Nullable ClientCallStreamObserver<ConsumeRequest> call;

    Observer(int attempt) {
      this.attempt = attempt;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<ConsumeRequest> requests) {
      call = requests;
      requests.disableAutoRequestWithInitial(1);
    }

    @Override
    public void onNext(ConsumeResponse response) {
      events.add(new Event(attempt, response, null));
    }

    @Override
    public void onError(Throwable failure) {
      events.add(new Event(attempt, null, failure));
    }

    @Override
    public void onCompleted() {
      events.add(new Event(attempt, null, null));
    }

    void send(ConsumeRequest request) {
      ClientCallStreamObserver<ConsumeRequest> open = call;
      if (open != null) {
        open.onNext(request);
      }
    }

    void more() {
      ClientCallStreamObserver<ConsumeRequest> open = call;
      if (open != null) {
        open.request(1);
      }
    }

    void halfClose() {
      ClientCallStreamObserver<ConsumeRequest> open = call;
      if (open != null) {
        open.onCompleted();
      }
    }

    void cancel() {
      ClientCallStreamObserver<ConsumeRequest> open = call;
      if (open != null) {
        open.cancel("not needed any more", null);
      }
    }
  }
}
