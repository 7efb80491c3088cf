package io.kontiki.chaos.model;

import io.kontiki.chaos.model.Message.Alter;
import io.kontiki.chaos.model.Message.Altered;
import io.kontiki.chaos.model.Message.Outcome;
import java.util.ArrayList;
import java.util.List;

/** All decisions about metadata, and the log of them. */
final class Controller {
  private final Model model;
  private final Rules rules;
  private final Metadata now = new Metadata();
  private final List<Metadata> log = new ArrayList<>();
  private int nextBrokerEpoch = 1;
  private boolean recovered;

  Controller(Model model, int leader) {
    this.model = model;
    this.rules = model.rules();
    for (int i = 0; i < Rules.BROKERS; i++) {
      now.brokerEpochs[i] = nextBrokerEpoch++;
    }
    now.isr = Members.ALL;
    now.leader = leader;
    now.leaderEpoch = 1;
    now.partitionEpoch = 1;
  }

  Metadata now() {
    return now;
  }

  Metadata entry(int index) {
    return log.get(index);
  }

  int lastIndex() {
    return log.size() - 1;
  }

  /** Whether somebody was elected who need not hold what was committed. */
  boolean recovered() {
    return recovered;
  }

  void commit() {
    log.add(now.copy());
    model.trace(() -> "metadata " + lastIndex() + ": " + now);
  }

  void fence(int broker) {
    if (now.isFenced(broker)) {
      return;
    }
    int isr = now.isr;
    int epoch = now.leaderEpoch;
    now.fenced |= Members.of(broker);
    if (Members.has(now.isr, broker)) {
      changeIsr(Members.without(now.isr, broker));
    }
    if (now.leader == broker || now.leader == Metadata.NO_LEADER) {
      elect();
    }
    if (now.isr != isr || now.leaderEpoch != epoch) {
      now.partitionEpoch++;
    }
    model.trace(() -> "fence " + broker);
    commit();
  }

  void unfence(int broker) {
    int isr = now.isr;
    int epoch = now.leaderEpoch;
    now.fenced = Members.without(now.fenced, broker);
    if (now.leader == Metadata.NO_LEADER) {
      elect();
    }
    if (now.isr != isr || now.leaderEpoch != epoch) {
      now.partitionEpoch++;
    }
    model.trace(() -> "unfence " + broker);
    commit();
  }

  /**
   * A process starts.
   *
   * @return its broker epoch
   */
  int register(int broker, boolean clean) {
    if (rules.on(Rule.FENCE_ON_REGISTER)) {
      fence(broker);
    }
    Metadata before = now.copy();
    if (!clean && rules.uncleanLeaves() && Members.has(now.isr | now.elr, broker)) {
      now.isr = Members.without(now.isr, broker);
      now.elr = Members.without(now.elr, broker);
      if (Members.size(now.isr) < Rules.MIN_ISR) {
        now.lastKnownElr |= Members.of(broker);
      }
      if (now.leader == broker) {
        elect();
      }
    }
    now.brokerEpochs[broker] = nextBrokerEpoch++;
    if (now.isr != before.isr
        || now.elr != before.elr
        || now.leaderEpoch != before.leaderEpoch
        || now.lastKnownElr != before.lastKnownElr) {
      now.partitionEpoch++;
    }
    model.trace(() -> "register " + broker + " clean=" + clean);
    commit();
    return now.brokerEpochs[broker];
  }

  void alter(Alter request) {
    Outcome outcome = judge(request);
    if (outcome == Outcome.INELIGIBLE
        && rules.on(Rule.REJECT_BURNS_EPOCH)
        && now.leader == request.from()
        && now.partitionEpoch == request.partitionEpoch()) {
      now.partitionEpoch++;
      commit();
    }
    if (outcome == Outcome.APPLIED) {
      changeIsr(request.isr());
      now.partitionEpoch++;
      if (now.leader == Metadata.NO_LEADER) {
        elect();
      }
      commit();
    }
    model.network().send(new Altered(request.from(), request, outcome, now.copy()));
  }

  private Outcome judge(Alter request) {
    int leader = request.from();
    boolean fenced =
        now.leader != leader
            || rules.on(Rule.LEADER_EPOCH_CHECK) && now.leaderEpoch != request.leaderEpoch()
            || rules.on(Rule.LEADER_BROKER_EPOCH)
                && now.brokerEpochs[leader] != request.brokerEpoch();
    if (fenced
        || rules.on(Rule.PARTITION_EPOCH_CAS) && now.partitionEpoch != request.partitionEpoch()
        || !Members.has(request.isr(), leader)) {
      return Outcome.STALE;
    }
    if (rules.on(Rule.FENCED_NOT_IN_ISR) && (request.isr() & now.fenced) != 0) {
      return Outcome.INELIGIBLE;
    }
    for (int i = 0; i < Rules.BROKERS; i++) {
      if (rules.on(Rule.JOINER_BROKER_EPOCH)
          && Members.has(request.isr(), i)
          && request.memberEpochs()[i] != now.brokerEpochs[i]) {
        return Outcome.INELIGIBLE;
      }
    }
    return Outcome.APPLIED;
  }

  /** R18. */
  private void changeIsr(int isr) {
    int candidates = (now.isr | now.elr) & ~isr;
    now.isr = isr;
    if (Members.size(isr) >= Rules.MIN_ISR && rules.on(Rule.ELR_CLEAR)) {
      now.elr = Members.NONE;
      now.lastKnownElr = Members.NONE;
      return;
    }
    now.elr = candidates;
    now.lastKnownElr &= ~isr;
    if (Members.size(isr) >= Rules.MIN_ISR) {
      now.lastKnownElr = Members.NONE;
    }
  }

  /** R19: the present leader may not lead, or there is none. */
  private void elect() {
    List<Integer> able = unfenced(now.isr);
    if (able.contains(now.leader)) {
      return;
    }
    int chosen = Metadata.NO_LEADER;
    if (!able.isEmpty()) {
      chosen = model.anyOf(able);
    } else if (now.isr == Members.NONE) {
      able = unfenced(now.elr);
      if (!able.isEmpty()) {
        chosen = model.anyOf(able);
        now.elr = Members.without(now.elr, chosen);
        now.isr = Members.of(chosen);
      }
    }
    if (chosen != Metadata.NO_LEADER || now.leader != Metadata.NO_LEADER) {
      now.leader = chosen;
      now.leaderEpoch++;
    }
  }

  private List<Integer> unfenced(int set) {
    List<Integer> found = new ArrayList<>();
    for (int i = 0; i < Rules.BROKERS; i++) {
      if (Members.has(set, i) && !now.isFenced(i)) {
        found.add(i);
      }
    }
    return found;
  }

  /** R19: balanced recovery from lastKnownElr. */
  void recover() {
    if (now.leader != Metadata.NO_LEADER || now.isr != 0 || now.elr != 0) {
      return;
    }
    Broker best = null;
    for (Broker broker : model.brokers()) {
      if (!Members.has(now.lastKnownElr, broker.id())) {
        continue;
      }
      if (!broker.up() || now.isFenced(broker.id())) {
        if (rules.on(Rule.RECOVER_ALL_LASTKNOWN)) {
          return;
        }
      } else if (best == null || broker.isBeyond(best)) {
        best = broker;
      }
    }
    if (best != null) {
      recovered = true;
      now.leader = best.id();
      now.isr = Members.of(best.id());
      now.lastKnownElr = Members.NONE;
      now.leaderEpoch++;
      now.partitionEpoch++;
      model.trace(() -> "balanced recovery");
      commit();
    }
  }
}
