package io.kontiki.cli.stream;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.v1.ListOffsetsRequest;
import io.kontiki.v1.ListOffsetsResponse;
import io.kontiki.v1.ListedOffset;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.OffsetAnchor;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.ReadRequest;
import io.kontiki.v1.ReadResponse;
import io.kontiki.v1.Records;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Reads partitions of a topic, each in order and without gaps, over one {@code Read} stream per
 * partition. A stream that breaks is opened again at the next broker where the last record left
 * off. At most one message per partition is in memory. One thread at a time.
 */
public final class RecordReader implements AutoCloseable {
  /** Brokers take 100 calls at a time on a connection. */
  private static final int STREAMS_PER_CONNECTION = 80;

  private static final Duration TRY_PATIENCE = Duration.ofSeconds(3);
  private static final long PAUSE_MS = 50;

  private final BrokerChannels brokers;
  private final String topic;
  private final boolean follow;
  private final Duration timeout;
  private final List<PartitionStream> streams = new ArrayList<>();
  private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();

  /**
   * What a stream has to say; none of the three set means that it ended well.
   *
   * @param attempt of the stream, so that news of an earlier one are recognised
   */
  private record Event(
      PartitionStream stream,
      int attempt,
      @Nullable ReadResponse response,
      @Nullable Throwable failure) {}

  /**
   * Begins to read.
   *
   * @param from next offset by partition
   * @param follow false: up to the high watermark that each partition has now
   * @param timeout how long a partition may be out of reach before it is an error
   */
  public RecordReader(
      BrokerChannels brokers,
      String topic,
      Map<Integer, Long> from,
      boolean follow,
      Duration timeout) {
    this.brokers = brokers;
    this.topic = topic;
    this.follow = follow;
    this.timeout = timeout;
    from.forEach(
        (partition, offset) -> {
          int lane = 1 + streams.size() / STREAMS_PER_CONNECTION;
          streams.add(new PartitionStream(partition, offset, lane));
        });
    streams.forEach(PartitionStream::open);
  }

  /**
   * Finds the place to begin in each partition.
   *
   * @param partition null: all
   * @return by number
   * @throws CliException if it is refused, or not answered in time
   */
  public static Map<Integer, Long> offsets(
      BrokerChannels brokers,
      String topic,
      @Nullable Integer partition,
      OffsetSpec at,
      Deadline deadline) {
    // A number needs no search; the partitions that there are must be asked for all the same.
    OffsetSpec search =
        at.hasOffset()
            ? OffsetSpec.newBuilder().setAnchor(OffsetAnchor.OFFSET_ANCHOR_EARLIEST).build()
            : at;
    ListOffsetsRequest.Builder request =
        ListOffsetsRequest.newBuilder().setTopic(topic).setAt(search);
    if (partition != null) {
      request.addPartitions(partition);
    }
    while (true) {
      BrokerChannels.Connection connection = brokers.connection(0);
      try {
        long patienceMs = Math.max(1, deadline.atMost(TRY_PATIENCE).remainingMs());
        ListOffsetsResponse response =
            LogServiceGrpc.newBlockingStub(connection.channel())
                .withDeadlineAfter(patienceMs, TimeUnit.MILLISECONDS)
                .listOffsets(request.build());
        Map<Integer, Long> offsets = new TreeMap<>();
        for (ListedOffset one : response.getOffsetsList()) {
          offsets.put(one.getPartition(), at.hasOffset() ? at.getOffset() : one.getOffset());
        }
        return offsets;
      } catch (StatusRuntimeException e) {
        CallError error = CallError.of(e);
        if (!error.mayRepeat() || deadline.remainingMs() <= PAUSE_MS) {
          throw error.asExit(brokers, "");
        }
        brokers.giveUp(connection.host());
        deadline.pause(PAUSE_MS);
      }
    }
  }

  /**
   * The next records of some partition.
   *
   * @return null if none came within the time, or all partitions are at their end
   * @throws CliException if a partition cannot be read any more
   */
  public @Nullable Records poll(Duration patience) {
    Deadline deadline = Deadline.in(patience);
    do {
      reopenWhatIsDue();
      Event event = take(deadline.atMost(Duration.ofMillis(PAUSE_MS)));
      if (event != null && event.attempt() == event.stream().attempt) {
        Records records = event.stream().on(event);
        if (records != null) {
          return records;
        }
      }
    } while (!deadline.hasPassed() && !isAtEnd());
    return null;
  }

  /** Every partition was read up to its end; never with {@code follow}. */
  public boolean isAtEnd() {
    return streams.stream().allMatch(stream -> stream.ended);
  }

  private @Nullable Event take(Deadline deadline) {
    try {
      return events.poll(deadline.remainingMs(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw CliException.failed("interrupted");
    }
  }

  private void reopenWhatIsDue() {
    for (PartitionStream stream : streams) {
      Deadline due = stream.reopenAt;
      if (due != null && due.hasPassed()) {
        stream.open();
      }
    }
  }

  @Override
  public void close() {
    streams.forEach(PartitionStream::cancel);
  }

  /** One partition: where it is, and the stream that is open. */
  private final class PartitionStream {
    private final int partition;
    private final int lane;
    private long position;
    private int attempt;
    private int host;
    private boolean ended;
    private @Nullable Deadline reopenAt;
    private @Nullable Deadline giveUpAt;
    private @Nullable Observer observer;

    PartitionStream(int partition, long position, int lane) {
      this.partition = partition;
      this.position = position;
      this.lane = lane;
    }

    void open() {
      reopenAt = null;
      attempt++;
      BrokerChannels.Connection connection = brokers.connection(lane);
      host = connection.host();
      Observer opened = new Observer(this, attempt);
      observer = opened;
      LogServiceGrpc.newStub(connection.channel())
          .read(
              ReadRequest.newBuilder()
                  .setTopic(topic)
                  .setPartition(partition)
                  .setStart(OffsetSpec.newBuilder().setOffset(position))
                  .setFollow(follow)
                  .build(),
              opened);
    }

    @Nullable Records on(Event event) {
      if (event.failure() != null) {
        onFailure(CallError.of(event.failure()));
        return null;
      }
      giveUpAt = null;
      ReadResponse response = event.response();
      if (response == null) {
        onEnd();
        return null;
      }
      Records records = response.hasRecords() ? onRecords(response.getRecords()) : null;
      if (observer != null) {
        observer.more();
      }
      return records;
    }

    /** Drops what lies before the position: a broker may send a batch from its beginning. */
    private @Nullable Records onRecords(Records records) {
      Records.Builder fresh = records.toBuilder().clearRecords();
      for (LogRecord one : records.getRecordsList()) {
        if (one.getOffset() >= position) {
          fresh.addRecords(one);
          position = one.getOffset() + 1;
        }
      }
      position = Math.max(position, records.getPosition().getOffset());
      return fresh.getRecordsCount() == 0 ? null : fresh.build();
    }

    private void onEnd() {
      if (follow) {
        // Brokers end a stream in good order when they are about to stop.
        brokers.giveUp(host);
        reopenAt = Deadline.in(Duration.ofMillis(PAUSE_MS));
      } else {
        ended = true;
      }
    }

    private void onFailure(CallError error) {
      Deadline giveUp = giveUpAt == null ? Deadline.in(timeout) : giveUpAt;
      giveUpAt = giveUp;
      if (!error.mayRepeat() || giveUp.hasPassed()) {
        throw error.asExit(brokers, " (partition " + partition + ", offset " + position + ")");
      }
      brokers.giveUp(host);
      reopenAt = Deadline.in(Duration.ofMillis(PAUSE_MS));
    }

    void cancel() {
      attempt++;
      if (observer != null) {
        observer.cancel();
      }
    }
  }

  /** Runs on a thread of gRPC: hands over what comes, and asks for more only when told to. */
  private final class Observer implements ClientResponseObserver<ReadRequest, ReadResponse> {
    private final PartitionStream stream;
    private final int attempt;
    private volatile @Nullable ClientCallStreamObserver<ReadRequest> call;

    Observer(PartitionStream stream, int attempt) {
      this.stream = stream;
      this.attempt = attempt;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<ReadRequest> requests) {
      call = requests;
      requests.disableAutoRequestWithInitial(1);
    }

    @Override
    public void onNext(ReadResponse response) {
      events.add(new Event(stream, attempt, response, null));
    }

    @Override
    public void onError(Throwable failure) {
      events.add(new Event(stream, attempt, null, failure));
    }

    @Override
    public void onCompleted() {
      events.add(new Event(stream, attempt, null, null));
    }

    void more() {
      ClientCallStreamObserver<ReadRequest> open = call;
      if (open != null) {
        open.request(1);
      }
    }

    void cancel() {
      ClientCallStreamObserver<ReadRequest> open = call;
      if (open != null) {
        open.cancel("not needed any more", null);
      }
    }
  }
}
