package io.kontiki.broker.partition;

import io.kontiki.log.LogSettings;
import io.kontiki.model.Durability;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import io.kontiki.replication.IsrMember;
import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.replication.IsrState;
import io.kontiki.replication.Resignation;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Just enough of the metadata's decisions (rules R2, R3, R13, R17 to R19), made at once. */
final class TestController {
  static final Uid CLUSTER = new Uid(1, 2);
  final TreeMap<Integer, Long> epochs = new TreeMap<>();
  final SortedSet<Integer> fenced = new TreeSet<>();
  final TreeMap<PartitionId, Entry> partitions = new TreeMap<>();
  private final int minIsr;
  private long nextEpoch = 1;
  long version;
  int resignations;

  /** Of every topic's logs; with another version, as a changed image. */
  LogSettings settings;

  TestController(Durability durability, int minIsr) {
    this.settings = LogSettings.defaults(durability);
    this.minIsr = minIsr;
  }

  /** One partition. */
  static final class Entry {
    List<Integer> replicas;
    List<Integer> target;
    int leader;
    int leaderEpoch = 1;
    int partitionEpoch = 1;
    SortedSet<Integer> isr;
    SortedSet<Integer> elr = new TreeSet<>();

    Entry(List<Integer> replicas) {
      this.replicas = replicas;
      this.target = replicas;
      this.leader = replicas.get(0);
      this.isr = new TreeSet<>(replicas);
    }

    IsrState state() {
      return new IsrState(leader, leaderEpoch, partitionEpoch, List.copyOf(isr), List.copyOf(elr));
    }
  }

  /** What a broker applies. */
  record Image(long version, Brokers brokers, List<PartitionAssignment> assigned) {}

  Image image(int local) {
    TreeMap<Integer, BrokerInfo> infos = new TreeMap<>();
    epochs.forEach(
        (broker, epoch) ->
            infos.put(
                broker,
                new BrokerInfo(
                    broker, epoch, new Endpoint("node" + broker, 7604), !fenced.contains(broker))));
    List<PartitionAssignment> assigned = new ArrayList<>();
    partitions.forEach(
        (id, entry) -> {
          if (entry.replicas.contains(local)) {
            assigned.add(
                new PartitionAssignment(
                    id, "orders", entry.state(), entry.replicas, minIsr, settings, 1 << 20));
          }
        });
    return new Image(version, new Brokers(CLUSTER, local, epochs.get(local), infos), assigned);
  }

  void create(PartitionId id, List<Integer> replicas) {
    partitions.put(id, new Entry(replicas));
    version++;
  }

  void register(int broker) {
    fence(broker);
    epochs.put(broker, nextEpoch++);
    fenced.add(broker);
    version++;
  }

  void fence(int broker) {
    if (!epochs.containsKey(broker) || !fenced.add(broker)) {
      return;
    }
    for (Entry entry : partitions.values()) {
      IsrState before = entry.state();
      if (entry.isr.contains(broker)) {
        SortedSet<Integer> left = new TreeSet<>(entry.isr);
        left.remove(broker);
        setIsr(entry, left);
      }
      if (entry.leader == broker || entry.leader == IsrState.NO_LEADER) {
        elect(entry);
      }
      bump(entry, before);
    }
    version++;
  }

  void unfence(int broker) {
    fenced.remove(broker);
    for (Entry entry : partitions.values()) {
      IsrState before = entry.state();
      if (entry.leader == IsrState.NO_LEADER) {
        elect(entry);
      }
      bump(entry, before);
    }
    version++;
  }

  /** Another member of the in-sync set leads, as a preferred-leader move does. */
  void move(PartitionId id, int to) {
    Entry entry = partitions.get(id);
    if (entry.isr.contains(to) && !fenced.contains(to) && entry.leader != to) {
      entry.leader = to;
      entry.leaderEpoch++;
      entry.partitionEpoch++;
      version++;
    }
  }

  /** An operator wants it to lead, whatever is lost (R19). */
  void electUnclean(PartitionId id, int broker) {
    Entry entry = partitions.get(id);
    entry.isr = new TreeSet<>(List.of(broker));
    entry.elr = new TreeSet<>();
    lead(entry, broker);
    entry.partitionEpoch++;
    version++;
  }

  /** Replicas shall be these: those that come are there at once, those that go stay (R34). */
  void reassign(PartitionId id, List<Integer> target) {
    Entry entry = partitions.get(id);
    List<Integer> all = new ArrayList<>(target);
    entry.replicas.stream().filter(replica -> !target.contains(replica)).forEach(all::add);
    entry.replicas = List.copyOf(all);
    entry.target = target;
    entry.partitionEpoch++;
    version++;
  }

  /** What goes is gone; the leader must stay, and all of the target be in sync (R20, R34). */
  boolean shrink(PartitionId id) {
    Entry entry = partitions.get(id);
    if (!entry.isr.containsAll(entry.target) || !entry.target.contains(entry.leader)) {
      return false;
    }
    entry.replicas = entry.target;
    entry.isr = new TreeSet<>(entry.target);
    entry.elr.retainAll(entry.target);
    entry.leaderEpoch++;
    entry.partitionEpoch++;
    version++;
    return true;
  }

  private static void bump(Entry entry, IsrState before) {
    if (!entry.state().equals(before)) {
      entry.partitionEpoch++;
    }
  }

  private void setIsr(Entry entry, SortedSet<Integer> isr) {
    SortedSet<Integer> out = new TreeSet<>(entry.isr);
    out.addAll(entry.elr);
    out.removeAll(isr);
    entry.isr = isr;
    entry.elr = isr.size() >= minIsr ? new TreeSet<>() : out; // R18
  }

  private void elect(Entry entry) {
    for (int replica : entry.replicas) {
      if (entry.isr.contains(replica) && !fenced.contains(replica)) {
        if (!entry.isr.contains(entry.leader) || fenced.contains(entry.leader)) {
          lead(entry, replica);
        }
        return;
      }
    }
    if (entry.isr.isEmpty()) {
      for (int replica : entry.replicas) {
        if (entry.elr.contains(replica) && !fenced.contains(replica)) {
          entry.elr.remove(replica);
          entry.isr = new TreeSet<>(List.of(replica));
          lead(entry, replica);
          return;
        }
      }
    }
    if (entry.leader != IsrState.NO_LEADER) {
      lead(entry, IsrState.NO_LEADER);
    }
  }

  private static void lead(Entry entry, int leader) {
    entry.leader = leader;
    entry.leaderEpoch++;
  }

  /**
   * Another member that is not fenced leads, and the in-sync set stays as it is (rule R38); or an
   * eligible replica does in place of a damaged one (rule D9).
   */
  IsrOutcome resign(int leader, long brokerEpoch, Resignation resignation) {
    Entry entry = partitions.get(resignation.partition());
    if (entry.leader != leader
        || entry.leaderEpoch != resignation.leaderEpoch()
        || epochs.get(leader) != brokerEpoch
        || entry.partitionEpoch != resignation.partitionEpoch()) {
      return new IsrOutcome.Stale(entry.state());
    }
    int next = IsrState.NO_LEADER;
    for (int replica : entry.replicas) {
      boolean mayLead =
          replica != leader && entry.isr.contains(replica) && !fenced.contains(replica);
      if (mayLead && (next == IsrState.NO_LEADER || replica == resignation.successor())) {
        next = replica;
      }
    }
    boolean damaged = resignation.cause() == Resignation.Cause.LOG_DAMAGED;
    if (next == IsrState.NO_LEADER && damaged) {
      for (int replica : entry.elr) {
        next = fenced.contains(replica) ? next : replica;
      }
      if (next != IsrState.NO_LEADER) {
        setIsr(entry, new TreeSet<>(List.of(next)));
        entry.elr.remove(leader);
      }
    }
    if (next == IsrState.NO_LEADER) {
      entry.partitionEpoch += damaged ? 1 : 0;
      return new IsrOutcome.Rejected(entry.state());
    }
    version++;
    resignations++;
    lead(entry, next);
    entry.partitionEpoch++;
    return new IsrOutcome.Applied(entry.state());
  }

  IsrOutcome alter(int leader, long brokerEpoch, IsrProposal proposal) {
    Entry entry = partitions.get(proposal.partition());
    if (entry.leader != leader
        || entry.leaderEpoch != proposal.leaderEpoch()
        || epochs.get(leader) != brokerEpoch
        || entry.partitionEpoch != proposal.partitionEpoch()) {
      return new IsrOutcome.Stale(entry.state());
    }
    SortedSet<Integer> isr = new TreeSet<>();
    boolean eligible = true;
    for (IsrMember member : proposal.isr()) {
      isr.add(member.brokerId());
      eligible &= !fenced.contains(member.brokerId());
      eligible &= epochs.get(member.brokerId()) == member.brokerEpoch();
    }
    version++;
    entry.partitionEpoch++;
    if (!eligible || !isr.contains(leader)) {
      return new IsrOutcome.Rejected(entry.state());
    }
    setIsr(entry, isr);
    entry.elr.removeAll(proposal.damaged());
    return new IsrOutcome.Applied(entry.state());
  }
}
