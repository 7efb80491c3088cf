package io.kontiki.broker.testing;

import io.kontiki.broker.api.Metadata;
import io.kontiki.metadata.ApplyResult;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Metadata of a cluster of one node's view: commands are applied by the real machine at once; the
 * quorum can be taken away, and this broker's copy can lag.
 */
public final class MemoryMetadata implements Metadata {
  private static final long START_MS = 1_767_225_600_000L;
  private static final int LEADER = 1;

  private final EventLoop control;
  private final List<Listener> listeners = new ArrayList<>();
  private ClusterImage committed = ClusterImage.EMPTY;
  private ClusterImage applied = ClusterImage.EMPTY;
  private boolean quorum = true;
  private boolean lagging;
  private boolean losesAnswers;

  public MemoryMetadata(EventLoop control) {
    this.control = control;
  }

  /** A formed cluster whose brokers 1 to {@code brokers} all vote and are active. */
  public static MemoryMetadata cluster(EventLoop control, int brokers) {
    MemoryMetadata metadata = new MemoryMetadata(control);
    List<VoterImage> voters = new ArrayList<>();
    for (int id = 1; id <= brokers; id++) {
      voters.add(new VoterImage(id, new Endpoint("10.0.0." + id, 7601), new Uid(7, id)));
    }
    metadata.apply(new MetadataCommand.FormCluster(START_MS, new Uid(1, 2), 1, voters, 1));
    for (int id = 1; id <= brokers; id++) {
      long epoch =
          ((CommandOutcome.Number)
                  metadata.apply(
                      new MetadataCommand.RegisterBroker(
                          START_MS,
                          id,
                          Uid.NONE,
                          new Uid(7, id),
                          new Uid(8, id),
                          endpoints(id),
                          -1,
                          "0.1.0")))
              .value();
      metadata.apply(new MetadataCommand.UnfenceBroker(START_MS, id, epoch, List.of()));
    }
    return metadata;
  }

  private static BrokerImage.Endpoints endpoints(int id) {
    String host = "10.0.0." + id;
    return new BrokerImage.Endpoints(
        new Endpoint(host, 7600),
        new Endpoint(host, 7601),
        new Endpoint(host, 7602),
        new Endpoint(host, 7604),
        null);
  }

  /** Applies a command; must not be rejected. */
  public CommandOutcome apply(MetadataCommand command) {
    CommandOutcome outcome = applyAny(command);
    if (outcome instanceof CommandOutcome.Rejected rejected) {
      throw new AssertionError(command + " was rejected: " + rejected.error());
    }
    return outcome;
  }

  private synchronized CommandOutcome applyAny(MetadataCommand command) {
    ApplyResult result = MetadataMachine.apply(committed, committed.index() + 1, command);
    committed = result.image();
    if (!lagging) {
      catchUp();
    }
    return result.outcome();
  }

  private synchronized void catchUp() {
    applied = committed;
    ClusterImage now = applied;
    for (Listener listener : List.copyOf(listeners)) {
      control.execute(() -> listener.onImage(now));
    }
  }

  /** Makes a topic whose partitions are all led by broker 1. */
  public TopicId topic(String name, int partitions, Map<String, String> config) {
    TopicId id = TopicId.random(name.hashCode() * 31L, partitions);
    List<List<Integer>> assignments = new ArrayList<>();
    for (int i = 0; i < partitions; i++) {
      assignments.add(List.copyOf(committed.brokers().keySet()));
    }
    apply(new MetadataCommand.CreateTopic(START_MS, id, name, new TreeMap<>(config), assignments));
    return id;
  }

  /** Fences a broker. */
  public void fence(int brokerId) {
    apply(
        new MetadataCommand.FenceBroker(
            START_MS, brokerId, committed.brokers().get(brokerId).epoch(), "test"));
  }

  /** Without it nothing can be read or changed. */
  public synchronized void quorum(boolean there) {
    quorum = there;
  }

  /** While it lags, what is committed reaches this broker by {@link #readLatest} alone. */
  public synchronized void lagging(boolean lags) {
    lagging = lags;
    if (!lags) {
      catchUp();
    }
  }

  /** Commands are committed, but nobody learns of it (rule M3). */
  public synchronized void losesAnswers(boolean loses) {
    losesAnswers = loses;
  }

  @Override
  public synchronized ClusterImage image() {
    return applied;
  }

  @Override
  public void readLatest(long deadlineNanos, Completion<Result<ClusterImage>> completion) {
    control.execute(
        () -> {
          if (hasQuorum()) {
            catchUp();
            completion.complete(Result.ok(image()));
          } else {
            later(deadlineNanos, () -> completion.complete(Result.error(noQuorum())));
          }
        });
  }

  private synchronized boolean hasQuorum() {
    return quorum;
  }

  private void later(long deadlineNanos, Runnable task) {
    control.schedule(Math.max(0, deadlineNanos - control.clock().nanoTime()), task);
  }

  private static ApiError noQuorum() {
    return ApiError.retriable(ErrorReason.QUORUM_UNAVAILABLE, "no leader of the quorum", 100);
  }

  @Override
  public void awaitIndex(
      long index, long deadlineNanos, Completion<Result<ClusterImage>> completion) {
    control.execute(
        () -> {
          if (image().index() >= index) {
            completion.complete(Result.ok(image()));
          } else if (control.clock().nanoTime() - deadlineNanos >= 0) {
            completion.complete(Result.error(noQuorum()));
          } else {
            control.schedule(1_000_000, () -> awaitIndex(index, deadlineNanos, completion));
          }
        });
  }

  @Override
  public void submit(
      MetadataCommand command, long deadlineNanos, Completion<Result<Submitted>> completion) {
    control.execute(
        () -> {
          if (!hasQuorum()) {
            later(deadlineNanos, () -> completion.complete(Result.error(noQuorum())));
            return;
          }
          CommandOutcome outcome = applyAny(command);
          if (loses()) {
            later(
                deadlineNanos,
                () ->
                    completion.complete(
                        Result.error(
                            ApiError.indefinite(
                                ErrorReason.OUTCOME_UNKNOWN, "the leader did not answer"))));
            return;
          }
          catchUp();
          completion.complete(Result.ok(new Submitted(image().index(), outcome)));
        });
  }

  private synchronized boolean loses() {
    return losesAnswers;
  }

  @Override
  public synchronized void listen(Listener listener) {
    listeners.add(listener);
    ClusterImage now = applied;
    control.execute(() -> listener.onImage(now));
  }

  @Override
  public synchronized void unlisten(Listener listener) {
    listeners.remove(listener);
  }

  /** How many listen. */
  public synchronized int listeners() {
    return listeners.size();
  }

  @Override
  public void leaderView(long deadlineNanos, Completion<RaftGroup.RaftStatus> completion) {
    control.execute(() -> completion.complete(quorum()));
  }

  @Override
  public synchronized RaftGroup.RaftStatus quorum() {
    List<RaftGroup.Member> voters = new ArrayList<>();
    applied
        .voters()
        .values()
        .forEach(
            voter ->
                voters.add(
                    new RaftGroup.Member(
                        voter.id(),
                        voter.raft(),
                        quorum ? applied.index() : -1,
                        quorum ? voter.id() == LEADER ? 0 : 5 : -1)));
    return new RaftGroup.RaftStatus(
        "metadata",
        quorum ? LEADER : RaftGroup.NO_NODE,
        quorum,
        3,
        applied.index(),
        applied.index(),
        voters);
  }
}
