package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Anomaly.Kind;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Collects the anomalies of one log. */
final class Findings {
  private final Log log;
  private final Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
  private final List<Anomaly> found = new ArrayList<>();

  Findings(Log log) {
    this.log = log;
  }

  /** Adds one, unless there are so many of the kind that one more tells nothing. */
  void add(Kind kind, String message, Event... excerpt) {
    if (counts.merge(kind, 1, Integer::sum) <= HistoryChecker.MAX_OF_A_KIND) {
      found.add(new Anomaly(kind, log, message, List.of(excerpt)));
    }
  }

  /** The two claims in the order in which they were learnt. */
  void add(Kind kind, String message, Claim one, Claim other) {
    boolean inOrder = one.end() <= other.end();
    add(kind, message, inOrder ? one.seen() : other.seen(), inOrder ? other.seen() : one.seen());
  }

  List<Anomaly> found() {
    return found;
  }
}
