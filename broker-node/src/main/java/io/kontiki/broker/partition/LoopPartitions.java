package io.kontiki.broker.partition;

import io.kontiki.log.PartitionLog;
import io.kontiki.model.PartitionId;
import io.kontiki.replication.ReplicationMessage.Hello;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.StorageException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All replicas on one loop, and the replication streams of the loop. Every method is called on the
 * loop.
 */
public final class LoopPartitions {
  private static final Logger LOG = LoggerFactory.getLogger(LoopPartitions.class);
  private static final long TICK_NANOS = 250_000_000L;

  private final LoopContext context;
  private final RetentionWalk walk;
  private final PartitionLogs logs;
  private final SortedMap<PartitionId, Slot> slots = new TreeMap<>();
  private final List<ShippingStream> streams = new ArrayList<>();
  private EventLoop.@Nullable Timer ticking;
  private boolean diskWasExhausted;
  private boolean closed;

  /**
   * Without partitions; they come with {@link #apply}.
   *
   * @param loopIndex of the loop among the data loops, from 0
   */
  public LoopPartitions(
      int loopIndex,
      EventLoop loop,
      PartitionLogs logs,
      ReplicaTransport transport,
      IsrProposals proposals,
      Lease lease,
      ReplicationPolicy policy,
      Housekeeping housekeeping) {
    this.logs = logs;
    this.walk = new RetentionWalk(TICK_NANOS, housekeeping.checkNanos());
    this.context =
        new LoopContext(loopIndex, loop, lease, transport, proposals, policy, housekeeping);
  }

  /** A replica whose log is open, or null; none once this is closed: their logs may be, too. */
  public @Nullable Partition partition(PartitionId id) {
    Slot slot = closed ? null : slots.get(id);
    return slot == null ? null : slot.partition;
  }

  /** Whether a replica lives here, its log open or being opened. */
  public boolean has(PartitionId id) {
    return slots.containsKey(id);
  }

  /** The replicas whose logs are open, by id. */
  public List<Partition> partitions() {
    List<Partition> open = new ArrayList<>();
    for (Slot slot : slots.values()) {
      if (slot.partition != null) {
        open.add(slot.partition);
      }
    }
    return open;
  }

  /**
   * Takes over an image: at or past this broker's own registration (rule R1), never older than the
   * one before (rule M22). What lay between two images does not matter (rule M8).
   *
   * @param brokers of the image
   * @param assigned replicas of this loop: all, or those that changed
   */
  public void apply(Brokers brokers, Collection<PartitionAssignment> assigned) {
    if (closed) {
      return;
    }
    Brokers before = context.brokersOrNull();
    context.brokers(brokers);
    if (!brokers.equals(before)) {
      for (ShippingStream stream : List.copyOf(streams)) {
        if (stream.id().brokerEpoch() < brokers.epochOf(stream.id().followerId())) {
          end(stream, "broker " + stream.id().followerId() + " was registered again (R27)");
        }
      }
    }
    for (PartitionAssignment assignment : assigned) {
      assign(assignment);
    }
    if (!brokers.equals(before)) {
      partitions().forEach(Partition::onBrokers);
    }
    if (ticking == null) {
      tick();
    }
  }

  private void assign(PartitionAssignment assignment) {
    Slot slot = slots.get(assignment.id());
    if (slot == null) {
      slot = new Slot(assignment);
      slots.put(assignment.id(), slot);
      logs.open(assignment, slot, slot::opened);
    } else {
      slot.apply(assignment);
    }
  }

  /**
   * This broker has no replica of the partition any more (rule R46): roles end, waiters are
   * answered, and the log is handed back.
   *
   * @param gone gets the log, to be deleted or kept, once it is open; nothing if there was none
   */
  public void remove(PartitionId id, Consumer<PartitionLog> gone) {
    Slot slot = slots.remove(id);
    if (slot != null) {
      slot.remove(gone);
    }
  }

  /**
   * A follower opened a stream and said Hello (rule R27). Refused: the stream is closed.
   *
   * @param out to the follower
   * @return hears what follows on the stream
   */
  public ReplicaStream.Listener accept(Hello hello, ReplicaStream out) {
    ShippingStream stream = new ShippingStream(hello.stream(), out, this, context);
    String refusal = refusal(hello);
    if (!refusal.isEmpty()) {
      LOG.info("replication stream {} refused: {}", hello.stream(), refusal);
      stream.kill(refusal);
      return stream;
    }
    for (ShippingStream older : List.copyOf(streams)) {
      if (hello.stream().supersedes(older.id())) {
        end(older, "stream " + hello.stream() + " takes its place (R27)");
      }
    }
    streams.add(stream);
    return stream;
  }

  private String refusal(Hello hello) {
    Brokers brokers = context.brokersOrNull();
    if (closed || brokers == null) {
      return "this broker is not ready";
    }
    if (!hello.clusterId().equals(brokers.clusterId())) {
      return "cluster " + hello.clusterId() + " is not this one, " + brokers.clusterId();
    }
    if (hello.leaderId() != brokers.localId()) {
      return "this is broker " + brokers.localId() + ", not " + hello.leaderId();
    }
    if (hello.stream().brokerEpoch() < brokers.epochOf(hello.stream().followerId())) {
      return "a newer incarnation of broker " + hello.stream().followerId() + " is registered";
    }
    for (ShippingStream other : streams) {
      if (other.id().equals(hello.stream()) || other.id().supersedes(hello.stream())) {
        return "stream " + other.id() + " is newer";
      }
    }
    return "";
  }

  /** Ends all roles and streams; the logs are the caller's to close. */
  public void close() {
    closed = true;
    if (ticking != null) {
      ticking.cancel();
    }
    for (Partition partition : partitions()) {
      partition.close(Errors.stopping(partition.assignment()));
    }
    context.closeStreams("the broker stops");
    for (ShippingStream stream : List.copyOf(streams)) {
      end(stream, "the broker stops");
    }
  }

  /** Ends a stream from this side. */
  void end(ShippingStream stream, String why) {
    streams.remove(stream);
    stream.kill(why);
  }

  /** A stream is over. */
  void forget(ShippingStream stream) {
    streams.remove(stream);
  }

  private void tick() {
    long now = context.nowNanos();
    boolean exhausted = context.conditions().diskSpace() == DiskSpace.EXHAUSTED;
    if (exhausted && !diskWasExhausted) {
      partitions().forEach(Partition::wake);
    }
    diskWasExhausted = exhausted;
    for (Partition partition : List.copyOf(context.restless())) {
      partition.tick(now);
    }
    context.lookedNanos(now);
    for (PartitionId id : walk.next(slots)) {
      Partition partition = partition(id);
      if (partition != null) {
        partition.keepHouse();
      }
    }
    ticking = context.loop().schedule(TICK_NANOS, this::tick);
  }

  /** A replica, perhaps before its log is open. */
  private final class Slot implements PartitionLog.Listener {
    /** Until its log is open: then the partition has it. */
    private @Nullable PartitionAssignment newest;

    private @Nullable Partition partition;
    private @Nullable PartitionLog log;
    private @Nullable Consumer<PartitionLog> gone;

    Slot(PartitionAssignment assignment) {
      newest = assignment;
    }

    void apply(PartitionAssignment assignment) {
      if (partition != null) {
        partition.apply(assignment);
      } else if (newest == null
          || assignment.state().partitionEpoch() >= newest.state().partitionEpoch()) {
        newest = assignment;
      }
    }

    void opened(PartitionLog open) {
      log = open;
      if (gone != null) {
        gone.accept(open);
      } else if (!closed && newest != null) {
        open.changeSettings(newest.log());
        partition = new Partition(open, newest, context);
        newest = null;
      }
    }

    void remove(Consumer<PartitionLog> then) {
      if (partition != null) {
        partition.close(Errors.removed(partition.assignment()));
        partition = null;
      }
      if (log != null) {
        then.accept(log);
      } else {
        gone = then;
      }
    }

    @Override
    public long shippedFrom() {
      return partition == null ? Long.MAX_VALUE : partition.shippedFrom();
    }

    @Override
    public void onHeld(long heldEndOffset) {
      if (partition != null) {
        partition.onHeld();
      }
    }

    @Override
    public void onDamaged(long offset) {
      if (partition != null) {
        partition.onDamaged(offset);
      }
    }

    @Override
    public void onOffline(StorageException cause) {
      if (partition != null) {
        partition.onOffline(cause);
      }
    }
  }
}
