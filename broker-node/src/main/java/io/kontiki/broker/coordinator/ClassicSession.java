package io.kontiki.broker.coordinator;

import io.kontiki.broker.group.ClassicGroups.Join;
import io.kontiki.broker.group.ClassicGroups.Joined;
import io.kontiki.broker.group.ClassicGroups.Offer;
import io.kontiki.broker.group.ClassicGroups.Synced;
import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.ClassicMember;
import io.kontiki.group.GroupLimits;
import io.kontiki.group.Opaque;
import io.kontiki.runtime.Completion;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a coordinator believes of a member of a classic group: soft, as all sessions (rule G3). */
final class ClassicSession {
  private static final long NANOS_PER_MS = 1_000_000;

  final String id;
  final String name;

  /** Who came first; the first to join leads. */
  final long order;

  String clientId;
  String host;
  long sessionMs;
  long rebalanceMs;
  List<Offer> offers;

  /** Taken from the state as applied, which keeps the chosen protocol alone. */
  boolean partial;

  ClassicMember.Assigned assigned = ClassicMember.Assigned.NOTHING;
  boolean skips;

  /** That it may add to an entry. */
  private int bytes;

  /** It has not had the answer to its first join yet. */
  boolean fresh;

  long expiresAt;
  long lastSeenMs;
  private @Nullable Completion<ClassicReply<Joined>> joining;
  private @Nullable Completion<ClassicReply<Synced>> syncing;

  ClassicSession(String id, long order, Join join) {
    this.id = id;
    this.name = join.name();
    this.order = order;
    this.fresh = true;
    this.clientId = shortened(join.clientId());
    this.host = shortened(join.host());
    this.sessionMs = join.sessionTimeoutMs();
    this.rebalanceMs = join.rebalanceTimeoutMs();
    this.offers = join.offers();
    this.skips = join.skips();
    this.bytes = measured();
  }

  ClassicSession(ClassicMember member, long order, String protocol) {
    this.id = member.id();
    this.name = member.name();
    this.order = order;
    this.partial = true;
    this.clientId = member.clientId();
    this.host = member.host();
    this.sessionMs = member.sessionTimeoutMs();
    this.rebalanceMs = member.rebalanceTimeoutMs();
    this.offers = List.of(new Offer(protocol, member.metadata(), member.topics()));
    this.assigned = new ClassicMember.Assigned(member.assignment(), member.owned());
    this.bytes = measured();
  }

  /** What is for people alone. */
  private static String shortened(String text) {
    return text.length() <= GroupLimits.NAME_CHARS
        ? text
        : text.substring(0, GroupLimits.NAME_CHARS);
  }

  /** It joins again. */
  void update(Join join) {
    clientId = shortened(join.clientId());
    host = shortened(join.host());
    sessionMs = join.sessionTimeoutMs();
    rebalanceMs = join.rebalanceTimeoutMs();
    offers = join.offers();
    skips = join.skips();
    bytes = measured();
    partial = false;
  }

  void touch(long now, long wallMs) {
    expiresAt = now + sessionMs * NANOS_PER_MS;
    lastSeenMs = wallMs;
  }

  /** Whoever waits for an answer needs no heartbeat, once it is known. */
  boolean expired(long now) {
    return expiresAt <= now && (fresh || (joining == null && syncing == null));
  }

  boolean joining() {
    return joining != null;
  }

  boolean syncing() {
    return syncing != null;
  }

  /** Another request of the same member takes the place of one that waits. */
  void joining(Completion<ClassicReply<Joined>> completion) {
    refuseJoin(Refusal.REBALANCING);
    joining = completion;
  }

  void syncing(Completion<ClassicReply<Synced>> completion) {
    refuseSync(Refusal.REBALANCING);
    syncing = completion;
  }

  void joined(Joined answer) {
    fresh = false;
    endJoin(ClassicReply.ok(answer));
  }

  void refuseJoin(Refusal why) {
    endJoin(ClassicReply.no(why));
  }

  private void endJoin(ClassicReply<Joined> reply) {
    Completion<ClassicReply<Joined>> waiting = joining;
    joining = null;
    if (waiting != null) {
      waiting.complete(reply);
    }
  }

  void synced(Synced answer) {
    endSync(ClassicReply.ok(answer));
  }

  void refuseSync(Refusal why) {
    endSync(ClassicReply.no(why));
  }

  private void endSync(ClassicReply<Synced> reply) {
    Completion<ClassicReply<Synced>> waiting = syncing;
    syncing = null;
    if (waiting != null) {
      waiting.complete(reply);
    }
  }

  boolean supports(String protocol) {
    return offers.stream().anyMatch(offer -> offer.name().equals(protocol));
  }

  /** What it says in a protocol; of one that it does not know nothing. */
  Offer offer(String protocol) {
    for (Offer offer : offers) {
      if (offer.name().equals(protocol)) {
        return offer;
      }
    }
    return new Offer(protocol, Opaque.EMPTY, List.of());
  }

  /** Whether it would join as it did before. */
  boolean same(List<Offer> now, String protocol) {
    if (!partial) {
      return now.equals(offers);
    }
    Offer before = offer(protocol);
    return now.stream()
        .anyMatch(
            offer -> offer.name().equals(protocol) && offer.metadata().equals(before.metadata()));
  }

  /** Bytes of all that it has told. */
  int held() {
    return offers.stream().mapToInt(offer -> offer.metadata().size()).sum();
  }

  /** Bytes that it may add to an entry. */
  int bytes() {
    return bytes;
  }

  private int measured() {
    return offers.stream()
        .mapToInt(offer -> member(offer.name(), ClassicMember.Assigned.NOTHING).bytes())
        .max()
        .orElse(0);
  }

  /** As it goes into the state. */
  ClassicMember member(String protocol, ClassicMember.Assigned with) {
    Offer offer = offer(protocol);
    return new ClassicMember(
        id,
        name,
        clientId,
        host,
        sessionMs,
        rebalanceMs,
        offer.topics(),
        offer.metadata(),
        with.assignment(),
        with.owned());
  }
}
