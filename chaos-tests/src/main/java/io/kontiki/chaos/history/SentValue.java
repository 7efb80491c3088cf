package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Event.Acked;
import io.kontiki.chaos.history.Event.Refused;
import io.kontiki.chaos.history.Event.Send;
import io.kontiki.chaos.history.Event.Sending;
import io.kontiki.chaos.history.Event.Sent;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One record that somebody sent, with all that is known of it. */
final class SentValue {
  private final String producer;
  private final long number;

  private Sending sending = Sending.DEFAULT;
  private int tries;
  private int began;
  private @Nullable Claim knownWhenSent;
  private @Nullable Acked acked;
  private int ackedAt;
  private @Nullable Refused refused;
  private int refusals;
  private boolean unknown;

  private final List<Claim> claims = new ArrayList<>(1);
  private boolean read;

  SentValue(Send first) {
    this.producer = first.producer();
    this.number = first.number();
  }

  /**
   * @param known the farthest that was known of the log when this began
   */
  void onSent(Sent sent, int index, @Nullable Claim known) {
    if (tries++ == 0) {
      sending = sent.sending();
      began = index;
      knownWhenSent = known;
    }
  }

  void onOutcome(Send outcome, int index) {
    if (outcome instanceof Acked ack) {
      acked = ack;
      ackedAt = index;
    } else if (outcome instanceof Refused refusal) {
      refused = refusal;
      refusals++;
    } else {
      unknown = true;
    }
  }

  void onClaim(Claim claim) {
    claims.add(claim);
    read |= claim.isRead();
  }

  String producer() {
    return producer;
  }

  long number() {
    return number;
  }

  Sending sending() {
    return sending;
  }

  /** Index of the event with which it began; 0 if that is not known. */
  int began() {
    return began;
  }

  boolean beginIsKnown() {
    return tries > 0;
  }

  @Nullable Claim knownWhenSent() {
    return knownWhenSent;
  }

  /** At how many offsets it may be. */
  int mayBeStored() {
    return sending.idempotent() ? 1 : Math.max(1, tries);
  }

  @Nullable Acked acked() {
    return acked;
  }

  int ackedAt() {
    return ackedAt;
  }

  /** Its refusal, if no try of it may have been appended. */
  @Nullable Refused definitelyRefused() {
    return acked == null && !unknown && refusals >= tries ? refused : null;
  }

  /** Where it was seen, in the order in which that was learnt. */
  List<Claim> claims() {
    return claims;
  }

  boolean read() {
    return read;
  }
}
