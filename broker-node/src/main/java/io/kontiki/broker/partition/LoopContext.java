package io.kontiki.broker.partition;

import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicaTimes;
import io.kontiki.runtime.EventLoop;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What all partitions of one loop share. */
final class LoopContext {
  private final int loopIndex;
  private final EventLoop loop;
  private final Lease lease;
  private final ReplicaTransport transport;
  private final ReplicationPolicy policy;
  private final Conditions conditions;
  private final LoopTurn turn;
  private final Deadlines deadlines;
  private final KeyChecker keyChecker;
  private final RecentAppends.Budget tails;
  private final SortedMap<Integer, FetchingStream> live = new TreeMap<>();
  private final SortedMap<Integer, FetchingStream> catchUp = new TreeMap<>();
  private @Nullable Brokers brokers;
  private long subscriptions;
  private long lookedNanos;
  private final Set<Partition> restless = new LinkedHashSet<>();

  LoopContext(
      int loopIndex,
      EventLoop loop,
      Lease lease,
      ReplicaTransport transport,
      IsrProposals proposals,
      ReplicationPolicy policy,
      Housekeeping housekeeping) {
    this.loopIndex = loopIndex;
    this.loop = loop;
    this.lookedNanos = loop.clock().nanoTime();
    this.lease = lease;
    this.transport = transport;
    this.policy = policy;
    this.conditions = housekeeping.conditions();
    this.keyChecker = new KeyChecker(loop, housekeeping.checks());
    this.turn = new LoopTurn(loop, proposals);
    this.deadlines = new Deadlines(loop);
    this.tails = new RecentAppends.Budget(policy.limits().loopTail());
  }

  int loopIndex() {
    return loopIndex;
  }

  EventLoop loop() {
    return loop;
  }

  long nowNanos() {
    return loop.clock().nanoTime();
  }

  Lease lease() {
    return lease;
  }

  ReplicaTransport transport() {
    return transport;
  }

  ReplicationLimits limits() {
    return policy.limits();
  }

  ReplicaTimes times() {
    return policy.times();
  }

  CatchUpBudget catchUp() {
    return policy.catchUp();
  }

  ReplicationMeters meters() {
    return policy.meters();
  }

  Conditions conditions() {
    return conditions;
  }

  LoopTurn turn() {
    return turn;
  }

  Deadlines deadlines() {
    return deadlines;
  }

  KeyChecker keyChecker() {
    return keyChecker;
  }

  RecentAppends.Budget tails() {
    return tails;
  }

  /** Of the newest image applied; null before the first. */
  @Nullable Brokers brokersOrNull() {
    return brokers;
  }

  Brokers brokers() {
    if (brokers == null) {
      throw new IllegalStateException("no metadata have been applied (R1)");
    }
    return brokers;
  }

  void brokers(Brokers newest) {
    brokers = newest;
    live.values().forEach(FetchingStream::onBrokers);
    catchUp.values().forEach(FetchingStream::onBrokers);
  }

  /** A subscription id; they grow over all streams of the incarnation (rule R27). */
  long nextSubscription() {
    return ++subscriptions;
  }

  /** The partitions that must hear that time passes, in the order in which they began to. */
  Set<Partition> restless() {
    return restless;
  }

  /** When the loop let partitions hear for the last time that time passes. */
  long lookedNanos() {
    return lookedNanos;
  }

  void lookedNanos(long nowNanos) {
    lookedNanos = nowNanos;
  }

  /** The stream of a lane to a leader; opened when somebody joins it. */
  FetchingStream streamTo(int leaderId, Lane lane) {
    return (lane == Lane.LIVE ? live : catchUp)
        .computeIfAbsent(leaderId, id -> new FetchingStream(id, lane, this));
  }

  void closeStreams(String why) {
    live.values().forEach(stream -> stream.close(why));
    catchUp.values().forEach(stream -> stream.close(why));
    live.clear();
    catchUp.clear();
  }
}
