package io.kontiki.broker.api;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
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
 * (rule R45). A forwarded request is tried again only after a definite refusal that another leader
 * or a little time may heal, and only until its deadline.
 */
public final class PartitionRouter implements PartitionRequests {
  /** To the next look for a leader if the partition's entry does not change meanwhile; doubled. */
  private static final long RETRY_NANOS = 20_000_000;

  private static final long MAX_RETRY_NANOS = 80_000_000;

  private final int brokerId;
  private final Metadata metadata;
  private final PartitionRequests local;
  private final Forwarder forwarder;
  private final Function<PartitionId, EventLoop> loops;

  /**
   * Requests that wait for another leader; guarded by itself. One listener serves all: a cluster
   * without a leader must not keep the control loop busy, which keeps this broker's session.
   */
  private final Set<Attempt<?>> waiting = new LinkedHashSet<>();

  /** Hands requests to other brokers. Completions run on any data loop. */
  public interface Forwarder {
    /** Appends at the broker. */
    void append(BrokerImage leader, Append request, Completion<AppendAnswer> completion);

    /** Reads at the broker. */
    void fetch(BrokerImage leader, Fetch request, Completion<FetchAnswer> completion);

    /** Finds an offset at the broker. */
    void listOffset(BrokerImage leader, ListOffset request, Completion<OffsetAnswer> completion);

    /** Deletes records at the broker. */
    void deleteRecords(
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
    synchronized (waiting) {
      all = List.copyOf(waiting);
    }
    for (Attempt<?> attempt : all) {
      if (image.partition(attempt.partition) != attempt.seen) {
        attempt.onLoop(attempt::again);
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
      void toOther(BrokerImage leader, int leaderEpoch, Completion<AppendAnswer> answer) {
        forwarder.append(leader, withEpoch(request, leaderEpoch), answer);
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
      void toOther(BrokerImage leader, int leaderEpoch, Completion<FetchAnswer> answer) {
        forwarder.fetch(leader, direct, answer);
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
    new Attempt<OffsetAnswer>(request.partition(), request.deadlineNanos(), completion) {
      @Override
      void toSelf(int leaderEpoch, Completion<OffsetAnswer> answer) {
        local.listOffset(direct, answer);
      }

      @Override
      void toOther(BrokerImage leader, int leaderEpoch, Completion<OffsetAnswer> answer) {
        forwarder.listOffset(leader, direct, answer);
      }

      @Override
      @Nullable ApiError errorOf(OffsetAnswer answer) {
        return answer instanceof OffsetAnswer.Failed failed ? failed.error() : null;
      }

      @Override
      OffsetAnswer failed(ApiError error) {
        return new OffsetAnswer.Failed(error, null);
      }

      @Override
      boolean reading() {
        return true;
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
    new Attempt<OffsetAnswer>(request.partition(), request.deadlineNanos(), completion) {
      @Override
      void toSelf(int leaderEpoch, Completion<OffsetAnswer> answer) {
        local.deleteRecords(direct, answer);
      }

      @Override
      void toOther(BrokerImage leader, int leaderEpoch, Completion<OffsetAnswer> answer) {
        forwarder.deleteRecords(leader, direct, answer);
      }

      @Override
      @Nullable ApiError errorOf(OffsetAnswer answer) {
        return answer instanceof OffsetAnswer.Failed failed ? failed.error() : null;
      }

      @Override
      OffsetAnswer failed(ApiError error) {
        return new OffsetAnswer.Failed(error, null);
      }

      /** The log start only rises: a repetition does no harm. */
      @Override
      boolean reading() {
        return true;
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

  /** One request on its way; all steps on the partition's loop. */
  private abstract class Attempt<T> {
    private final PartitionId partition;
    private final long deadlineNanos;
    private final Completion<T> completion;
    private final EventLoop loop;
    private long retryNanos = RETRY_NANOS;
    private EventLoop.@Nullable Timer timer;

    /** The partition's entry as of the last look; written before the request waits. */
    private volatile @Nullable PartitionImage seen;

    Attempt(PartitionId partition, long deadlineNanos, Completion<T> completion) {
      this.partition = partition;
      this.deadlineNanos = deadlineNanos;
      this.completion = completion;
      this.loop = loops.apply(partition);
    }

    abstract void toSelf(int leaderEpoch, Completion<T> answer);

    abstract void toOther(BrokerImage leader, int leaderEpoch, Completion<T> answer);

    abstract @Nullable ApiError errorOf(T answer);

    abstract T failed(ApiError error);

    /** A read has no outcome to lose: it may be repeated after any failure. */
    boolean reading() {
      return false;
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
        toOther(leader, epoch, onAnswer::accept);
      }
    }

    private void onAnswer(T answer) {
      ApiError error = errorOf(answer);
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
            error.definite() || reading();
        case OUTCOME_UNKNOWN -> reading();
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
      synchronized (waiting) {
        waiting.add(this);
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
      synchronized (waiting) {
        waiting.remove(this);
      }
      go();
    }

    private void finish(T answer) {
      completion.complete(answer);
    }
  }
}
