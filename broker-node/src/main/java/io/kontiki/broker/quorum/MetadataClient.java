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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * This broker's view of the metadata. Images come from whatever follows the metadata log ({@link
 * #publish}); commands and linearizable reads go through {@link QuorumAccess}.
 */
public final class MetadataClient implements Metadata {
  private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** How this node reaches the quorum: as a voter, or by asking one. All on the control loop. */
  interface QuorumAccess extends MetadataCommands {
    /**
     * Waits until this broker's image covers everything committed before the call.
     *
     * @param completion whether that could be confirmed
     */
    void readIndex(long deadlineNanos, Completion<Boolean> completion);

    /** What this node knows of the group. */
    RaftStatus status();
  }

  private final EventLoop loop;
  private final Set<Listener> listeners = new LinkedHashSet<>();
  private final List<Waiter> waiters = new ArrayList<>();
  private QuorumAccess access = new NoQuorum();

  private volatile ClusterImage image = ClusterImage.EMPTY;

  /** Set while a task that tells the listeners is on its way to the loop. */
  private boolean telling;

  /** Guards {@link #image}'s order and {@link #telling}; images come from the apply thread. */
  private final Object publishing = new Object();

  /** Somebody waits for an index. */
  private record Waiter(
      long index, long deadlineNanos, Completion<Result<ClusterImage>> completion) {}

  /** Knows nothing yet. */
  public MetadataClient(EventLoop control) {
    this.loop = control;
  }

  /** Sets the way to the quorum; on the control loop, once. */
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
      if (waiter.index() <= now.index()) {
        waiters.remove(waiter);
        waiter.completion().complete(Result.ok(now));
      }
    }
    for (Listener listener : List.copyOf(listeners)) {
      if (listeners.contains(listener)) {
        listener.onImage(now);
      }
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
          listeners.add(listener);
          listener.onImage(image);
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
          Waiter waiter = new Waiter(index, deadlineNanos, completion);
          waiters.add(waiter);
          loop.schedule(Math.max(0, deadlineNanos - now()), () -> expire(waiter));
        });
  }

  private void expire(Waiter waiter) {
    if (waiters.remove(waiter)) {
      waiter.completion().complete(Result.error(noQuorum("metadata index " + waiter.index())));
    }
  }

  @Override
  public void readLatest(long deadlineNanos, Completion<Result<ClusterImage>> completion) {
    onLoop(() -> readOnce(deadlineNanos, completion));
  }

  private void readOnce(long deadlineNanos, Completion<Result<ClusterImage>> completion) {
    access.readIndex(
        deadlineNanos,
        confirmed -> {
          if (confirmed) {
            completion.complete(Result.ok(image));
          } else if (now() + RETRY_NANOS - deadlineNanos < 0) {
            loop.schedule(RETRY_NANOS, () -> readOnce(deadlineNanos, completion));
          } else {
            completion.complete(Result.error(noQuorum("a linearizable read")));
          }
        });
  }

  @Override
  public void submit(
      MetadataCommand command, long deadlineNanos, Completion<Result<Submitted>> completion) {
    onLoop(() -> proposeOnce(command, deadlineNanos, completion));
  }

  private void proposeOnce(
      MetadataCommand command, long deadlineNanos, Completion<Result<Submitted>> completion) {
    access.propose(
        command,
        deadlineNanos,
        end -> {
          if (end instanceof ProposalEnd.Applied applied) {
            Submitted submitted = new Submitted(applied.index(), applied.outcome());
            awaitIndex(
                applied.index(),
                deadlineNanos,
                reached -> completion.complete(Result.ok(submitted)));
          } else if (end instanceof ProposalEnd.NotProposed not) {
            if (now() + RETRY_NANOS - deadlineNanos < 0) {
              loop.schedule(RETRY_NANOS, () -> proposeOnce(command, deadlineNanos, completion));
            } else {
              completion.complete(Result.error(noQuorum("a change: " + not.why())));
            }
          } else if (end instanceof ProposalEnd.Unknown unknown) {
            completion.complete(
                Result.error(
                    ApiError.indefinite(
                        ErrorReason.OUTCOME_UNKNOWN,
                        "the metadata quorum did not confirm the change: " + unknown.why())));
          }
        });
  }

  @Override
  public RaftStatus quorum() {
    return access.status();
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
  }
}
