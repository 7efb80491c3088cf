package io.kontiki.chaos.simulation;

import io.kontiki.broker.partition.Partition;
import io.kontiki.broker.partition.Requests;
import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.ApplyResult;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import io.kontiki.replication.ReplicationMessage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Everything that was seen so far, and the invariants over it. Looked at after each step; only what
 * is new since the last look is read.
 */
public final class Ledger {
  private final World world;
  private final TreeMap<PartitionId, Committed> partitions = new TreeMap<>();
  private final TreeMap<Integer, TreeMap<PartitionId, Watched>> watched = new TreeMap<>();
  private final BrokerRules brokers;
  private final Chronicle chronicle = new Chronicle();
  private ClusterImage image = ClusterImage.EMPTY;
  private boolean lenient;
  private int uncleanElections;

  Ledger(World world) {
    this.world = world;
    this.brokers = new BrokerRules(world);
  }

  /** One replica of one process. */
  private static final class Watched {
    private final SimProcess process;
    private final ReplicaReader reader;
    private int epoch = -1;
    private long highWatermark = -1;
    private long logEnd;
    private long committedEnd = -1;
    private boolean candidate;
    private int early;

    /** Epoch of the unclean election that it has taken part in, or been cut by; -1: none. */
    private int history = -1;

    Watched(SimProcess process, ReplicaReader reader) {
      this.process = process;
      this.reader = reader;
    }
  }

  /** What is committed of a partition. */
  public Committed of(PartitionId id) {
    return partitions.computeIfAbsent(
        id,
        unseen -> {
          Committed made = new Committed(unseen);
          if (lenient) {
            made.lenient();
          }
          return made;
        });
  }

  /**
   * Bits rot on a machine: from now on it is not looked at, and of what it has nothing may be left,
   * as after a lossy stop (P2), or of its disk (P1).
   */
  void rots(int node) {
    lenient = true;
    partitions.values().forEach(Committed::lenient);
    if (rotten.add(node)) {
      for (TopicImage topic : image.topics().values()) {
        for (int i = 0; i < topic.partitions().size(); i++) {
          lost(topic, i);
          leadsUnseen(topic, i);
        }
      }
      SimProcess process = world.machine(node).process();
      if (process != null) {
        process.look( // metadata may know of a newer leader, and it not yet
            partition -> {
              if (partition.leading()) {
                of(partition.id()).ledUnseen();
              }
            });
      }
    }
  }

  private void leadsUnseen(TopicImage topic, int partition) {
    if (rotten.contains(topic.partitions().get(partition).leader())) {
      of(new PartitionId(topic.id(), partition)).ledUnseen();
    }
  }

  private final TreeSet<Integer> rotten = new TreeSet<>();

  /** P2 covers one loss less than min ISR at a time, and no disk is lost where only one counts. */
  private void lost(TopicImage topic, int partition) {
    PartitionId id = new PartitionId(topic.id(), partition);
    PartitionImage state = topic.partitions().get(partition);
    TopicConfig config = TopicConfig.of(topic.config());
    TreeSet<Integer> nodes = new TreeSet<>(lossy.getOrDefault(id, new TreeMap<>()).keySet());
    for (int node : rotten) {
      if (state.replicas().contains(node) || state.adding().contains(node)) {
        nodes.add(node);
      }
    }
    if (config.durability() == Durability.REPLICATED
        && nodes.size() >= config.minInsyncReplicas(state.replicas().size())) {
      of(id).excuse("nodes " + nodes + " lost what they had not synced, or it rotted (P2)");
    } else if (!state.isr().isEmpty() && rotten.containsAll(state.isr())) {
      if (topic.minIsr(state) == 1) {
        of(id).excuse("only " + state.isr() + " counted, and bits have rotted there (P1)");
      }
    }
  }

  /** What clients did and saw. */
  Chronicle chronicle() {
    return chronicle;
  }

  /** Batches that were acknowledged. */
  public long acked() {
    return partitions.values().stream().mapToLong(Committed::acked).sum();
  }

  /** Partitions of which something may be lost, for a reason. */
  public long excused() {
    return partitions.values().stream().filter(one -> !one.promised()).count();
  }

  void sends(PartitionId id, long value) {
    of(id).sends(value);
  }

  void refused(PartitionId id, long value) {
    of(id).refused(value);
  }

  void acked(PartitionId id, long value, long base, Acks acks, int epoch) {
    upTo(id, base);
    of(id).acked(value, base, acks, epoch, () -> isHeldInSync(id, base));
  }

  /**
   * Whether every member of the in-sync set holds what is at an offset. A leader that acknowledges
   * and at once becomes a follower takes over its successor's lower high watermark, so that nobody
   * is seen to call it committed for a while.
   */
  private boolean isHeldInSync(PartitionId id, long offset) {
    PartitionImage state = image.partition(id);
    return state != null
        && state.isr().size() > 1
        && state.isr().stream().allMatch(member -> heldEnd(member, id) > offset);
  }

  private long heldEnd(int node, PartitionId id) {
    SimProcess process = world.machine(node).process();
    Long held =
        process == null ? null : process.look(id, found -> found.describe().heldEndOffset());
    return held == null ? -1 : held;
  }

  /** By name of the topic: up to where somebody wanted its records to be deleted. */
  private final TreeMap<String, Long> deletions = new TreeMap<>();

  void asksDeletion(String topic, long before) {
    deletions.merge(topic, before, Math::max);
  }

  void deleted(PartitionId id, long before) {
    of(id).deleted(before);
  }

  void read(PartitionId id, int consumer, RecordBatch batch) {
    upTo(id, batch.baseOffset());
    of(id).read(batch, "consumer " + consumer);
  }

  /** What clients hear of may have happened since the last look. */
  private void upTo(PartitionId id, long offset) {
    if (of(id).end() <= offset || of(id).open()) {
      check();
    }
  }

  void violates(PartitionId id, String rule, String what) {
    if (of(id).promised()) {
      throw new Violation(rule, id + ": " + what);
    }
  }

  void says(SimProcess follower, int loop, ReplicationMessage message) {
    brokers.says(follower, loop, message);
  }

  /** A command has changed the metadata, or was refused. */
  void onApplied(ClusterImage before, MetadataCommand command, ApplyResult result) {
    brokers.onApplied(before, command, result);
    if (command instanceof MetadataCommand.ElectUnclean elect
        && result.outcome() instanceof CommandOutcome.Number leader) {
      onUnclean(before, elect.partition().partition(), (int) leader.value(), result.image());
    }
  }

  /** The metadata have changed. */
  void onImage(ClusterImage newest) {
    ClusterImage before = image;
    image = newest;
    if (before.topics() == newest.topics() && before.brokers() == newest.brokers()) {
      return;
    }
    rejoined();
    ledFromLostDisks.removeIf(this::isLed);
    for (TopicImage topic : newest.topics().values()) {
      TopicImage known = before.topics().get(topic.id());
      tell(known, topic);
      begin(topic, known == null ? 0 : known.partitions().size());
      for (int i = 0; i < topic.partitions().size(); i++) {
        check(new PartitionId(topic.id(), i), topic.partitions().get(i));
        if (!rotten.isEmpty()) {
          lost(topic, i);
          leadsUnseen(topic, i);
        }
      }
    }
  }

  private void tell(@Nullable TopicImage before, TopicImage now) {
    if (before == null) {
      chronicle.topic(now);
      return;
    }
    for (int i = 0; i < before.partitions().size(); i++) {
      if (before.partitions().get(i).leaderEpoch() != now.partitions().get(i).leaderEpoch()) {
        chronicle.leaderChanged(new PartitionId(now.id(), i));
      }
    }
  }

  /** Partitions of which a replica was placed on a disk that was gone by then. */
  private final TreeSet<PartitionId> onLostDisks = new TreeSet<>();

  /** Partitions whose newest unclean election was of a broker whose disk was gone by then. */
  private final TreeSet<PartitionId> ledFromLostDisks = new TreeSet<>();

  /** From then on it is the disk of whoever leads that counts. */
  private boolean isLed(PartitionId id) {
    PartitionImage partition = image.partition(id);
    return partition == null
        || (partition.leader() != PartitionImage.NO_LEADER
            && !onLostDisk(partition.leader(), image));
  }

  /** Whether metadata count on a disk that a machine does not have any more. */
  private boolean onLostDisk(int node, ClusterImage known) {
    BrokerImage broker = known.brokers().get(node);
    return broker != null && !broker.directoryId().equals(world.machine(node).directoryId());
  }

  private void begin(TopicImage topic, int first) {
    for (int i = first; i < topic.partitions().size(); i++) {
      for (int replica : topic.partitions().get(i).replicas()) {
        if (onLostDisk(replica, image)) {
          onLostDisks.add(new PartitionId(topic.id(), i));
        }
      }
    }
  }

  /**
   * Whether nobody is known who could ever lead a partition, and nothing is lost by that. Either
   * the command that made it was under way while a broker that it counts on lost its disk, which
   * {@link World#mayLoseDisk} cannot foresee, and nothing has been committed; or an operator had a
   * broker elected that had lost its disk before, which metadata learn when it registers: nobody
   * else has counted since, and what was committed was given up by that election. Only an operator
   * can bring it to life (R19).
   */
  boolean stillborn(PartitionId id, PartitionImage partition) {
    return partition.leader() == PartitionImage.NO_LEADER
        && partition.isr().isEmpty()
        && partition.elr().isEmpty()
        && partition.lastKnownElr().isEmpty()
        && (ledFromLostDisks.contains(id) || (onLostDisks.contains(id) && of(id).end() == 0));
  }

  /** Only where nobody who holds what is committed could lead (R19). */
  private void onUnclean(ClusterImage before, PartitionId id, int leader, ClusterImage after) {
    PartitionImage was = java.util.Objects.requireNonNull(before.partition(id));
    PartitionImage now = java.util.Objects.requireNonNull(after.partition(id));
    List<Integer> sound = new ArrayList<>(was.isr());
    sound.addAll(was.elr());
    sound.removeIf(
        node -> {
          BrokerImage broker = before.brokers().get(node);
          return broker == null || !broker.unfenced();
        });
    if (was.leader() != PartitionImage.NO_LEADER || !sound.isEmpty()) {
      throw new Violation(
          "R19", id + ": an unclean election where " + sound + " could lead: " + was);
    }
    if (onLostDisk(leader, before)) {
      ledFromLostDisks.add(id);
    }
    Committed committed = of(id);
    if (world.machine(leader).rotted()) {
      committed.excuse("an unclean election of a damaged replica");
    }
    long kept = holds(leader, committed);
    world
        .trace()
        .add(
            26,
            leader,
            () ->
                "UNCLEAN ELECTION of broker "
                    + leader
                    + " for "
                    + id
                    + " in epoch "
                    + now.leaderEpoch()
                    + ": it has "
                    + kept
                    + " of "
                    + committed.end());
    committed.uncleanElection(now.leaderEpoch(), leader, kept);
    chronicle.mayLose(id);
    uncleanElections++;
  }

  /** Batches that were found with less than was appended, each time that one was looked at. */
  public long compacted() {
    return partitions.values().stream()
        .map(Committed::compacted)
        .mapToLong(one -> one == null ? 0 : one.found())
        .sum();
  }

  /** So many happened. */
  public int uncleanElections() {
    return uncleanElections;
  }

  /** Replicas that lost something and have not been in sync since, with the epoch that they had. */
  private final TreeMap<PartitionId, TreeMap<Integer, Long>> lossy = new TreeMap<>();

  private void rejoined() {
    lossy.forEach(
        (id, nodes) -> {
          PartitionImage partition = image.partition(id);
          nodes
              .entrySet()
              .removeIf(
                  node -> {
                    BrokerImage broker = image.brokers().get(node.getKey());
                    return partition != null
                        && broker != null
                        && broker.epoch() > node.getValue()
                        && partition.isr().contains(node.getKey());
                  });
        });
  }

  /** A machine loses what it had not synced: P2 covers one less than min ISR at a time. */
  void onLossyStop(int node) {
    partitions.values().forEach(one -> one.lossyStop(node));
    BrokerImage broker = image.brokers().get(node);
    for (TopicImage topic : image.topics().values()) {
      TopicConfig config = TopicConfig.of(topic.config());
      if (config.durability() != Durability.REPLICATED) {
        continue;
      }
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionId id = new PartitionId(topic.id(), i);
        PartitionImage partition = topic.partitions().get(i);
        if (!partition.replicas().contains(node) && !partition.adding().contains(node)) {
          continue;
        }
        lossy
            .computeIfAbsent(id, unused -> new TreeMap<>())
            .put(node, broker == null ? 0 : broker.epoch());
        lost(topic, i);
      }
    }
  }

  /** Whether every partition on a broker has another one that holds all of it, and runs. */
  boolean spares(int node) {
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        boolean here =
            partition.replicas().contains(node)
                || partition.isr().contains(node)
                || partition.elr().contains(node)
                || partition.lastKnownElr().contains(node);
        boolean other =
            partition.isr().stream()
                .anyMatch(
                    member ->
                        member != node && running(member) && partition.target().contains(member));
        if (here && !other) {
          return false;
        }
      }
    }
    return true;
  }

  /**
   * Whether a broker is in an in-sync set that may go down to it alone: with min ISR 1 the others
   * leave it without being eligible, and if its disk is gone by then an operator is needed (P1).
   */
  boolean mayBecomeTheLast(int node) {
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        if (partition.isr().contains(node) && topic.minIsr(partition) == 1) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean unfenced(int node) {
    BrokerImage broker = image.brokers().get(node);
    return broker != null && broker.unfenced();
  }

  private boolean running(int node) {
    SimProcess process = world.machine(node).process();
    BrokerImage broker = image.brokers().get(node);
    return process != null && broker != null && broker.epoch() == process.brokerEpoch();
  }

  private void check(PartitionId id, PartitionImage partition) {
    for (int member : partition.isr()) {
      BrokerImage broker = image.brokers().get(member);
      if (broker == null || !broker.unfenced()) {
        throw new Violation(
            "R13", id + ": broker " + member + " is in the ISR " + partition.isr() + " and fenced");
      }
    }
    if (partition.leader() != PartitionImage.NO_LEADER
        && !partition.isr().contains(partition.leader())) {
      throw new Violation(
          "R19", id + ": leader " + partition.leader() + " is not in the ISR " + partition.isr());
    }
  }

  /** Looks at every process. */
  void check() {
    for (SimMachine machine : world.machines()) {
      SimProcess process = machine.process();
      if (process != null) {
        brokers.check(process, image);
        check(machine, process);
      }
    }
    for (SimMachine machine : world.machines()) {
      SimProcess process = machine.process();
      if (process != null) {
        candidates(machine, process);
      }
    }
  }

  /** By node: how far its replicas were held when its process ended for the last time (R36). */
  private final TreeMap<Integer, TreeMap<PartitionId, Long>> heldAtEnd = new TreeMap<>();

  /** A process is about to end: what only it knows is looked at for the last time. */
  void ends(SimMachine machine, SimProcess process) {
    check(machine, process);
    TreeMap<PartitionId, Long> held =
        heldAtEnd.computeIfAbsent(machine.id(), unused -> new TreeMap<>());
    process.look(
        partition -> {
          long known = partition.describe().heldEndOffset();
          long end = known < 0 ? partition.highWatermark() : known; // it is offline
          held.put(partition.id(), end);
          // Who has been elected and does not lead yet waits until a cut, or that its log begins
          // anew, is durable (D8): that may go with its process, and with it all that it had.
          of(partition.id()).stops(machine.id(), partition.leading() ? end : 0);
        });
  }

  /** How much of what is committed a replica has, and will have when its log is open. */
  private long holds(int node, Committed committed) {
    PartitionId id = committed.id();
    SimProcess process = world.machine(node).process();
    Requests.Description open = process == null ? null : process.look(id, Partition::describe);
    long agreed =
        committed.agreesUpTo(
            new ReplicaReader(world.machine(node).disk(), id),
            open == null ? 0 : Math.max(0, open.logStartOffset()));
    if (open != null) {
      // A cut counts from when it is decided; its files follow once its record is durable.
      return Math.min(agreed, open.logEndOffset());
    }
    TreeMap<PartitionId, Long> held = heldAtEnd.get(node);
    return held == null ? agreed : Math.min(agreed, held.getOrDefault(id, agreed));
  }

  /** Looks at what a process has committed. */
  private void check(SimMachine machine, SimProcess process) {
    process.look(partition -> look(machine, process, partition));
  }

  private void look(SimMachine machine, SimProcess process, Partition partition) {
    Watched seen = watched(machine, process, partition.id());
    if (partition.logEndOffset() < process.logStart(partition.id())) {
      throw new Violation(
          "R32",
          partition.id()
              + " on "
              + process.name()
              + " ends at "
              + partition.logEndOffset()
              + " and begins at "
              + process.logStart(partition.id()));
    }
    int epoch = partition.assignment().state().leaderEpoch();
    if (partition.leading()) {
      of(partition.id()).leads(machine.id(), partition.describe().leaderEpoch());
      brokers.checkLeader(machine.id(), partition, image.partition(partition.id()));
    }
    if (!isOfNow(machine, process, partition, seen)) {
      return;
    }
    if (epoch != seen.epoch || partition.logEndOffset() < seen.logEnd) {
      // It may have been cut: what was looked at last is looked at again.
      seen.epoch = epoch;
      seen.reader.seek(Math.max(0, of(partition.id()).end() - 200));
      seen.highWatermark = -1;
      seen.committedEnd = -1;
    }
    seen.logEnd = partition.logEndOffset();
    goOnFrom(partition, seen);
    if (partition.highWatermark() > seen.highWatermark) {
      String where = process.name();
      long highWatermark = partition.highWatermark();
      seen.reader.readTo(highWatermark, batch -> of(partition.id()).saw(batch, where));
      if (readTo(process, partition, seen.reader) < highWatermark
          && of(partition.id()).promised()) {
        if (partition.describe().logStartOffset() > of(partition.id()).end()) {
          return; // the files of what it deleted are gone: another replica has it, or had it
        }
        throw new Violation(
            "R9",
            partition.id()
                + " on "
                + where
                + ": high watermark "
                + highWatermark
                + ", but its files end at "
                + seen.reader);
      }
      seen.highWatermark = highWatermark;
    }
    starts(process, partition, seen);
  }

  /**
   * Whether it is of the history that counts since an unclean election: the leader, and whoever has
   * been in sync with it. Others may still have what is lost.
   */
  private boolean isOfNow(
      SimMachine machine, SimProcess process, Partition partition, Watched seen) {
    Committed committed = of(partition.id());
    if (committed.unclean() == seen.history) {
      return true;
    }
    PartitionImage state = image.partition(partition.id());
    if (committed.isOfBefore(partition.assignment().state().leaderEpoch()) || state == null) {
      return false;
    }
    if (committed.open()) {
      if (!leads(process, partition) || partition.describe().highWatermark() < 0) {
        return false;
      }
      List<RecordBatch> log = new ArrayList<>();
      new ReplicaReader(machine.disk(), partition.id())
          .readTo(partition.highWatermark(), batch -> log.add(copy(batch)));
      committed.settles(log, partition.describe().logStartOffset(), process.name());
      chronicle.mayLose(partition.id());
    } else if (!state.isr().contains(machine.id())) {
      return false;
    }
    seen.history = committed.unclean();
    seen.epoch = -1;
    seen.reader.seek(0);
    return true;
  }

  private static RecordBatch copy(RecordBatch batch) {
    ByteBuffer bytes = ByteBuffer.allocate(batch.sizeBytes());
    bytes.put(
        batch
            .buffer()
            .duplicate()
            .position(batch.start())
            .limit(batch.start() + batch.sizeBytes()));
    return new RecordBatch(bytes.flip(), 0);
  }

  /**
   * How far its files were read; there need not be any for what its log does not have any more, and
   * what it begins with may end before its log start: a disk can fail on the batch within which it
   * was to begin (R32).
   */
  private static long readTo(SimProcess process, Partition partition, ReplicaReader reader) {
    return Math.max(Math.max(0, reader.offset()), process.logStart(partition.id()));
  }

  /** What its log does not have any more is not looked for. */
  private void goOnFrom(Partition partition, Watched seen) {
    long start = partition.describe().logStartOffset();
    if (mayBegin(partition.id(), start)) {
      of(partition.id()).unseenUpTo(start);
    }
    if (seen.reader.offset() >= 0
        && seen.reader.offset() < start
        && start <= of(partition.id()).end()) {
      seen.reader.seek(start);
    }
  }

  /** Where its log begins. */
  private void starts(SimProcess process, Partition partition, Watched seen) {
    Committed committed = of(partition.id());
    long start = partition.describe().logStartOffset();
    if (!committed.promised() || start < 0) {
      return;
    }
    String where = partition.id() + " on " + process.name() + " begins at " + start;
    if (start > committed.end()) {
      boolean ownDeletion =
          start <= partition.highWatermark()
              && leads(process, partition)
              && mayBegin(partition.id(), start);
      if (!ownDeletion) {
        if (++seen.early > 5) {
          throw new Violation("D5", where + ", and committed is only " + committed.end());
        }
        return;
      }
      committed.deletedUnseen(start); // as when it stood still, and both waited for it
    }
    seen.early = 0;
    if (leads(process, partition) && start < committed.deleted()) {
      throw new Violation(
          "D5", where + " and leads, and the deletion up to " + committed.deleted() + " was told");
    }
    if (!mayBegin(partition.id(), start)) {
      throw new Violation("P17", where + ", and nobody asked for that but a wrong clock");
    }
    if (start > committed.start()) {
      chronicle.startsAt(partition.id(), start);
    }
    committed.starts(start);
  }

  /** Whether somebody, or a topic's retention by bytes, may have deleted what lies before. */
  boolean mayBegin(PartitionId id, long start) {
    TopicImage topic = image.topics().get(id.topicId());
    return start <= of(id).start()
        || topic == null
        || TopicConfig.of(topic.config()).retentionBytes() >= 0
        || deletions.getOrDefault(topic.name(), 0L) >= start;
  }

  /** Not only in its own eyes, as one that was frozen through its fence. */
  private boolean leads(SimProcess process, Partition partition) {
    PartitionImage now = image.partition(partition.id());
    return partition.leading()
        && now != null
        && now.leader() == process.machine()
        && now.leaderEpoch() == partition.describe().leaderEpoch();
  }

  private Watched watched(SimMachine machine, SimProcess process, PartitionId id) {
    TreeMap<PartitionId, Watched> all =
        watched.computeIfAbsent(machine.id(), unused -> new TreeMap<>());
    Watched found = all.get(id);
    if (found == null || found.process != process) {
      found = new Watched(process, new ReplicaReader(machine.disk(), id));
      all.put(id, found);
    }
    return found;
  }

  /** Whoever may be elected without loss holds everything that is committed (R18, R19). */
  private void candidates(SimMachine machine, SimProcess process) {
    BrokerImage broker = image.brokers().get(machine.id());
    if (broker == null || broker.epoch() != process.brokerEpoch()) {
      return;
    }
    process.look(partition -> candidate(machine, process, partition));
  }

  private void candidate(SimMachine machine, SimProcess process, Partition partition) {
    PartitionImage state = image.partition(partition.id());
    Watched seen = watched(machine, process, partition.id());
    Committed committed = of(partition.id());
    // One that is eligible and comes back may be in doubt: it says so before it is unfenced (R3).
    if (state == null
        || !committed.promised()
        || !(state.isr().contains(machine.id())
            || (state.elr().contains(machine.id()) && unfenced(machine.id())))) {
      seen.candidate = false;
      return;
    }
    if (seen.candidate && seen.committedEnd == committed.end()) {
      return;
    }
    goOnFrom(partition, seen);
    seen.candidate = true;
    String where = process.name();
    seen.reader.readTo(
        committed.end(),
        batch -> {
          if (batch.baseOffset() < committed.end()) {
            committed.saw(batch, where);
          }
        });
    if (partition.logEndOffset() < committed.end()
        || readTo(process, partition, seen.reader) < committed.end()) {
      throw new Violation(
          "R18",
          partition.id()
              + ": "
              + where
              + " ends at "
              + partition.logEndOffset()
              + ", committed is "
              + committed.end()
              + ", isr "
              + state.isr()
              + " elr "
              + state.elr());
    }
    seen.committedEnd = committed.end();
  }

  /**
   * Reads everything on every replica from its beginning, and judges what clients did and saw, of
   * whom one has read everything to its end.
   */
  void checkEnd() {
    chronicle.check(id -> of(id).promised());
    watched.clear();
    check();
    for (Committed committed : partitions.values()) {
      if (!committed.unseen().isEmpty()) {
        throw new Violation("P1", committed.unseen());
      }
    }
    for (SimMachine machine : world.machines()) {
      SimProcess process = machine.process();
      if (process == null) {
        continue;
      }
      process.look(
          partition -> {
            Committed committed = of(partition.id());
            if (!committed.promised() || !image.topics().containsKey(partition.id().topicId())) {
              return;
            }
            ReplicaReader reader = new ReplicaReader(machine.disk(), partition.id());
            Compacted compacted = committed.compacted();
            Compacted.Fold keys = compacted == null ? null : compacted.new Fold(process.name());
            reader.readTo(
                committed.end(),
                batch -> {
                  committed.saw(batch, process.name());
                  if (keys != null) {
                    keys.add(batch);
                  }
                  if (batch.computeCrc() != batch.crc()) {
                    throw new Violation(
                        "P14",
                        partition.id()
                            + " on "
                            + process.name()
                            + ": damaged at "
                            + batch.baseOffset());
                  }
                });
            if (keys != null) {
              keys.check(partition.describe().logStartOffset());
            }
            if (readTo(process, partition, reader) < committed.end()) {
              throw new Violation(
                  "P1",
                  partition.id()
                      + " on "
                      + process.name()
                      + " ends at "
                      + reader.offset()
                      + ", committed is "
                      + committed.end());
            }
          });
    }
    for (Committed committed : partitions.values()) {
      // Of a topic that was deleted the rest is not looked at any more.
      if (image.topics().containsKey(committed.id().topicId()) && !committed.owed().isEmpty()) {
        throw new Violation("L6", committed.owed());
      }
    }
  }
}
