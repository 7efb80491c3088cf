package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.Event.Acked;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Records of an idempotent producer are in its order; whatever is sent after something else is
 * known to be stored is stored behind it.
 */
final class OrderCheck implements Check {
  @Override
  public void check(LogHistory history, Findings found) {
    Map<String, List<SentValue>> byProducer = new TreeMap<>();
    for (SentValue sent : history.sends()) {
      if (sent.claims().isEmpty()) {
        continue; // never appended, as far as anyone knows
      }
      afterWhatWasKnown(sent, found);
      if (sent.sending().idempotent()) {
        byProducer.computeIfAbsent(sent.producer(), name -> new ArrayList<>()).add(sent);
      }
    }
    for (List<SentValue> ofOne : byProducer.values()) {
      ofOne.sort(Comparator.comparingLong(SentValue::number));
      List<Claim> standing = new ArrayList<>();
      List<Claim> maybeGone = new ArrayList<>(); // may be apart from each of the others
      for (SentValue sent : ofOne) {
        Claim place = lastClaim(sent);
        (place.standsToTheEnd() ? standing : maybeGone).add(place);
      }
      inOrder(standing, found);
      inOrder(maybeGone, found);
    }
  }

  private static void afterWhatWasKnown(SentValue sent, Findings found) {
    Claim known = sent.knownWhenSent();
    Claim place = lastClaim(sent);
    if (known != null && place.offset() < known.offset() && !place.mayBeApartFrom(known)) {
      found.add(
          Kind.REORDERED,
          "sent when offset "
              + known.offset()
              + " was known, and stored at offset "
              + place.offset(),
          known,
          place);
    }
  }

  /** Where it is as far as is known, shown by its acknowledgement if that says the same. */
  private static Claim lastClaim(SentValue sent) {
    Claim last = sent.claims().get(sent.claims().size() - 1);
    Acked acked = sent.acked();
    return acked != null && acked.offset() == last.offset() ? last.shownBy(acked) : last;
  }

  private static void inOrder(List<Claim> places, Findings found) {
    Claim before = null;
    for (Claim place : places) {
      if (before != null && place.offset() < before.offset() && !place.mayBeApartFrom(before)) {
        found.add(
            Kind.REORDERED,
            "sent later, and stored at offset "
                + place.offset()
                + " before offset "
                + before.offset(),
            before.seen(),
            place.seen());
      } else {
        before = place;
      }
    }
  }
}
