package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Event.Acked;
import io.kontiki.chaos.history.Event.Asked;
import io.kontiki.chaos.history.Event.EndReached;
import io.kontiki.chaos.history.Event.Read;
import io.kontiki.chaos.history.Event.Reading;
import io.kontiki.chaos.history.Event.Send;
import io.kontiki.chaos.history.Event.Sending;
import io.kontiki.chaos.history.Event.Sent;
import io.kontiki.model.Acks;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** All events of one log, put in order for the checks. Filled in one pass over the history. */
final class LogHistory {
  private final Log log;
  private final TopicFacts topic;
  private final Map<String, SentValue> sends = new LinkedHashMap<>();
  private final Map<String, ReaderHistory> readers = new LinkedHashMap<>();
  private final List<Claim> claims = new ArrayList<>();

  /** When committed records may be gone, and when those that only the leader held. */
  private final Cuts cuts = new Cuts();

  private final Cuts leaderCuts = new Cuts();
  private int lastCut = -1;

  /** The farthest record that is certain at this point of the pass. */
  private @Nullable Claim known;

  private final Map<String, GroupHistory> groups = new TreeMap<>();
  private final List<Long> raisedStarts = new ArrayList<>();
  private final List<Integer> raisedAt = new ArrayList<>();
  private final Map<String, Long> lastOfKey = new HashMap<>();

  LogHistory(Log log, TopicFacts topic) {
    this.log = log;
    this.topic = topic;
  }

  void onSend(Send event, int index) {
    SentValue sent = sends.computeIfAbsent(event.value(), value -> new SentValue(event));
    if (event instanceof Sent begun) {
      sent.onSent(begun, index, known);
      return;
    }
    sent.onOutcome(event, index);
    if (event instanceof Acked acked) {
      boolean byAll = sent.sending().acks() == Acks.ALL;
      Claim claim =
          new Claim(
              acked.offset(), acked.value(), sent.began(), index, byAll ? cuts : leaderCuts, acked);
      sent.onClaim(claim);
      claim(claim, byAll);
    }
  }

  void onReading(Reading event, int index) {
    ReaderHistory reader = readers.computeIfAbsent(event.consumer(), name -> new ReaderHistory());
    if (event instanceof Asked asked) {
      reader.onAsked(asked, index, known);
    } else if (event instanceof EndReached end) {
      reader.onEnd(end, index);
    } else if (event instanceof Read read) {
      Claim claim = new Claim(read.offset(), read.value(), reader.askedAt(), index, cuts, read);
      reader.onRead(claim);
      SentValue sent = sends.get(read.value());
      if (sent != null) {
        sent.onClaim(claim);
      }
      claim(claim, true);
    }
  }

  void onGroup(Event.InGroup event) {
    groups.computeIfAbsent(event.group(), name -> new GroupHistory()).add(event);
  }

  private void claim(Claim claim, boolean committed) {
    claims.add(claim);
    SentValue sent = sends.get(claim.value());
    String key = sent == null ? null : sent.sending().key();
    if (key != null) {
      lastOfKey.merge(key, claim.offset(), Math::max);
    }
    if (committed
        && claim.begin() > lastCut
        && (known == null || claim.offset() > known.offset())) {
      known = claim;
    }
  }

  void onStartRaised(long offset, int index) {
    long before = raisedStarts.isEmpty() ? 0 : raisedStarts.get(raisedStarts.size() - 1);
    raisedStarts.add(Math.max(before, offset));
    raisedAt.add(index);
  }

  void onLeaderChanged(int index) {
    leaderCuts.add(index);
  }

  /** From here on anything that was committed before may be gone. */
  void onMayLose(int index) {
    cuts.add(index);
    leaderCuts.add(index);
    lastCut = index;
    known = null;
  }

  Log log() {
    return log;
  }

  TopicFacts topic() {
    return topic;
  }

  Collection<SentValue> sends() {
    return sends.values();
  }

  @Nullable SentValue sent(String value) {
    return sends.get(value);
  }

  /** What was learnt of offsets, in the order in which it was. */
  List<Claim> claims() {
    return claims;
  }

  Collection<GroupHistory> groups() {
    return groups.values();
  }

  Collection<ReaderHistory> readers() {
    return readers.values();
  }

  /** When what was acknowledged to this send may be gone. */
  Cuts cutsOf(Sending sending) {
    return sending.acks() == Acks.ALL ? cuts : leaderCuts;
  }

  Cuts cuts() {
    return cuts;
  }

  /** The reading to the end that asked last, by which the final state of the log is judged. */
  @Nullable ReaderHistory finalReader() {
    ReaderHistory last = null;
    for (ReaderHistory reader : readers.values()) {
      ReaderHistory.End end = reader.lastEnd();
      ReaderHistory.End before = last == null ? null : last.lastEnd();
      if (end != null && (before == null || end.asked() > before.asked())) {
        last = reader;
      }
    }
    return last;
  }

  /** Below this offset everything may have been removed when the event with the index happened. */
  long startAt(int index) {
    int low = 0;
    int high = raisedAt.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (raisedAt.get(middle) <= index) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == 0 ? 0 : raisedStarts.get(low - 1);
  }

  /** Whether a record may be gone because it was to be: deleted, out of retention, compacted. */
  boolean mayBeRemoved(String value, long offset, int index) {
    if (topic.deleted() || offset < startAt(index)) {
      return true;
    }
    SentValue sent = sends.get(value);
    String key = sent == null ? null : sent.sending().key();
    return topic.compacted() && key != null && lastOfKey.getOrDefault(key, -1L) > offset;
  }
}
