package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.ReaderHistory.End;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Each consumer goes forward, passes over nothing, and hears of no end that is none any more. */
final class ProgressCheck implements Check {
  @Override
  public void check(LogHistory history, Findings found) {
    TreeMap<Long, Claim> seen = new TreeMap<>();
    for (Claim claim : history.claims()) {
      if (claim.isRead()) {
        seen.putIfAbsent(claim.offset(), claim);
      }
    }
    ReaderHistory last = history.finalReader();
    for (ReaderHistory reader : history.readers()) {
      if (reader != last) { // what that one lacks is lost, or was not committed
        new OneReader(history, reader, seen, found).check();
      } else {
        goesForward(reader, found);
      }
      ends(history, reader, reader == last, found);
    }
  }

  private static void goesForward(ReaderHistory reader, Findings found) {
    Claim before = null;
    for (Claim read : reader.reads()) {
      wentBack(before, read, found);
      before = read;
    }
  }

  private static void wentBack(@Nullable Claim before, Claim read, Findings found) {
    if (before != null && read.offset() <= before.offset() && !read.mayBeApartFrom(before)) {
      found.add(
          Kind.WENT_BACK,
          "offset " + read.offset() + " after offset " + before.offset(),
          before,
          read);
    }
  }

  private static void ends(
      LogHistory history, ReaderHistory reader, boolean isLast, Findings found) {
    for (End end : reader.ends()) {
      Claim known = end.known();
      if (known == null
          || known.offset() < end.event().endOffset()
          || history.topic().deleted()
          || history.cuts().anyWithin(known.begin(), end.at())
          || isLast && end == reader.lastEnd()) { // judged by what it lacks
        continue;
      }
      found.add(
          Kind.STALE_END,
          "was told that the log ends at offset "
              + end.event().endOffset()
              + " though offset "
              + known.offset()
              + " was known before it asked",
          known.seen(),
          end.event());
    }
  }

  /** One consumer's way through the log. */
  private record OneReader(
      LogHistory history, ReaderHistory reader, TreeMap<Long, Claim> seen, Findings found) {
    void check() {
      Claim before = null;
      long next = reader.start();
      for (Claim read : reader.reads()) {
        wentBack(before, read, found);
        if (read.offset() > next) {
          passedOver(before, next, read);
        }
        next = read.offset() + 1;
        before = read;
      }
    }

    private void passedOver(@Nullable Claim before, long next, Claim read) {
      long from = Math.max(next, history.startAt(read.end()));
      if (from >= read.offset()) {
        return;
      }
      for (Map.Entry<Long, Claim> entry : seen.subMap(from, read.offset()).entrySet()) {
        Claim between = entry.getValue();
        if (between.mayBeApartFrom(read)
            || before != null && before.mayBeApartFrom(read)
            || history.mayBeRemoved(between.value(), between.offset(), read.end())) {
          continue;
        }
        tell(before, between, read);
        return;
      }
    }

    private void tell(@Nullable Claim before, Claim between, Claim read) {
      String message = "passed over offset " + between.offset();
      if (before == null) {
        found.add(Kind.SKIPPED, message, between, read);
      } else {
        found.add(Kind.SKIPPED, message, before.seen(), read.seen(), between.seen());
      }
    }
  }
}
