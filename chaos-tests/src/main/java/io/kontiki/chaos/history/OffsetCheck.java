package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Anomaly.Kind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** An offset has one value for ever, and a value as many offsets as it was sent. */
final class OffsetCheck implements Check {
  private static final Comparator<Claim> BY_OFFSET =
      Comparator.comparingLong(Claim::offset).thenComparingInt(Claim::end);

  @Override
  public void check(LogHistory history, Findings found) {
    List<Claim> byOffset = new ArrayList<>(history.claims());
    byOffset.sort(BY_OFFSET);
    for (int i = 1; i < byOffset.size(); i++) {
      Claim before = byOffset.get(i - 1);
      Claim claim = byOffset.get(i);
      if (before.offset() == claim.offset()
          && !before.value().equals(claim.value())
          && !before.mayBeApartFrom(claim)) {
        found.add(
            Kind.INCONSISTENT_OFFSET, "two values at offset " + claim.offset(), before, claim);
      }
    }
    for (SentValue sent : history.sends()) {
      duplicates(sent, found);
    }
  }

  private static void duplicates(SentValue sent, Findings found) {
    if (sent.claims().size() <= sent.mayBeStored()) {
      return;
    }
    Map<Long, Claim> lastAt = new TreeMap<>();
    for (Claim claim : sent.claims()) {
      lastAt.put(claim.offset(), claim);
      if (lastAt.size() <= sent.mayBeStored()) {
        continue;
      }
      List<Claim> places = new ArrayList<>(lastAt.values());
      places.removeIf(other -> other != claim && other.mayBeApartFrom(claim));
      if (places.size() > sent.mayBeStored()) {
        tell(sent, places, found);
        return;
      }
    }
  }

  private static void tell(SentValue sent, List<Claim> places, Findings found) {
    String offsets = places.stream().map(Claim::offset).toList().toString();
    places.sort(Comparator.comparingInt(Claim::end));
    found.add(
        Kind.DUPLICATE,
        "one value at offsets "
            + offsets
            + ", sent "
            + (sent.mayBeStored() == 1 ? "once" : sent.mayBeStored() + " times"),
        places.stream().map(Claim::seen).toArray(Event[]::new));
  }
}
