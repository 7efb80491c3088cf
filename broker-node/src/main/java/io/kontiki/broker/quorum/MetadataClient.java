package io.kontiki.broker.quorum;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.quorum.MetadataCommands.ProposalEnd;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * This broker's view of the metadata. Images come from whatever follows the metadata log ({@link
 * #publish}); commands and linearizable reads go through {@link QuorumAccess}.
 */
public final class MetadataClient implements Metadata {
  private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** So much earlier an attempt ends than its call, which can then say how it ended. */
  private static final long MARGIN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  /** How this node reaches the quorum: as a voter, or by asking one. All on the control loop. */
  interface QuorumAccess extends MetadataCommands {
    /**
     * Waits until this broker's image covers everything committed before the call.
     *
     * @param completion whether that could be confirmed
     */
    void readIndex(long deadlineNanos, Completion<Boolean> completion);

    /** What this node knows of the group; any thread. */
    RaftStatus status();

    /**
     * What the group's leader says of it, as far as it answers in time; else {@link #status}.
     *
     * @param deadlineNanos when it is asked for no longer
     */
    void leaderStatus(long deadlineNanos, Completion<RaftStatus> completion);
  }

  private final EventLoop loop;

  /** With the index of the image that each was told last. */
  private final Map<Listener, Long> listeners = new LinkedHashMap<>();

  private final List<Waiter> waiters = new ArrayList<>();
  private volatile QuorumAccess access = new NoQuorum();

  private volatile ClusterImage image = ClusterImage.EMPTY;

  /** Set while a task that tells the listeners is on its way to the loop. */
  private boolean telling;

  /** Guards {@link #image}'s order and {@link #telling}; images come from the apply thread. */
  private final Object publishing = new Object();

  /** Somebody waits for an index. */
  private static final class Waiter {
    private final long index;
    private final Completion<Result<ClusterImage>> completion;
    private EventLoop.@Nullable Timer timer;

    Waiter(long index, Completion<Result<ClusterImage>> completion) {
      this.index = index;
      this.completion = completion;
    }
  }

  /** Knows nothing yet. */
  public MetadataClient(EventLoop control) {
    this.loop = control;
  }

  /** Sets the way to the quorum; on the control loop. */
  void connect(QuorumAccess quorum) {
    this.access = quorum;
  }

  /** A newer image; any thread. Older ones are ignored (rule M22). */
  public void publish(ClusterImage next) {
    synchronized (publishing) {
      if (next.index() <= image.index()) {
        return;
      }
      image = next;
      if (telling) {
        return;
      }
      telling = true;
    }
    loop.execute(this::tell);
  }

  private void tell() {
    ClusterImage now;
    synchronized (publishing) {
      telling = false;
      now = image;
    }
    for (Waiter waiter : List.copyOf(waiters)) {
      if (waiter.index <= now.index() && waiters.remove(waiter)) {
        if (waiter.timer != null) {
          waiter.timer.cancel();
        }
        waiter.completion.complete(Result.ok(now));
      }
    }
    for (Listener listener : List.copyOf(listeners.keySet())) {
      tell(listener, now);
    }
  }

  private void tell(Listener listener, ClusterImage now) {
    Long told = listeners.get(listener);
    if (told != null && told < now.index()) {
      listeners.put(listener, now.index());
      listener.onImage(now);
    }
  }

  @Override
  public ClusterImage image() {
    return image;
  }

  @Override
  public void listen(Listener listener) {
    onLoop(
        () -> {
          listeners.put(listener, -1L);
          tell(listener, image);
        });
  }

  @Override
  public void unlisten(Listener listener) {
    onLoop(() -> listeners.remove(listener));
  }

  @Override
  public void awaitIndex(
      long index, long deadlineNanos, Completion<Result<ClusterImage>> completion) {
    onLoop(
        () -> {
          if (image.index() >= index) {
            completion.complete(Result.ok(image));
            return;
          }
          Waiter waiter = new Waiter(index, completion);
          waiters.add(waiter);
          waiter.timer = loop.schedule(Math.max(0, deadlineNanos - now()), () -> expire(waiter));
        });
  }

  private void expire(Waiter waiter) {
    if (waiters.remove(waiter)) {
      waiter.completion.complete(Result.error(noQuorum("metadata index " + waiter.index)));
    }
  }

  @Override
  public void readLatest(long deadlineNanos, Completion<Result<ClusterImage>> completion) {
    onLoop(() -> new Read(deadlineNanos, completion).begin());
  }

  @Override
  public void submit(
      MetadataCommand command, long deadlineNanos, Completion<Result<Submitted>> completion) {
    onLoop(() -> new Submission(command, deadlineNanos, completion).begin());
  }

  /**
   * A call to the quorum, tried until it got through; it ends at its deadline, whatever happens.
   */
  private abstract class Call<T> {
    final long deadlineNanos;
    private final Completion<Result<T>> completion;
    private EventLoop.@Nullable Timer timer;
    private boolean over;

    Call(long deadlineNanos, Completion<Result<T>> completion) {
      this.deadlineNanos = deadlineNanos;
      this.completion = completion;
    }

    abstract void attempt();

    /** What to say when the time is up. */
    abstract Result<T> late();

    void begin() {
      timer = loop.schedule(Math.max(0, deadlineNanos - now()), () -> end(late()));
      attempt();
    }

    /** Not with too little time for an answer: an attempt cut short would leave its end open. */
    void again() {
      if (now() + 2 * RETRY_NANOS + MARGIN_NANOS - deadlineNanos >= 0) {
        return;
      }
      loop.schedule(
          RETRY_NANOS,
          () -> {
            if (!over) {
              attempt();
            }
          });
    }

    void end(Result<T> result) {
      if (!over) {
        over = true;
        if (timer != null) {
          timer.cancel();
        }
        completion.complete(result);
      }
    }
  }

  private final class Read extends Call<ClusterImage> {
    Read(long deadlineNanos, Completion<Result<ClusterImage>> completion) {
      super(deadlineNanos, completion);
    }

    @Override
    void attempt() {
      access.readIndex(
          deadlineNanos,
          confirmed -> {
            if (confirmed) {
              end(Result.ok(image));
            } else {
              again();
            }
          });
    }

    @Override
    Result<ClusterImage> late() {
      return Result.error(noQuorum("a linearizable read"));
    }
  }

  private final class Submission extends Call<Submitted> {
    private final MetadataCommand command;

    /** Whether a proposal is out that may still be applied. */
    private boolean open;

    /** What is left to do is to see it in the own image: late is no failure. */
    private @Nullable Submitted committed;

    private String obstacle = "nobody was asked yet";

    Submission(
        MetadataCommand command, long deadlineNanos, Completion<Result<Submitted>> completion) {
      super(deadlineNanos, completion);
      this.command = command;
    }

    @Override
    void attempt() {
      open = true;
      access.propose(command, deadlineNanos - MARGIN_NANOS, this::ended);
    }

    private void ended(ProposalEnd end) {
      if (end instanceof ProposalEnd.Applied applied) {
        Submitted submitted = new Submitted(applied.index(), applied.outcome());
        committed = submitted;
        awaitIndex(applied.index(), deadlineNanos, reached -> end(Result.ok(submitted)));
      } else if (end instanceof ProposalEnd.NotProposed not) {
        open = false;
        obstacle = not.why();
        again();
      } else if (end instanceof ProposalEnd.Unknown unknown) {
        obstacle = unknown.why();
        end(late());
      }
    }

    @Override
    Result<Submitted> late() {
      if (committed != null) {
        return Result.ok(committed);
      }
      return Result.error(
          open
              ? ApiError.indefinite(
                  ErrorReason.OUTCOME_UNKNOWN,
                  "the metadata quorum did not confirm the change: " + obstacle)
              : noQuorum("a change: " + obstacle));
    }
  }

  @Override
  public RaftStatus quorum() {
    return access.status();
  }

  @Override
  public void leaderView(long deadlineNanos, Completion<RaftStatus> completion) {
    onLoop(() -> access.leaderStatus(deadlineNanos, completion));
  }

  private static ApiError noQuorum(String what) {
    return ApiError.retriable(
        ErrorReason.QUORUM_UNAVAILABLE, "the metadata quorum did not answer in time: " + what, 200);
  }

  private long now() {
    return loop.clock().nanoTime();
  }

  private void onLoop(Runnable task) {
    if (loop.inLoop()) {
      task.run();
    } else {
      loop.execute(task);
    }
  }

  /** Before the node has started its part in the quorum. */
  private static final class NoQuorum implements QuorumAccess {
    @Override
    public void propose(
        MetadataCommand command, long deadlineNanos, Completion<ProposalEnd> completion) {
      completion.complete(new ProposalEnd.NotProposed("this broker is starting"));
    }

    @Override
    public void readIndex(long deadlineNanos, Completion<Boolean> completion) {
      completion.complete(false);
    }

    @Override
    public RaftStatus status() {
      return new RaftStatus("metadata", -1, false, 0, 0, 0, List.of());
    }

    @Override
    public void leaderStatus(long deadlineNanos, Completion<RaftStatus> completion) {
      completion.complete(status());
    }
  }
}
