package io.kontiki.broker.shards;

import io.kontiki.broker.coordinator.AppliedGroups;
import io.kontiki.broker.coordinator.Coordinator;
import io.kontiki.group.GroupChange;
import io.kontiki.group.GroupImage;
import io.kontiki.group.machine.GroupStateMachine;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A voter's part in one shard. Callbacks of the apply thread are handed to the control loop, where
 * everything else runs.
 */
final class ShardNode implements GroupStateMachine.Listener, AppliedGroups {
  private static final Logger LOG = LoggerFactory.getLogger(ShardNode.class);
  private static final int START_SECONDS = 10;

  private final String name;
  private final int nodeId;
  private final EventLoop loop;
  private final GroupStateMachine machine = new GroupStateMachine(this);
  private final List<Runnable> early = new ArrayList<>();
  private volatile @Nullable CountDownLatch successor;
  private volatile @Nullable RaftGroup group;
  private volatile @Nullable CompletableFuture<Optional<RaftGroup>> starting;
  private volatile @Nullable Coordinator coordinator;
  private int leaderId = RaftGroup.NO_NODE;
  private boolean stopped;

  ShardNode(String name, int nodeId, EventLoop control) {
    this.name = name;
    this.nodeId = nodeId;
    this.loop = control;
  }

  GroupStateMachine machine() {
    return machine;
  }

  String name() {
    return name;
  }

  /** Any thread; null: it is being started. */
  @Nullable RaftGroup group() {
    return group;
  }

  /** The group, if it runs; any thread. */
  Optional<RaftGroup> running() {
    return Optional.ofNullable(group);
  }

  /** Whether this node coordinates; any thread. */
  boolean leads() {
    RaftGroup running = group;
    return running != null && running.status().leading();
  }

  /** Any thread. */
  long members() {
    Coordinator here = coordinator;
    return here == null ? 0 : here.members();
  }

  /** Any thread. */
  long groupCount() {
    return machine.view().all().size();
  }

  @Nullable Coordinator coordinator() {
    return coordinator;
  }

  /** Who leads as this node was told; -1: unknown. */
  int leaderId() {
    return leaderId;
  }

  /** The group has been started; what the apply thread has said so far follows. */
  void begin(RaftGroup started, Function<RaftGroup, Coordinator> coordinators) {
    group = started;
    coordinator = coordinators.apply(started);
    early.forEach(Runnable::run);
    early.clear();
  }

  private void post(Runnable task) {
    loop.execute(
        () -> {
          if (stopped) {
            return;
          }
          if (coordinator == null) {
            early.add(task);
          } else {
            task.run();
          }
        });
  }

  void onImage(ClusterImage image) {
    Coordinator here = coordinator;
    if (here != null && !stopped) {
      here.onImage(image);
    }
  }

  @Override
  public void onChanges(List<GroupChange> changes) {
    post(() -> begun().onApplied(changes));
  }

  @Override
  public void onRestored() {
    // A follower: whoever leads has applied entry by entry since it does.
  }

  @Override
  public void onLeaderStart(long term) {
    post(
        () -> {
          LOG.info("[{}] coordinates its groups from here on, term {}", name, term);
          leaderId = nodeId;
          begun().onLeaderStart(term);
        });
  }

  @Override
  public void onLeaderStop(long term) {
    post(
        () -> {
          LOG.info("[{}] coordinates its groups no more, term {}", name, term);
          leaderId = RaftGroup.NO_NODE;
          begun().onLeaderStop();
        });
  }

  @Override
  public void onFollowing(int newLeaderId, long term) {
    CountDownLatch latch = successor;
    if (latch != null && newLeaderId >= 0 && newLeaderId != nodeId) {
      latch.countDown();
    }
    post(
        () -> {
          if (newLeaderId >= 0 && newLeaderId != leaderId) {
            LOG.info("[{}] node {} coordinates its groups, term {}", name, newLeaderId, term);
          }
          leaderId = newLeaderId;
        });
  }

  private Coordinator begun() {
    Coordinator now = coordinator;
    if (now == null) {
      throw new IllegalStateException("shard " + name + " has not begun");
    }
    return now;
  }

  @Override
  public @Nullable GroupImage group(String groupName) {
    return machine.view().image(groupName);
  }

  @Override
  public Iterable<GroupImage> groups() {
    return machine.view().all();
  }

  /**
   * Hands leadership to another voter and waits until it leads, while this node still answers
   * everybody (rule R7). Blocks; not on the control loop.
   */
  void handOver(long atMostMs) throws InterruptedException {
    RaftGroup running = group;
    if (running == null) {
      return;
    }
    RaftGroup.RaftStatus status = running.status();
    if (!status.leading() || status.voters().size() < 2) {
      return;
    }
    CountDownLatch latch = new CountDownLatch(1);
    successor = latch;
    running.transferLeadership();
    if (!latch.await(atMostMs, TimeUnit.MILLISECONDS)) {
      LOG.info("[{}] no other voter has taken over within {} ms", name, atMostMs);
    }
  }

  /** Coordinates no more; on the control loop, before {@link #close}. */
  void stop() {
    if (!stopped) {
      stopped = true;
      Coordinator here = coordinator;
      if (here != null) {
        here.onLeaderStop();
      }
    }
  }

  /** The group is being started; to be completed with it, or without if it does not start. */
  CompletableFuture<Optional<RaftGroup>> starting() {
    CompletableFuture<Optional<RaftGroup>> future = new CompletableFuture<>();
    starting = future;
    return future;
  }

  /** Leaves the group, also one that is being started. Blocks; not on the control loop. */
  void close() {
    CompletableFuture<Optional<RaftGroup>> future = starting;
    if (future == null) {
      return;
    }
    try {
      future.get(START_SECONDS, TimeUnit.SECONDS).ifPresent(RaftGroup::close);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("[{}] does not start, and is left behind: {}", name, e.toString());
    }
  }
}
