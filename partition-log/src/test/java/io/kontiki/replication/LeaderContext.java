package io.kontiki.replication;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import java.util.List;
import java.util.TreeMap;

/** Broker 1 leads a partition of brokers 1 to 3; the test plays everybody else. */
final class LeaderContext implements BrokerDirectory {
  static final PartitionId ID = new PartitionId(new TopicId(1, 2), 0);
  static final long MS = 1_000_000L;
  final TreeMap<Integer, Long> brokerEpochs = new TreeMap<>();
  final TreeMap<Integer, Boolean> fenced = new TreeMap<>();
  final TestEpochs epochs;
  final LeaderReplica leader;
  long now = 5_000 * MS;
  long nextSubscription = 1;
  long forgottenBelow;

  LeaderContext(List<Integer> isr, long start, long held, long hw) {
    this(isr, start, held, hw, false);
  }

  LeaderContext(List<Integer> isr, long start, long held, long hw, boolean handedOver) {
    this(new IsrState(1, 7, 20, isr), start, held, hw, handedOver);
  }

  LeaderContext(IsrState state, long start, long held, long hw, boolean handedOver) {
    for (int broker = 1; broker <= 3; broker++) {
      brokerEpochs.put(broker, 100L + broker);
    }
    epochs = new TestEpochs(0, start).epoch(3, 0).epoch(7, start);
    leader =
        new LeaderReplica(
            ID,
            1,
            state,
            handedOver,
            List.of(1, 2, 3),
            2,
            new LeaderReplica.OwnLog(start, held, hw),
            this,
            ReplicaTimes.DEFAULT,
            now);
  }

  @Override
  public long epochOf(int brokerId) {
    return brokerEpochs.getOrDefault(brokerId, NO_EPOCH);
  }

  @Override
  public boolean mayJoinIsr(int brokerId, long brokerEpoch) {
    return epochOf(brokerId) == brokerEpoch && !fenced.getOrDefault(brokerId, false);
  }

  /** The leader's log grows and the leader holds it. */
  void append(long end) {
    write(end);
    leader.onHeld(end, now);
  }

  /** The leader's log grows, not yet held. */
  void write(long end) {
    epochs.logEnd = end;
    leader.onLogEnd(end, now);
  }

  SubscribeAnswer subscribe(int follower, long end, int lastEpoch) {
    return subscribe(follower, epochOf(follower), 7, end, lastEpoch);
  }

  SubscribeAnswer subscribe(
      int follower, long brokerEpoch, int leaderEpoch, long end, int lastEpoch) {
    return leader.subscribe(
        follower,
        brokerEpoch,
        new SubscribeRequest(nextSubscription++, ID, leaderEpoch, end, lastEpoch),
        epochs,
        epochs.logStart,
        forgottenBelow,
        now);
  }

  /** Subscribes with a log like the leader's and acknowledges. */
  long follow(int follower, long held) {
    SubscribeAnswer answer = subscribe(follower, held, epochs.epochOf(Math.max(0, held - 1)));
    if (!(answer instanceof SubscribeAnswer.Accepted)) {
      throw new AssertionError("not accepted: " + answer);
    }
    ack(follower, answer.subscription(), held);
    return answer.subscription();
  }

  LeaderReplica.AckOutcome ack(int follower, long subscription, long held) {
    return leader.onAck(follower, epochOf(follower), subscription, held, now);
  }

  IsrProposal takeProposal() {
    return leader.proposal().orElseThrow(() -> new AssertionError("no proposal"));
  }

  boolean proposes() {
    return leader.proposal().isPresent();
  }

  /** Ticks as the loop does, and judges when the leader asked for it. */
  void passMs(long ms) {
    long end = now + ms * MS;
    long tick = now + 250 * MS;
    while (now < end) {
      long judgement = leader.nextJudgementNanos();
      now = Math.min(end, Math.min(tick, Math.max(now, judgement)));
      if (now == tick) {
        leader.tick(now);
        tick += 250 * MS;
      } else if (now == judgement) {
        leader.onJudgement(now);
      }
    }
    leader.tick(now);
  }

  Resignation takeResignation() {
    return leader.resignation().orElseThrow(() -> new AssertionError("does not resign"));
  }

  static List<Integer> members(IsrProposal proposal) {
    return proposal.isr().stream().map(IsrMember::brokerId).toList();
  }

  IsrState state(int partitionEpoch, Integer... isr) {
    return new IsrState(1, 7, partitionEpoch, List.of(isr));
  }
}
