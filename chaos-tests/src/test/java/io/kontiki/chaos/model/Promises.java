package io.kontiki.chaos.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What clients were told, and whether it holds. */
final class Promises {
  private final Model model;
  private final List<LogEntry> committed = new ArrayList<>();
  private final Map<Integer, Integer> consumed = new TreeMap<>();
  private @Nullable String broken;

  Promises(Model model) {
    this.model = model;
  }

  /** The first that broke, or null. */
  @Nullable String broken() {
    return broken;
  }

  private void broken(String what) {
    if (broken == null) {
      broken = what;
      model.trace(() -> "BROKEN: " + what);
    }
  }

  /** Everything below a leader's high watermark is committed. */
  void commit(Broker leader, int end) {
    for (int offset = 0; offset < end; offset++) {
      LogEntry entry = leader.log().at(offset);
      if (offset == committed.size()) {
        committed.add(entry);
      } else if (committed.get(offset).value() != entry.value()) {
        broken(
            "two values committed at offset "
                + offset
                + ": "
                + committed.get(offset)
                + " and "
                + entry
                + " by "
                + leader);
      }
    }
  }

  /** Acknowledged before it is committed. */
  void acknowledge(int offset, LogEntry entry) {
    if (offset == committed.size()) {
      committed.add(entry);
    } else if (offset < committed.size() && committed.get(offset).value() != entry.value()) {
      broken("acknowledged at offset " + offset + ", where something else is committed");
    }
  }

  void consume(Broker leader) {
    for (int offset = 0; offset < leader.readableEnd(); offset++) {
      int value = leader.log().at(offset).value();
      Integer before = consumed.put(offset, value);
      if (before != null && before != value) {
        broken("two values read at offset " + offset);
      }
    }
  }

  /** After every step. */
  void check() {
    Metadata metadata = model.controller().now();
    if ((metadata.isr & metadata.fenced) != 0) {
      broken("fenced brokers in the ISR: " + Members.text(metadata.isr & metadata.fenced));
      return;
    }
    for (Broker broker : model.brokers()) {
      boolean candidate = Members.has(metadata.isr | metadata.elr, broker.id());
      if (candidate
          && broker.up()
          && broker.log().end() < committed.size()
          && metadata.brokerEpochs[broker.id()] == broker.brokerEpoch()) {
        broken(
            "candidate "
                + broker
                + " holds "
                + broker.log().end()
                + " of "
                + committed.size()
                + " committed");
        return;
      }
    }
    if (metadata.leader != Metadata.NO_LEADER) {
      Broker leader = model.broker(metadata.leader);
      if (leader.leads() && leader.leaderEpoch() == metadata.leaderEpoch) {
        holdsAll(leader);
      }
    }
  }

  private void holdsAll(Broker leader) {
    BrokerLog log = leader.log();
    for (int offset = 0; offset < committed.size(); offset++) {
      LogEntry promised = committed.get(offset);
      if (offset >= log.end() || log.at(offset).value() != promised.value()) {
        broken("committed offset " + offset + " (" + promised + ") is not on the leader " + leader);
        return;
      }
    }
    consumed.forEach(
        (offset, value) -> {
          if (offset >= log.end() || log.at(offset).value() != value) {
            broken("consumed offset " + offset + " changed or vanished");
          }
        });
  }
}
