package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Event.Circumstance;
import io.kontiki.chaos.history.Event.DisksLost;
import io.kontiki.chaos.history.Event.InGroup;
import io.kontiki.chaos.history.Event.LeaderChanged;
import io.kontiki.chaos.history.Event.LogStartRaised;
import io.kontiki.chaos.history.Event.LossyStop;
import io.kontiki.chaos.history.Event.Reading;
import io.kontiki.chaos.history.Event.Send;
import io.kontiki.chaos.history.Event.TopicDeleted;
import io.kontiki.chaos.history.Event.TopicSet;
import io.kontiki.chaos.history.Event.UncleanElection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * Looks for what an ordered log that keeps its promises may not show (docs/correctness.md 2 and
 * 4.5). What is not promised is no anomaly: records with acks=leader after a change of the leader,
 * copies of what a producer that is not idempotent sent again, what was deleted, what was lost with
 * more nodes than the durability of its topic covers, what an unclean election left behind.
 *
 * <p>What a history does not say is judged in favour of the log: a read without {@link Event.Asked}
 * may have been asked for before an unclean election that lies before it.
 *
 * <p>Consumers read from an offset onwards on their own, so that going back and skipping are
 * faults. One pass, then sorting; everything fits in memory. Pure.
 */
public final class HistoryChecker {
  /** So many anomalies of a kind and log are told; more would tell nothing. */
  public static final int MAX_OF_A_KIND = 1_000;

  private final Map<Log, LogHistory> logs = new TreeMap<>();
  private final Map<String, TopicFacts> topics = new HashMap<>();

  private HistoryChecker() {}

  /**
   * All anomalies, log by log; empty if the history is one of a correct log.
   *
   * @param events as {@link History} has them
   * @param complete after the last acknowledgement somebody has asked for the whole of every log
   *     that was not deleted, and has been told its end: what was acknowledged and is not among
   *     that is then an anomaly, wherever it lies
   * @throws IllegalArgumentException if {@code complete} is not true, or somebody was told an end
   *     without having asked
   */
  public static List<Anomaly> check(List<? extends Event> events, boolean complete) {
    HistoryChecker checker = new HistoryChecker();
    for (int index = 0; index < events.size(); index++) {
      checker.add(events.get(index), index);
    }
    List<Check> checks =
        List.of(
            new OriginCheck(),
            new OffsetCheck(),
            new LossCheck(complete),
            new OrderCheck(),
            new ProgressCheck(),
            new GroupCheck());
    List<Anomaly> anomalies = new ArrayList<>();
    for (LogHistory log : checker.logs.values()) {
      Findings found = new Findings(log.log());
      checks.forEach(check -> check.check(log, found));
      anomalies.addAll(found.found());
    }
    return List.copyOf(anomalies);
  }

  private void add(Event event, int index) {
    if (event instanceof Send send) {
      log(send.log()).onSend(send, index);
    } else if (event instanceof Reading reading) {
      log(reading.log()).onReading(reading, index);
    } else if (event instanceof InGroup inGroup) {
      log(inGroup.log()).onGroup(inGroup);
    } else if (event instanceof Circumstance circumstance) {
      add(circumstance, index);
    }
  }

  private void add(Circumstance event, int index) {
    if (event instanceof TopicSet set) {
      topic(set.topic()).onSet(set);
    } else if (event instanceof TopicDeleted deleted) {
      topic(deleted.topic()).onDeleted();
    } else if (event instanceof LogStartRaised raised) {
      log(raised.log()).onStartRaised(raised.offset(), index);
    } else if (event instanceof LeaderChanged changed) {
      log(changed.log()).onLeaderChanged(index);
    } else if (event instanceof UncleanElection unclean) {
      log(unclean.log()).onMayLose(index);
    } else if (event instanceof LossyStop stop) {
      mayLose(topic -> topic.mayLoseBy(stop.nodes()), index);
    } else if (event instanceof DisksLost lost) {
      mayLose(topic -> topic.mayLoseDisks(lost.nodes()), index);
    }
  }

  private void mayLose(Predicate<TopicFacts> which, int index) {
    for (LogHistory log : logs.values()) {
      if (which.test(log.topic())) {
        log.onMayLose(index);
      }
    }
  }

  private LogHistory log(Log log) {
    return logs.computeIfAbsent(log, name -> new LogHistory(name, topic(name.topic())));
  }

  private TopicFacts topic(String name) {
    return topics.computeIfAbsent(name, n -> new TopicFacts());
  }
}
