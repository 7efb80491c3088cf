package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.Event.Refused;
import java.util.HashSet;
import java.util.Set;

/** What is read was sent before, to this log, and not refused. */
final class OriginCheck implements Check {
  @Override
  public void check(LogHistory history, Findings found) {
    Set<String> told = new HashSet<>();
    for (Claim claim : history.claims()) {
      if (!claim.isRead() || !told.add(claim.value())) {
        continue;
      }
      SentValue sent = history.sent(claim.value());
      if (sent == null) {
        found.add(Kind.PHANTOM, "nobody sent this", claim.seen());
        continue;
      }
      if (sent.beginIsKnown() && sent.began() > claim.end()) {
        found.add(Kind.PHANTOM, "read before anybody sent it", claim.seen());
      }
      Refused refused = sent.definitelyRefused();
      if (refused != null) {
        found.add(
            Kind.ABORTED_READ, "refused with a definite error, and read", refused, claim.seen());
      }
    }
  }
}
