package io.kontiki.broker;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.partition.Brokers;
import io.kontiki.broker.partition.LoopPartitions;
import io.kontiki.broker.partition.Partition;
import io.kontiki.broker.partition.PartitionAssignment;
import io.kontiki.broker.partition.PartitionLoops;
import io.kontiki.broker.replicas.ReplicaAssignments;
import io.kontiki.log.LeaderEpochs.EpochEnd;
import io.kontiki.log.LogDirectory;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand.ConfirmDeletion;
import io.kontiki.metadata.MetadataCommand.LogEnd;
import io.kontiki.metadata.MetadataCommand.ReportLogEnds;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.controller.RecoveryQuestions;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries image changes to the data loops, and deletions to the log directory and back to the
 * metadata (rules R46, M20). On the control loop.
 */
public final class ReplicaHost {
  private static final Logger LOG = LoggerFactory.getLogger(ReplicaHost.class);
  private static final long CONFIRM_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long REPORT_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final int brokerId;
  private final Metadata metadata;
  private final EventLoop control;
  private final PartitionLoops data;
  private final List<LoopPartitions> partitions;
  private final LogDirectory logs;
  private final ReplicaAssignments assignments;
  private final Set<TopicId> deleting = new TreeSet<>();
  private final Set<PartitionId> reporting = new TreeSet<>();

  /** Whom to tell when a log that is being deleted is gone. */
  private final TreeMap<PartitionId, List<Runnable>> discarding = new TreeMap<>();

  private final Runnable onFollowed;

  // Of the newest image on its way to the loops, and of the newest that each has followed.
  private long handedOut = -1;
  private final AtomicLongArray followed;

  private long brokerEpoch = -1;
  private @Nullable Brokers brokers;
  private boolean sorted;
  private boolean closed;

  /**
   * @param partitions of the data loops, in their order
   * @param onFollowed told on the control loop when a loop has followed an image
   */
  public ReplicaHost(
      int brokerId,
      Metadata metadata,
      EventLoop control,
      PartitionLoops data,
      List<LoopPartitions> partitions,
      LogDirectory logs,
      Runnable onFollowed) {
    this.brokerId = brokerId;
    this.metadata = metadata;
    this.control = control;
    this.data = data;
    this.partitions = partitions;
    this.logs = logs;
    this.assignments = new ReplicaAssignments(brokerId);
    this.onFollowed = onFollowed;
    this.followed = new AtomicLongArray(partitions.size());
  }

  /** This process was registered: its role can begin (rule R1). */
  public void onRegistered(long epoch) {
    brokerEpoch = epoch;
    assignments.onRegistered(epoch);
    onImage(metadata.image());
  }

  /** The metadata have changed. */
  public void onImage(ClusterImage image) {
    if (closed) {
      return; // the logs are being flushed, or are
    }
    ReplicaAssignments.Change change = assignments.onImage(image);
    if (change == null) {
      return;
    }
    if (!sorted) {
      sorted = true;
      sortOut(image);
    }
    List<List<PartitionAssignment>> byLoop = new ArrayList<>();
    partitions.forEach(unused -> byLoop.add(new ArrayList<>()));
    brokers = change.brokers();
    change
        .changed()
        .forEach(assignment -> byLoop.get(data.indexOf(assignment.id())).add(assignment));
    handedOut = image.index();
    for (int i = 0; i < partitions.size(); i++) {
      int loop = i;
      List<PartitionAssignment> changed = byLoop.get(i);
      data.all()
          .get(i)
          .execute(
              () -> {
                partitions.get(loop).apply(change.brokers(), changed);
                followed.set(loop, image.index());
                control.execute(onFollowed);
              });
    }
    change.removed().forEach(this::discard);
    change.deleted().forEach(this::delete);
    report(RecoveryQuestions.of(image, brokerId));
  }

  /**
   * Up to which image all roles here are what it says; {@link Long#MAX_VALUE} if they have followed
   * all of them. On the control loop.
   */
  public long followed() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < followed.length(); i++) {
      long index = followed.get(i);
      if (index < handedOut) {
        least = Math.min(least, index);
      }
    }
    return least;
  }

  /** Says where logs end that only balanced recovery can bring back (rule R19). */
  private void report(List<PartitionId> wanted) {
    if (closed) {
      return;
    }
    for (PartitionId id : wanted) {
      if (!reporting.add(id)) {
        continue;
      }
      int index = data.indexOf(id);
      data.all()
          .get(index)
          .execute(
              () -> {
                Partition partition = partitions.get(index).partition(id);
                if (partition == null) {
                  control.execute(() -> reporting.remove(id));
                  return;
                }
                EpochEnd readable = partition.readableEnd();
                LogEnd end = new LogEnd(id, readable.epoch(), readable.endOffset());
                control.execute(() -> report(end));
              });
    }
  }

  private void report(LogEnd end) {
    ReportLogEnds command =
        new ReportLogEnds(
            control.clock().wallMs(), brokerId, brokerEpoch, Collections.singletonList(end));
    metadata.submit(
        command,
        control.clock().nanoTime() + CONFIRM_NANOS,
        done -> {
          reporting.remove(end.partition());
          if (!(done instanceof Result.Ok<Metadata.Submitted>)) {
            control.schedule(
                REPORT_NANOS, () -> report(RecoveryQuestions.of(metadata.image(), brokerId)));
          }
        });
  }

  /** Directories found at the start that no replica claims (rules L6, M20). */
  private void sortOut(ClusterImage image) {
    for (PartitionId id : logs.partitions()) {
      if (image.tombstones().containsKey(id.topicId())) {
        continue; // deleted below
      }
      EventLoop loop = data.of(id);
      PartitionImage partition = image.partition(id);
      if (partition == null) {
        LOG.warn("log {} belongs to no topic of this cluster: moved to quarantine", id);
        loop.execute(() -> logs.quarantine(id, loop, () -> {}));
      } else if (!partition.replicas().contains(brokerId)) {
        discard(id);
      }
    }
  }

  private void delete(TopicId topic) {
    if (!deleting.add(topic)) {
      return;
    }
    TreeSet<PartitionId> mine = new TreeSet<>();
    discarding.keySet().stream().filter(id -> id.topicId().equals(topic)).forEach(mine::add);
    for (PartitionId id : logs.partitions()) {
      if (id.topicId().equals(topic)) {
        mine.add(id);
      }
    }
    AtomicInteger left = new AtomicInteger(mine.size() + 1);
    Runnable one =
        () -> {
          if (left.decrementAndGet() == 0) {
            confirm(topic);
          }
        };
    mine.forEach(id -> discard(id).add(one));
    one.run();
  }

  /** Ends the replica's role, then deletes its log; answers the list of those to tell then. */
  private List<Runnable> discard(PartitionId id) {
    assignments.onLeaving(id);
    List<Runnable> others = discarding.get(id);
    if (others != null) {
      return others;
    }
    List<Runnable> whenGone = new ArrayList<>();
    discarding.put(id, whenGone);
    int index = data.indexOf(id);
    EventLoop loop = data.all().get(index);
    loop.execute(
        () -> {
          partitions.get(index).remove(id, log -> {});
          logs.delete(id, loop, () -> control.execute(() -> gone(id)));
        });
    return whenGone;
  }

  private void gone(PartitionId id) {
    List<Runnable> whenGone = discarding.remove(id);
    if (whenGone != null) {
      whenGone.forEach(Runnable::run);
    }
    assignments.onGone(id).filter(again -> !closed).ifPresent(this::apply);
  }

  private void apply(PartitionAssignment again) {
    int index = data.indexOf(again.id());
    Brokers newest = Objects.requireNonNull(brokers);
    data.all().get(index).execute(() -> partitions.get(index).apply(newest, List.of(again)));
  }

  private void confirm(TopicId topic) {
    ConfirmDeletion command =
        new ConfirmDeletion(
            control.clock().wallMs(), brokerId, brokerEpoch, Collections.singletonList(topic));
    metadata.submit(
        command,
        control.clock().nanoTime() + CONFIRM_NANOS,
        end -> {
          boolean confirmed =
              end instanceof Result.Ok<Metadata.Submitted> ok
                  && !(ok.value().outcome() instanceof CommandOutcome.Rejected);
          if (confirmed) {
            deleting.remove(topic);
          } else {
            control.schedule(CONFIRM_NANOS, () -> confirm(topic));
          }
        });
  }

  /** Ends all roles; waiting requests are answered. Blocks; not on a loop. */
  void close() throws InterruptedException {
    CountDownLatch ended = new CountDownLatch(1);
    end(ended::countDown);
    if (!ended.await(6, TimeUnit.SECONDS)) {
      LOG.warn("the loops did not end their partitions in time");
    }
  }

  /**
   * {@link #close} without blocking.
   *
   * @param ended runs on a data loop when all roles have ended
   */
  public void end(Runnable ended) {
    control.execute(
        () -> {
          closed = true;
          AtomicInteger left = new AtomicInteger(partitions.size());
          for (int i = 0; i < partitions.size(); i++) {
            LoopPartitions target = partitions.get(i);
            data.all()
                .get(i)
                .execute(
                    () -> {
                      target.close();
                      if (left.decrementAndGet() == 0) {
                        ended.run();
                      }
                    });
          }
        });
  }
}
