package io.kontiki.broker.coordinator;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.coordinator.LinkEvent.Reply;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A broker's link to whoever coordinates a shard: finds the leader, keeps the link, repeats what
 * was not answered. On the control loop.
 */
final class ShardClient {
  private static final Logger LOG = LoggerFactory.getLogger(ShardClient.class);

  /** Requests of one link that are under way. */
  static final int UNDER_WAY = 1_000;

  /** Requests that wait; then more are refused. */
  static final int WAITING = 20_000;

  private static final int CLAIMS = 1_000;
  private static final long FIRST_PAUSE_NANOS = 20_000_000;
  private static final long LAST_PAUSE_NANOS = 200_000_000;
  private static final long OPEN_NANOS = 1_000_000_000;

  /** A link that nobody has needed for so long is closed. */
  private static final long UNUSED_NANOS = 5_000_000_000L;

  private final int shard;
  private final Broker broker;
  private final EventLoop loop;
  private final CoordinatorTiming timing;
  private final Metadata metadata;
  private final LinkDialler dialler;
  private final TreeMap<LinkRequest.Claim, LinkedMember> members =
      new TreeMap<>(
          Comparator.comparing(LinkRequest.Claim::group)
              .thenComparing(LinkRequest.Claim::memberId));
  private final ArrayDeque<LinkCall> waiting = new ArrayDeque<>();
  private final TreeMap<Long, LinkCall> underWay = new TreeMap<>();

  private LinkDialler.@Nullable Link link;
  private int linkNode = -1;
  private int knownAtDial = -1;
  private long linkEpoch = -1;
  private boolean opened;
  private long dialledAt;
  private long lastHeard;
  private long lastBeat;
  private long dialAt;
  private long pauseNanos = FIRST_PAUSE_NANOS;
  private boolean dialPlanned;
  private long usedAt;
  private boolean closed;
  private EventLoop.@Nullable Timer ticking;
  private int hint = -1;
  private int turn;
  private long nextId;

  /**
   * The broker whose link it is.
   *
   * @param epoch of its registration, or -1
   * @param leaseHeld without the lease it does no group work (rule R5)
   */
  record Broker(int id, LongSupplier epoch, BooleanSupplier leaseHeld) {}

  ShardClient(
      int shard,
      Broker broker,
      EventLoop control,
      CoordinatorTiming timing,
      Metadata metadata,
      LinkDialler dialler) {
    this.shard = shard;
    this.broker = broker;
    this.loop = control;
    this.timing = timing;
    this.metadata = metadata;
    this.dialler = dialler;
    this.dialAt = loop.clock().nanoTime();
  }

  private long now() {
    return loop.clock().nanoTime();
  }

  /**
   * Takes a request.
   *
   * @return false: too many wait
   */
  boolean add(LinkCall call) {
    if (waiting.size() >= WAITING) {
      return false;
    }
    waiting.add(call);
    pump();
    return true;
  }

  /** To whom the link goes, or went last; -1: to nobody yet. */
  int node() {
    return linkNode;
  }

  void register(LinkedMember member) {
    LinkedMember before =
        members.put(new LinkRequest.Claim(member.group(), member.memberId()), member);
    if (before != null && before != member) {
      before.end(Coordinator.replaced(member.memberId()));
    }
    watch();
  }

  void forget(LinkedMember member) {
    members.remove(new LinkRequest.Claim(member.group(), member.memberId()), member);
  }

  @Nullable LinkedMember find(String group, String memberId) {
    return members.get(new LinkRequest.Claim(group, memberId));
  }

  /** Says so at once if the link is there; if it is not, silence says the same (rule G3). */
  void abandon(String group, String memberId) {
    if (opened && link != null) {
      link.send(new LinkRequest.Abandon(group, memberId));
    }
  }

  /** Ends the link without a word, for good. */
  void close() {
    closed = true;
    if (ticking != null) {
      ticking.cancel();
    }
    hangUp();
  }

  private void hangUp() {
    if (link != null) {
      link.close();
      link = null;
      opened = false;
    }
  }

  /** Whether a member or a request needs the link. */
  private boolean used() {
    return !members.isEmpty() || !waiting.isEmpty() || !underWay.isEmpty();
  }

  /** Looks at the time as long as there is something to look at. */
  private void watch() {
    if (ticking == null && !closed && (link != null || used())) {
      ticking = loop.schedule(timing.tick(), this::tick);
    }
  }

  /** Every {@link CoordinatorTiming#tick} while there is a link, or somebody wants one. */
  private void tick() {
    ticking = null;
    long now = now();
    if (used()) {
      usedAt = now;
    } else if (link != null && now - usedAt >= UNUSED_NANOS) {
      hangUp();
    }
    if (link != null) {
      int known = dialler.leader(shard);
      if (opened ? now - lastHeard >= timing.silence() : now - dialledAt >= OPEN_NANOS) {
        lose("nothing was heard of node " + linkNode);
      } else if (broker.epoch().getAsLong() != linkEpoch) {
        lose("this broker has registered anew");
      } else if (known >= 0 && known != linkNode && known != knownAtDial) {
        hint = known;
        lose("node " + known + " leads now");
      } else if (opened && now - lastBeat >= timing.heartbeat()) {
        beat(now);
      }
    }
    pump();
  }

  private void beat(long now) {
    lastBeat = now;
    List<LinkRequest.Seen> seen = new ArrayList<>();
    for (LinkedMember member : members.values()) {
      long news = member.takeSeen();
      if (news > 0) {
        seen.add(new LinkRequest.Seen(member.group(), member.memberId(), news));
      }
    }
    send(new LinkRequest.Heartbeat(seen));
  }

  private void send(LinkRequest request) {
    if (link != null) {
      link.send(request);
    }
  }

  private void pump() {
    watch();
    if (closed) {
      return;
    }
    if (!broker.leaseHeld().getAsBoolean() || broker.epoch().getAsLong() < 0) {
      return; // R5; the next tick looks again
    }
    if (link == null) {
      if (!waiting.isEmpty() || !members.isEmpty()) {
        dial();
      }
      return;
    }
    while (opened && !waiting.isEmpty() && underWay.size() < UNDER_WAY && link.ready()) {
      LinkCall call = waiting.remove();
      if (!call.over) {
        long id = ++nextId;
        underWay.put(id, call);
        link.send(call.request(id));
      }
    }
  }

  private void dial() {
    long now = now();
    if (now < dialAt) {
      if (!dialPlanned) {
        dialPlanned = true;
        loop.schedule(
            dialAt - now,
            () -> {
              dialPlanned = false;
              pump();
            });
      }
      return;
    }
    int node = target();
    if (node < 0) {
      return; // the cluster has not formed
    }
    dialAt = now + pauseNanos;
    pauseNanos = Math.min(2 * pauseNanos, LAST_PAUSE_NANOS);
    dialledAt = now;
    usedAt = now;
    linkNode = node;
    linkEpoch = broker.epoch().getAsLong();
    opened = false;
    Events events = new Events();
    LinkDialler.Link fresh = dialler.dial(shard, node, events);
    events.from = fresh;
    link = fresh;
    fresh.send(new LinkRequest.Open(shard, broker.id(), linkEpoch));
    watch();
  }

  /** Where the last one sent this broker, else who this node knows, else any voter in turn. */
  private int target() {
    Set<Integer> voters = metadata.image().voters().keySet();
    int known = dialler.leader(shard);
    knownAtDial = known;
    int sent = hint;
    hint = -1;
    if (voters.contains(sent)) {
      return sent;
    } else if (voters.contains(known)) {
      return known;
    }
    List<Integer> all = List.copyOf(voters);
    return all.isEmpty() ? -1 : all.get(Math.floorMod(turn++, all.size()));
  }

  private void lose(String why) {
    if (opened) {
      LOG.info("link to the coordinator of shard {} on node {} is over: {}", shard, linkNode, why);
    }
    hangUp();
    requeue();
    pump();
  }

  /** What was under way may have been applied, or not: it goes out again, first and in order. */
  private void requeue() {
    List<LinkCall> calls = new ArrayList<>(underWay.values());
    underWay.clear();
    for (int i = calls.size() - 1; i >= 0; i--) {
      LinkCall call = calls.get(i);
      call.open = true;
      if (call.again()) {
        waiting.addFirst(call);
      }
    }
  }

  private void take(LinkEvent event) {
    lastHeard = now();
    if (event instanceof LinkEvent.Opened) {
      opened = true;
      lastBeat = lastHeard;
      pauseNanos = FIRST_PAUSE_NANOS;
      dialAt = lastHeard + FIRST_PAUSE_NANOS;
      claim();
      pump();
    } else if (event instanceof LinkEvent.Redirect redirect) {
      hint = redirect.leaderId();
      if (hint >= 0 && hint != linkNode) {
        dialAt = lastHeard; // it knows better than nobody
      }
      lose("node " + linkNode + " does not coordinate");
    } else if (event instanceof LinkEvent.Answer answer) {
      LinkCall call = underWay.remove(answer.id());
      if (call != null) {
        answered(call, answer.reply());
      }
      pump();
    } else if (event instanceof LinkEvent.Changed changed) {
      LinkedMember member = find(changed.group(), changed.member().id());
      if (member != null) {
        member.changed(changed.member(), changed.lost());
      }
    } else if (event instanceof LinkEvent.Ended ended) {
      LinkedMember member = find(ended.group(), ended.memberId());
      if (member != null) {
        member.ended(ended.why());
      }
    }
  }

  private void claim() {
    List<LinkRequest.Claim> all = List.copyOf(members.keySet());
    for (int i = 0; i < all.size(); i += CLAIMS) {
      send(new LinkRequest.Claims(all.subList(i, Math.min(all.size(), i + CLAIMS))));
    }
  }

  private void answered(LinkCall call, Reply reply) {
    if (reply instanceof Reply.Failed failed) {
      ErrorReason reason = failed.error().reason();
      if (reason == ErrorReason.COORDINATOR_UNAVAILABLE || reason == ErrorReason.OUTCOME_UNKNOWN) {
        call.open |= reason == ErrorReason.OUTCOME_UNKNOWN;
        if (call.again()) {
          loop.schedule(
              FIRST_PAUSE_NANOS,
              () -> {
                if (call.again()) {
                  waiting.addFirst(call);
                  pump();
                }
              });
        }
        return;
      }
    }
    if (!call.over) {
      call.answered(reply);
    }
  }

  /** Of one link; what comes late on an older one is ignored. */
  private final class Events implements LinkDialler.Handler {
    private LinkDialler.@Nullable Link from;

    private boolean present() {
      return from != null && link == from;
    }

    @Override
    public void onEvent(LinkEvent event) {
      if (present()) {
        take(event);
      }
    }

    @Override
    public void onReady() {
      if (present()) {
        pump();
      }
    }

    @Override
    public void onEnded(String why) {
      if (present()) {
        lose(why);
      }
    }
  }
}
