package io.kontiki.broker.api;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Takes each request to the partition's leader: to this broker's own partitions, or one hop further
 * (rule R45). A request is tried again only after a definite refusal that another leader or a
 * little time may heal, and only until its deadline; a read, and an append with a producer id, by
 * which the partition recognises it, after any failure of that kind.
 *
 * <p>Nobody waits for a leader that leads no more: as soon as the image names another one, what is
 * under way at the former is given up, because it may be frozen and never answer.
 */
public final class PartitionRouter implements PartitionRequests {
  /** To the next look for a leader if the partition's entry does not change meanwhile; doubled. */
  private static final long RETRY_NANOS = 20_000_000;

  private static final long MAX_RETRY_NANOS = 80_000_000;

  /**
   * A former leader that lives answers what waits there as soon as it knows (rule R23), perhaps
   * with success. So long an append that must not be repeated is left to it.
   */
  private static final long FAREWELL_NANOS = 250_000_000;

  private final int brokerId;
  private final Metadata metadata;
  private final PartitionRequests local;
  private final Forwarder forwarder;
  private final Function<PartitionId, EventLoop> loops;

  /**
   * Requests that wait for another leader, or for the answer of one; guarded by itself. One
   * listener serves all: a cluster without a leader must not keep the control loop busy, which
   * keeps this broker's session.
   */
  private final Set<Attempt<?>> concerned = new LinkedHashSet<>();

  /**
   * Hands requests to other brokers. Completions run on any data loop, exactly once. What is
   * returned gives the request up, on any thread: if it is still under way, it completes with a
   * failure, definite if it never left this broker, else indefinite.
   */
  public interface Forwarder {
    /** Appends at the broker. */
    Runnable append(BrokerImage leader, Append request, Completion<AppendAnswer> completion);

    /** Reads at the broker. */
    Runnable fetch(BrokerImage leader, Fetch request, Completion<FetchAnswer> completion);

    /** Finds an offset at the broker. */
    Runnable listOffset(
        BrokerImage leader, ListOffset request, Completion<OffsetAnswer> completion);

    /** Deletes records at the broker. */
    Runnable deleteRecords(
        BrokerImage leader, DeleteRecords request, Completion<OffsetAnswer> completion);

    /** Asks the broker for the ends of a partition. */
    void describe(
        BrokerImage leader,
        PartitionId partition,
        long deadlineNanos,
        Completion<Description> completion);
  }

  /**
   * @param local this broker's partitions; answers NOT_LEADER for those it does not lead
   * @param loops the loop that a partition lives on, or would
   */
  public PartitionRouter(
      int brokerId,
      Metadata metadata,
      PartitionRequests local,
      Forwarder forwarder,
      Function<PartitionId, EventLoop> loops) {
    this.brokerId = brokerId;
    this.metadata = metadata;
    this.local = local;
    this.forwarder = forwarder;
    this.loops = loops;
    metadata.listen(this::onImage);
  }

  private void onImage(ClusterImage image) {
    List<Attempt<?>> all;
    synchronized (concerned) {
      all = List.copyOf(concerned);
    }
    for (Attempt<?> attempt : all) {
      if (image.partition(attempt.partition) != attempt.seen) {
        attempt.onLoop(attempt::onNews);
      }
    }
  }

  @Override
  public void append(Append request, Completion<AppendAnswer> completion) {
    if (request.route() == Route.LOCAL) {
      local.append(request, completion);
      return;
    }
    new Attempt<AppendAnswer>(request.partition(), request.deadlineNanos(), completion) {
      @Override
      void toSelf(int leaderEpoch, Completion<AppendAnswer> answer) {
        local.append(withEpoch(request, leaderEpoch), answer);
      }

      @Override
      Runnable toOther(BrokerImage leader, int leaderEpoch, Completion<AppendAnswer> answer) {
        return forwarder.append(leader, withEpoch(request, leaderEpoch), answer);
      }

      @Override
      boolean repeatable() {
        return RecordBatch.at(request.batch()).producerId() != RecordBatch.NO_PRODUCER_ID;
      }

      @Override
      @Nullable ApiError errorOf(AppendAnswer answer) {
        return answer instanceof AppendAnswer.Failed failed ? failed.error() : null;
      }

      @Override
      AppendAnswer failed(ApiError error) {
        return new AppendAnswer.Failed(error, null);
      }
    }.start();
  }

  private static Append withEpoch(Append request, int leaderEpoch) {
    return new Append(
        request.partition(),
        leaderEpoch,
        request.acks(),
        request.batch().duplicate(),
        request.deadlineNanos(),
        Route.LOCAL);
  }

  @Override
  public void fetch(Fetch request, Completion<FetchAnswer> completion) {
    if (request.route() == Route.LOCAL) {
      local.fetch(request, completion);
      return;
    }
    Fetch direct =
        new Fetch(
            request.partition(),
            request.leaderEpoch(),
            request.offset(),
            request.lastReadEpoch(),
            request.maxBytes(),
            request.minBytes(),
            request.deadlineNanos(),
            Route.LOCAL);
    new Attempt<FetchAnswer>(request.partition(), request.deadlineNanos(), completion) {
      @Override
      void toSelf(int leaderEpoch, Completion<FetchAnswer> answer) {
        local.fetch(direct, answer);
      }

      @Override
      Runnable toOther(BrokerImage leader, int leaderEpoch, Completion<FetchAnswer> answer) {
        return forwarder.fetch(leader, direct, answer);
      }

      @Override
      @Nullable ApiError errorOf(FetchAnswer answer) {
        return answer instanceof FetchAnswer.Failed failed ? failed.error() : null;
      }

      @Override
      FetchAnswer failed(ApiError error) {
        return new FetchAnswer.Failed(error, null, null);
      }

      @Override
      boolean reading() {
        return true;
      }
    }.start();
  }

  @Override
  public void listOffset(ListOffset request, Completion<OffsetAnswer> completion) {
    if (request.route() == Route.LOCAL) {
      local.listOffset(request, completion);
      return;
    }
    ListOffset direct =
        new ListOffset(request.partition(), request.query(), request.deadlineNanos(), Route.LOCAL);
    new OffsetAttempt(request.partition(), request.deadlineNanos(), completion) {
      @Override
      void toSelf(int leaderEpoch, Completion<OffsetAnswer> answer) {
        local.listOffset(direct, answer);
      }

      @Override
      Runnable toOther(BrokerImage leader, int leaderEpoch, Completion<OffsetAnswer> answer) {
        return forwarder.listOffset(leader, direct, answer);
      }
    }.start();
  }

  @Override
  public void deleteRecords(DeleteRecords request, Completion<OffsetAnswer> completion) {
    if (request.route() == Route.LOCAL) {
      local.deleteRecords(request, completion);
      return;
    }
    DeleteRecords direct =
        new DeleteRecords(
            request.partition(), request.before(), request.deadlineNanos(), Route.LOCAL);
    new OffsetAttempt(request.partition(), request.deadlineNanos(), completion) {
      @Override
      void toSelf(int leaderEpoch, Completion<OffsetAnswer> answer) {
        local.deleteRecords(direct, answer);
      }

      @Override
      Runnable toOther(BrokerImage leader, int leaderEpoch, Completion<OffsetAnswer> answer) {
        return forwarder.deleteRecords(leader, direct, answer);
      }
    }.start();
  }

  @Override
  public void describe(
      PartitionId partition, long deadlineNanos, Completion<Description> completion) {
    ClusterImage image = metadata.image();
    PartitionImage state = image.partition(partition);
    BrokerImage leader = state == null ? null : image.brokers().get(state.leader());
    if (leader == null) {
      completion.complete(new Description(partition, false, 0, -1));
    } else if (leader.id() == brokerId) {
      local.describe(partition, deadlineNanos, completion);
    } else {
      forwarder.describe(leader, partition, deadlineNanos, completion);
    }
  }

  /**
   * A search for an offset, or a rise of the log start, of which a repetition does no more harm
   * than one of a read.
   */
  private abstract class OffsetAttempt extends Attempt<OffsetAnswer> {
    OffsetAttempt(PartitionId partition, long deadlineNanos, Completion<OffsetAnswer> completion) {
      super(partition, deadlineNanos, completion);
    }

    @Override
    final @Nullable ApiError errorOf(OffsetAnswer answer) {
      return answer instanceof OffsetAnswer.Failed failed ? failed.error() : null;
    }

    @Override
    final OffsetAnswer failed(ApiError error) {
      return new OffsetAnswer.Failed(error, null);
    }

    @Override
    final boolean reading() {
      return true;
    }
  }

  /** One request on its way; all steps on the partition's loop. */
  private abstract class Attempt<T> {
    private final PartitionId partition;
    private final long deadlineNanos;
    private final Completion<T> completion;
    private final EventLoop loop;
    private long retryNanos = RETRY_NANOS;

    /** Of the next look for a leader; null: a try is under way. */
    private EventLoop.@Nullable Timer timer;

    private int tries;

    /** Number of the try that is under way at another broker; 0: none. */
    private int underWay;

    /** In which that broker leads. */
    private int epochUnderWay;

    /** Gives that try up. */
    private Runnable giveUp = () -> {};

    private EventLoop.@Nullable Timer farewell;

    /** A try ended without telling: a copy of the batch may be in the log (promise P4). */
    private boolean maybeAppended;

    /** The partition's entry as of the last look; written before the request waits. */
    private volatile @Nullable PartitionImage seen;

    Attempt(PartitionId partition, long deadlineNanos, Completion<T> completion) {
      this.partition = partition;
      this.deadlineNanos = deadlineNanos;
      this.completion = completion;
      this.loop = loops.apply(partition);
    }

    abstract void toSelf(int leaderEpoch, Completion<T> answer);

    abstract Runnable toOther(BrokerImage leader, int leaderEpoch, Completion<T> answer);

    abstract @Nullable ApiError errorOf(T answer);

    abstract T failed(ApiError error);

    /** A read has no outcome to lose. */
    boolean reading() {
      return false;
    }

    /** Twice does no more than once, so that an unknown outcome is no reason to stop. */
    boolean repeatable() {
      return reading();
    }

    void start() {
      onLoop(this::go);
    }

    private void onLoop(Runnable task) {
      if (loop.inLoop()) {
        task.run();
      } else {
        loop.execute(task);
      }
    }

    private void go() {
      ClusterImage image = metadata.image();
      PartitionImage state = image.partition(partition);
      if (state != seen) {
        seen = state;
        retryNanos = RETRY_NANOS;
      }
      if (state == null) {
        finish(failed(notFound()));
        return;
      }
      BrokerImage leader = image.brokers().get(state.leader());
      if (leader == null) {
        retryOr(
            ApiError.retriable(
                    ErrorReason.LEADER_UNAVAILABLE,
                    "partition " + partition.partition() + " has no leader at the moment",
                    100)
                .with("partition", partition.partition()));
        return;
      }
      int epoch = state.leaderEpoch();
      Consumer<T> onAnswer = answer -> onLoop(() -> onAnswer(answer));
      if (leader.id() == brokerId) {
        toSelf(epoch, onAnswer::accept);
      } else {
        send(leader, epoch, onAnswer);
      }
    }

    private void send(BrokerImage leader, int epoch, Consumer<T> onAnswer) {
      int mine = ++tries;
      underWay = mine;
      epochUnderWay = epoch;
      synchronized (concerned) {
        concerned.add(this);
      }
      Runnable call = toOther(leader, epoch, onAnswer::accept);
      if (underWay == mine) { // else it was answered at once
        giveUp = call;
        if (metadata.image().partition(partition) != seen) {
          onLoop(this::onNews); // it changed before anybody could be told
        }
      }
    }

    /** The image has another entry of the partition. */
    private void onNews() {
      if (timer != null) {
        again();
        return;
      }
      if (underWay == 0 || farewell != null) {
        return;
      }
      PartitionImage state = metadata.image().partition(partition);
      if (state != null && state.leaderEpoch() == epochUnderWay) {
        seen = state; // it leads as before
      } else if (repeatable()) {
        giveUp.run();
      } else {
        farewell = loop.schedule(FAREWELL_NANOS, giveUp);
      }
    }

    private void onAnswer(T answer) {
      if (underWay != 0) {
        underWay = 0;
        synchronized (concerned) {
          concerned.remove(this);
        }
      }
      if (farewell != null) {
        farewell.cancel();
        farewell = null;
      }
      ApiError error = errorOf(answer);
      maybeAppended |= error != null && !error.definite() && !reading();
      if (error != null && healable(error)) {
        retryOr(error);
      } else {
        finish(answer);
      }
    }

    private boolean healable(ApiError error) {
      return switch (error.reason()) {
        case FENCED_LEADER_EPOCH -> error.definite() && !reading(); // a read's is the client's own
        case NOT_LEADER,
            UNKNOWN_LEADER_EPOCH,
            LEADER_UNAVAILABLE,
            NOT_ENOUGH_REPLICAS,
            OFFSET_NOT_AVAILABLE,
            BROKER_UNREACHABLE,
            BROKER_STARTING,
            BROKER_STOPPING ->
            error.definite() || repeatable();
        case OUTCOME_UNKNOWN -> repeatable();
        default -> false;
      };
    }

    private void retryOr(ApiError error) {
      if (loop.clock().nanoTime() - deadlineNanos + RETRY_NANOS >= 0) {
        finish(failed(error.reason() == ErrorReason.NOT_LEADER ? noLeader() : error));
        return;
      }
      long left = deadlineNanos - loop.clock().nanoTime();
      timer = loop.schedule(Math.min(retryNanos, left - RETRY_NANOS / 2), this::again);
      retryNanos = Math.min(2 * retryNanos, MAX_RETRY_NANOS);
      synchronized (concerned) {
        concerned.add(this);
      }
      if (metadata.image().partition(partition) != seen) {
        onLoop(this::again); // it changed before anybody could be told
      }
    }

    private ApiError noLeader() {
      return ApiError.retriable(
          ErrorReason.LEADER_UNAVAILABLE,
          "no leader of partition " + partition.partition() + " answered in time",
          100);
    }

    private ApiError notFound() {
      return metadata.image().topics().containsKey(partition.topicId())
          ? ApiError.definite(
                  ErrorReason.PARTITION_NOT_FOUND,
                  "the topic has no partition " + partition.partition())
              .with("partition", partition.partition())
          : ApiError.definite(ErrorReason.TOPIC_NOT_FOUND, "the topic was deleted")
              .with("topicId", partition.topicId());
    }

    private void again() {
      EventLoop.Timer due = timer;
      if (due == null) {
        return; // it is under way
      }
      due.cancel();
      timer = null;
      synchronized (concerned) {
        concerned.remove(this);
      }
      go();
    }

    /** A refusal is definite only if it is one of every try (promise P4). */
    private void finish(T answer) {
      ApiError error = errorOf(answer);
      completion.complete(
          error != null && error.definite() && maybeAppended
              ? failed(
                  ApiError.indefinite(
                      ErrorReason.OUTCOME_UNKNOWN,
                      "an earlier try may have appended the records; the last one: " + error))
              : answer);
    }
  }
}
