package io.kontiki.chaos.model;

import io.kontiki.chaos.model.Message.Alter;
import io.kontiki.chaos.model.Message.Altered;
import io.kontiki.chaos.model.Message.Fetch;
import io.kontiki.chaos.model.Message.Outcome;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What a broker knows as the leader: positions, ISR, and the proposal that is under way. */
final class LeaderState {
  private final Model model;
  private final Rules rules;
  private final Broker broker;
  private final BrokerLog log;

  private final int[] positions = new int[Rules.BROKERS];
  private final int[] incarnations = new int[Rules.BROKERS];
  private final boolean[] fetched = new boolean[Rules.BROKERS];

  /** LESO. */
  private int epochStart;

  private int isr;
  private int maximalIsr;
  private boolean proposing;
  private int proposedIsr;
  private int proposedAt;
  private int @Nullable [] decidedEpochs;

  private int fenced;
  private int[] brokerEpochs = new int[Rules.BROKERS];

  LeaderState(Model model, Broker broker) {
    this.model = model;
    this.rules = model.rules();
    this.broker = broker;
    this.log = broker.log();
  }

  void onStart() {
    proposing = false;
  }

  void onBrokers(Metadata state) {
    fenced = state.fenced;
    brokerEpochs = state.brokerEpochs.clone();
  }

  void begin() {
    epochStart = log.end();
    if (rules.on(Rule.FETCHED_IN_EPOCH)) {
      Arrays.fill(positions, -1);
      Arrays.fill(incarnations, -1);
      Arrays.fill(fetched, false);
    }
  }

  void end() {
    proposing = false;
  }

  void adopt(Metadata state) {
    isr = state.isr;
    maximalIsr = state.isr;
    proposing = false;
    advance();
  }

  void produce() {
    int enough = rules.on(Rule.HW_NEEDS_MINISR) ? Rules.MIN_ISR : 1;
    if (!broker.leads() || !model.mayProduce() || Members.size(isr) < enough) {
      return;
    }
    LogEntry entry = new LogEntry(broker.leaderEpoch(), model.nextValue());
    log.append(entry);
    model.trace(() -> broker + " appends " + entry + " at " + (log.end() - 1));
    if (!rules.on(Rule.ACK_AT_HW)) {
      model.promises().acknowledge(log.end() - 1, entry);
    }
    advance();
  }

  /** R9, R10. */
  void advance() {
    if (rules.on(Rule.HW_NEEDS_MINISR) && Members.size(isr) < Rules.MIN_ISR) {
      return;
    }
    int end = log.held();
    int counted = rules.on(Rule.MAXIMAL_ISR) ? maximalIsr : isr;
    for (int i = 0; i < Rules.BROKERS; i++) {
      if (i != broker.id() && Members.has(counted, i)) {
        end = Math.min(end, Math.max(0, positions[i]));
      }
    }
    if (end > log.highWatermark()) {
      log.highWatermark(end);
      model.promises().commit(broker, end);
      model.trace(() -> broker + " high watermark " + log.highWatermark());
    }
  }

  /**
   * A follower says how far it is.
   *
   * @return false: an older one of its incarnations does
   */
  boolean onPosition(Fetch fetch) {
    int follower = fetch.from();
    if (rules.on(Rule.OLD_INCARNATION_FETCH)
        && (fetch.brokerEpoch() < incarnations[follower]
            || fetch.brokerEpoch() < brokerEpochs[follower])) {
      return false;
    }
    positions[follower] = fetch.offset();
    incarnations[follower] = fetch.brokerEpoch();
    fetched[follower] = true;
    if (mayJoin(follower)) {
      propose(isr | Members.of(follower));
    }
    advance();
    return true;
  }

  /** R12. */
  private boolean mayJoin(int follower) {
    int position = positions[follower];
    // one entry short is enough to break the promise; any position would break all at once
    int needed = rules.on(Rule.JOIN_AT_HW) ? log.highWatermark() : log.highWatermark() - 1;
    return !proposing
        && !Members.has(isr, follower)
        && !(rules.on(Rule.FENCED_NOT_IN_ISR) && Members.has(fenced, follower))
        && !(rules.on(Rule.FETCH_BROKER_EPOCH) && brokerEpochs[follower] != incarnations[follower])
        && !(rules.on(Rule.FETCHED_IN_EPOCH) && !fetched[follower])
        && position >= needed
        && !(rules.on(Rule.LESO) && position < epochStart);
  }

  void shrink() {
    if (proposing) {
      return;
    }
    int smaller = isr;
    for (int i = 0; i < Rules.BROKERS; i++) {
      if (i != broker.id()
          && Members.has(smaller, i)
          && (positions[i] < log.end() || model.random().nextInt(3) == 0)
          && model.random().nextBoolean()) {
        smaller = Members.without(smaller, i);
      }
    }
    if (smaller != isr) {
      propose(smaller);
    }
  }

  private void propose(int members) {
    proposing = true;
    proposedIsr = members;
    proposedAt = broker.partitionEpoch();
    maximalIsr = isr | members;
    decidedEpochs = null;
    send();
    model.trace(() -> broker + " proposes " + Members.text(members));
  }

  /** R14, R15. */
  private void send() {
    int[] epochs = new int[Rules.BROKERS];
    for (int i = 0; i < Rules.BROKERS; i++) {
      boolean joins = Members.has(proposedIsr, i) && !Members.has(isr, i);
      epochs[i] =
          i == broker.id() ? broker.brokerEpoch() : joins ? incarnations[i] : brokerEpochs[i];
    }
    if (rules.on(Rule.RETRY_SAME_EPOCHS)) {
      if (decidedEpochs == null) {
        decidedEpochs = epochs;
      }
      epochs = decidedEpochs;
    }
    model
        .network()
        .send(
            new Alter(
                broker.id(),
                broker.leaderEpoch(),
                broker.brokerEpoch(),
                proposedAt,
                proposedIsr,
                epochs));
  }

  void onTimeout() {
    if (!proposing) {
      return;
    }
    if (rules.on(Rule.NO_ROLLBACK_ON_TIMEOUT)) {
      send();
    } else {
      proposing = false;
      maximalIsr = isr;
    }
  }

  /** R17. */
  void onAltered(Altered answer) {
    Alter request = answer.request();
    if (!proposing
        || request.brokerEpoch() != broker.brokerEpoch()
        || request.leaderEpoch() != broker.leaderEpoch()
        || request.partitionEpoch() != proposedAt
        || request.isr() != proposedIsr
        || answer.outcome() == Outcome.STALE) {
      return;
    }
    Metadata state = answer.state();
    boolean newer = state.partitionEpoch > broker.partitionEpoch();
    if (answer.outcome() == Outcome.APPLIED) {
      if (newer) {
        settle(state);
        advance();
      }
    } else if (!rules.on(Rule.REJECT_BURNS_EPOCH)) {
      proposing = false;
      maximalIsr = isr;
    } else if (newer && state.leader == broker.id() && state.leaderEpoch == broker.leaderEpoch()) {
      settle(state);
    }
  }

  private void settle(Metadata state) {
    broker.partitionEpoch(state.partitionEpoch);
    isr = state.isr;
    maximalIsr = isr;
    proposing = false;
  }
}
