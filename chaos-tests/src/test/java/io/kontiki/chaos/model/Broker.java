package io.kontiki.chaos.model;

import io.kontiki.chaos.model.EpochCache.EpochEnd;
import io.kontiki.chaos.model.Message.Altered;
import io.kontiki.chaos.model.Message.Fetch;
import io.kontiki.chaos.model.Message.Fetched;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One broker: its process, its metadata, its log, and its role. */
final class Broker {
  private static final int NONE = -1;

  private enum Role {
    NONE,
    LEADER,
    FOLLOWER
  }

  private final Model model;
  private final Rules rules;
  private final int id;
  private final BrokerLog log;
  private final LeaderState led;
  private boolean up = true;
  private int brokerEpoch;
  private int cleanMarker = NONE;

  /** Newest metadata record applied; of its own registration; whether it has applied that (R1). */
  private int applied;

  private int registeredAt;
  private boolean ready = true;

  private Role role = Role.NONE;
  private int leader = Metadata.NO_LEADER;
  private int leaderEpoch = NONE;
  private int partitionEpoch = NONE;
  private int request = NONE;
  private int requests;

  Broker(Model model, int id, int brokerEpoch) {
    this.model = model;
    this.rules = model.rules();
    this.id = id;
    this.brokerEpoch = brokerEpoch;
    this.log = new BrokerLog(rules);
    this.led = new LeaderState(model, this);
  }

  int id() {
    return id;
  }

  boolean up() {
    return up;
  }

  boolean leads() {
    return up && role == Role.LEADER;
  }

  int brokerEpoch() {
    return brokerEpoch;
  }

  int leaderEpoch() {
    return leaderEpoch;
  }

  int partitionEpoch() {
    return partitionEpoch;
  }

  BrokerLog log() {
    return log;
  }

  boolean isBeyond(Broker other) {
    return log.lastEpoch() > other.log.lastEpoch()
        || log.lastEpoch() == other.log.lastEpoch() && log.end() > other.log.end();
  }

  // ---- life ----

  void kill() {
    if (stop()) {
      log.onKill();
      model.trace(() -> this + " killed");
    }
  }

  void powerCut() {
    if (stop()) {
      model.onLossyStop();
      log.onPowerCut(model.random());
      model.trace(() -> this + " lost power");
    }
  }

  void stopCleanly() {
    if (stop()) {
      sync();
      cleanMarker = brokerEpoch;
      model.controller().fence(id);
      model.trace(() -> this + " stopped");
    }
  }

  private boolean stop() {
    boolean was = up;
    up = false;
    if (was) {
      role = Role.NONE;
    }
    return was;
  }

  void start() {
    if (up) {
      return;
    }
    boolean clean = cleanMarker != NONE;
    if (rules.on(Rule.CLEAN_MARKER_EPOCH)) {
      clean &= cleanMarker == model.controller().now().brokerEpochs[id];
      cleanMarker = NONE;
    }
    up = true;
    brokerEpoch = model.controller().register(id, clean);
    registeredAt = model.controller().lastIndex();
    leaderEpoch = NONE;
    partitionEpoch = NONE;
    role = Role.NONE;
    leader = Metadata.NO_LEADER;
    led.onStart();
    ready = !rules.on(Rule.CATCHUP_OWN_REG);
    applied = Math.min(applied, model.controller().lastIndex());
    if (ready) {
      applied = Math.max(0, applied - 1);
      apply(model.controller().entry(applied));
    }
  }

  void sync() {
    log.sync();
    log.checkpoint();
    if (role == Role.LEADER) {
      led.advance();
    }
  }

  /** Whether it may be unfenced (R1, R4). */
  boolean mayServe() {
    return up && ready && applied >= registeredAt;
  }

  // ---- metadata ----

  /** Applies the next record, if there is one or it has no role yet. */
  void learn() {
    int newest = model.controller().lastIndex();
    if (!up || applied >= newest && leaderEpoch != NONE) {
      return;
    }
    applied = Math.min(applied + 1, newest);
    ready |= applied >= registeredAt;
    apply(model.controller().entry(applied));
  }

  private void apply(Metadata state) {
    led.onBrokers(state);
    boolean older = state.partitionEpoch < partitionEpoch;
    boolean known = state.partitionEpoch == partitionEpoch && role != Role.NONE;
    if (older && rules.on(Rule.META_EPOCH_MONOTONE)
        || known && rules.on(Rule.META_STRICTLY_NEWER)) {
      return;
    }
    boolean newEpoch =
        state.leaderEpoch > leaderEpoch
            || !rules.on(Rule.META_EPOCH_MONOTONE) && state.leaderEpoch != leaderEpoch;
    partitionEpoch = state.partitionEpoch;
    if (!ready) {
      leaderEpoch = NONE;
    } else if (state.leader == id) {
      lead(state, newEpoch);
    } else {
      follow(state, newEpoch);
    }
  }

  private void lead(Metadata state, boolean newEpoch) {
    if (newEpoch || role != Role.LEADER) {
      role = Role.LEADER;
      EpochCache epochs = log.epochs();
      if (rules.on(Rule.ASSIGN_EPOCH_START)
          && (epochs.isEmpty() || epochs.newest() < state.leaderEpoch)) {
        epochs.put(state.leaderEpoch, log.end());
      }
      leaderEpoch = state.leaderEpoch;
      led.begin();
      model.trace(() -> this + " leads epoch " + leaderEpoch + ": " + log);
    }
    leader = id;
    led.adopt(state);
  }

  private void follow(Metadata state, boolean newEpoch) {
    if (!newEpoch && role != Role.LEADER && leader == state.leader) {
      return;
    }
    role = state.leader == Metadata.NO_LEADER ? Role.NONE : Role.FOLLOWER;
    leader = state.leader;
    leaderEpoch = state.leaderEpoch;
    request = NONE;
    led.end();
    if (!rules.on(Rule.TRUNCATE_BY_EPOCH) && newEpoch && leader != Metadata.NO_LEADER) {
      log.truncate(log.highWatermark());
    }
  }

  /** The partition epoch of an answer. */
  void partitionEpoch(int newer) {
    partitionEpoch = newer;
  }

  // ---- leading ----

  void produce() {
    led.produce();
  }

  void shrink() {
    if (leads()) {
      led.shrink();
    }
  }

  void onProposalTimeout() {
    if (leads()) {
      led.onTimeout();
    }
  }

  void onAltered(Altered answer) {
    if (leads()) {
      led.onAltered(answer);
    }
  }

  void onFetch(Fetch fetch) {
    if (!leads() || rules.on(Rule.EPOCH_IN_FETCH) && fetch.leaderEpoch() != leaderEpoch) {
      return;
    }
    if (rules.on(Rule.TRUNCATE_BY_EPOCH) && (fetch.offset() > 0 || fetch.lastEpoch() >= 0)) {
      EpochEnd end = log.epochs().endOf(fetch.lastEpoch(), log.end());
      if (end.epoch() < fetch.lastEpoch() || end.endOffset() < fetch.offset()) {
        answer(fetch, end, List.of());
        return;
      }
    }
    if (fetch.offset() > log.end() || !led.onPosition(fetch)) {
      return;
    }
    List<LogEntry> entries = new ArrayList<>();
    for (int offset = fetch.offset();
        offset < log.end() && entries.size() < 1 + model.random().nextInt(3);
        offset++) {
      entries.add(log.at(offset));
    }
    answer(fetch, null, entries);
  }

  private void answer(Fetch fetch, @Nullable EpochEnd diverging, List<LogEntry> entries) {
    model
        .network()
        .send(
            new Fetched(
                id,
                fetch.from(),
                rules.on(Rule.EPOCH_IN_FETCH) ? fetch.leaderEpoch() : leaderEpoch,
                fetch.brokerEpoch(),
                fetch.offset(),
                fetch.request(),
                log.highWatermark(),
                diverging,
                entries));
  }

  // ---- following ----

  void fetch() {
    if (!up || role != Role.FOLLOWER) {
      return;
    }
    if (request != NONE && rules.on(Rule.RESP_CORRELATION) && model.random().nextInt(4) != 0) {
      return; // one at a time, given up now and then
    }
    log.prepareFetch();
    int lastEpoch = log.lastEpoch();
    if (rules.on(Rule.EMPTY_EPOCH_IN_FETCH) && !log.epochs().isEmpty()) {
      lastEpoch = Math.max(lastEpoch, log.epochs().newest());
    }
    request = ++requests;
    model
        .network()
        .send(new Fetch(id, leader, leaderEpoch, brokerEpoch, log.held(), lastEpoch, request));
  }

  void onFetched(Fetched answer) {
    if (!up || role != Role.FOLLOWER) {
      return;
    }
    if (rules.on(Rule.RESP_CORRELATION)) {
      if (answer.request() != request || answer.brokerEpoch() != brokerEpoch) {
        return;
      }
      request = NONE;
    }
    if (rules.on(Rule.RESP_FENCE)) {
      if (answer.leaderEpoch() != leaderEpoch
          || answer.from() != leader
          || answer.brokerEpoch() != brokerEpoch
          || answer.offset() != log.end()) {
        return;
      }
    } else if (answer.offset() > log.end()) {
      return;
    }
    EpochEnd diverging = answer.diverging();
    if (diverging != null) {
      cut(diverging);
      return;
    }
    if (answer.offset() < log.end()) {
      log.truncate(answer.offset());
    }
    answer.entries().forEach(log::append);
    log.highWatermark(Math.min(answer.highWatermark(), log.end()));
  }

  /** R28. */
  private void cut(EpochEnd diverging) {
    int own =
        log.epochs().knowsUpTo(diverging.epoch())
            ? log.epochs().endOf(diverging.epoch(), log.end()).endOffset()
            : 0;
    log.truncate(Math.min(own, diverging.endOffset()));
    model.trace(() -> this + " cuts at " + log.end());
  }

  /** R22: what a reader gets now. */
  int readableEnd() {
    return rules.on(Rule.READ_AT_HW) ? log.highWatermark() : log.end();
  }

  @Override
  public String toString() {
    return "b" + id;
  }
}
