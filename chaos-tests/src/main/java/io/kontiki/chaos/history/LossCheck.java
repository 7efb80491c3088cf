package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.Event.Acked;
import io.kontiki.chaos.history.ReaderHistory.End;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What was acknowledged, or read, stays, as long as its promise holds. */
final class LossCheck implements Check {
  private final boolean complete;

  /**
   * @param complete somebody has read the whole log after the last acknowledgement
   */
  LossCheck(boolean complete) {
    this.complete = complete;
  }

  @Override
  public void check(LogHistory history, Findings found) {
    if (history.topic().deleted()) {
      return;
    }
    FinalReading last = FinalReading.of(history);
    Passages passages = Passages.of(history);
    for (SentValue sent : history.sends()) {
      Acked acked = sent.acked();
      if (acked != null) {
        acked(history, sent, acked, last, passages, found);
      } else if (sent.read() && last != null) {
        seen(history, sent.claims().get(0), last, found);
      }
    }
    if (complete && last == null && history.sends().stream().anyMatch(s -> s.acked() != null)) {
      throw new IllegalArgumentException(
          "nobody has asked for the whole of " + history.log() + " and been told its end");
    }
  }

  private void acked(
      LogHistory history,
      SentValue sent,
      Acked acked,
      @Nullable FinalReading last,
      Passages passages,
      Findings found) {
    if (history.cutsOf(sent.sending()).anySince(sent.began())
        || history.mayBeRemoved(acked.value(), acked.offset(), Integer.MAX_VALUE)) {
      return;
    }
    if (last != null && last.shouldHave(sent.ackedAt(), acked.offset())) {
      if (last.has(acked.value())) {
        return;
      }
      Event witness = last.passedOver(acked.offset());
      if (witness != null) {
        lost(acked, witness, found);
      } else {
        unseen(acked, last.end().event(), found);
      }
    } else if (!sent.read()) {
      Claim claim = sent.claims().get(0);
      Claim witness = passages.over(acked.offset());
      if (witness != null && !witness.mayBeApartFrom(claim)) {
        lost(acked, witness.seen(), found);
      } else if (complete) {
        throw new IllegalArgumentException(
            acked + " was acknowledged after anyone asked for the whole of " + history.log());
      }
    }
  }

  private static void lost(Acked acked, Event witness, Findings found) {
    found.add(
        Kind.LOST,
        "acknowledged at offset " + acked.offset() + ", and not there in what reached beyond it",
        acked,
        witness);
  }

  private static void unseen(Acked acked, Event end, Findings found) {
    found.add(
        Kind.UNSEEN, "acknowledged at offset " + acked.offset() + ", and never read", acked, end);
  }

  /** A record that was read though nobody was told that it is stored. */
  private static void seen(LogHistory history, Claim read, FinalReading last, Findings found) {
    if (!last.shouldHave(read.end(), read.offset())
        || last.has(read.value())
        || history.cuts().anySince(read.begin())
        || history.mayBeRemoved(read.value(), read.offset(), Integer.MAX_VALUE)) {
      return;
    }
    Event witness = last.passedOver(read.offset());
    found.add(
        Kind.SEEN_UNCOMMITTED,
        "read at offset " + read.offset() + ", and not there any more",
        read.seen(),
        witness == null ? last.end().event() : witness);
  }

  /** What is in the log in the end. */
  private record FinalReading(ReaderHistory reader, End end, Set<String> values) {
    static @Nullable FinalReading of(LogHistory history) {
      ReaderHistory reader = history.finalReader();
      End end = reader == null ? null : reader.lastEnd();
      if (reader == null || end == null) {
        return null;
      }
      Set<String> values = new HashSet<>();
      for (Claim read : reader.reads()) {
        values.add(read.value());
      }
      return new FinalReading(reader, end, values);
    }

    /** What was known before it asked, and is not before its start. */
    boolean shouldHave(int knownAt, long offset) {
      return knownAt < end.asked() && offset >= reader.start();
    }

    boolean has(String value) {
      return values.contains(value);
    }

    /** What it read beyond an offset, or null. */
    @Nullable Event passedOver(long offset) {
      Claim farthest = reader.farthest();
      return farthest != null && farthest.offset() > offset ? farthest.seen() : null;
    }
  }

  /** Who has read beyond an offset, having started at or before it. */
  private record Passages(List<Long> starts, List<Claim> farthest) {
    static Passages of(LogHistory history) {
      List<ReaderHistory> readers = new ArrayList<>(history.readers());
      readers.sort(Comparator.comparingLong(ReaderHistory::start));
      List<Long> starts = new ArrayList<>();
      List<Claim> farthest = new ArrayList<>();
      for (ReaderHistory reader : readers) {
        Claim end = reader.farthest();
        Claim before = farthest.isEmpty() ? null : farthest.get(farthest.size() - 1);
        if (end != null && (before == null || end.offset() > before.offset())) {
          starts.add(reader.start());
          farthest.add(end);
        }
      }
      return new Passages(starts, farthest);
    }

    @Nullable Claim over(long offset) {
      int low = 0;
      int high = starts.size();
      while (low < high) {
        int middle = (low + high) >>> 1;
        if (starts.get(middle) <= offset) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      Claim claim = low == 0 ? null : farthest.get(low - 1);
      return claim != null && claim.offset() > offset ? claim : null;
    }
  }
}
