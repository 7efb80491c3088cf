package io.kontiki.broker.coordinator;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.coordinator.LinkEvent.Reply;
import io.kontiki.broker.coordinator.ProposalQueue.End;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.broker.group.GroupLine;
import io.kontiki.broker.group.GroupReport;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupChange;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupImage;
import io.kontiki.group.GroupState;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberEnd;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetTable;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.RandomSource;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The coordinator of a shard's groups, on the node that leads the shard's Raft group; idle
 * elsewhere. It owns no truth: what counts is applied, and whatever it believes beside that begins
 * anew with each coordinator. Belongs to the control loop.
 */
public final class Coordinator {
  private static final long AWAIT_NANOS = 5_000_000_000L;
  private static final long RETRY_AFTER_MS = 50;
  private static final long READ_NANOS = 5_000_000_000L;

  private final int nodeId;
  private final EventLoop loop;
  private final Clock clock;
  private final CoordinatorTiming timing;
  private final RaftGroup group;
  private final AppliedGroups applied;
  private final Metadata metadata;
  private final BooleanSupplier leaseHeld;
  private final CoordinatorEvents events;
  private final ProposalQueue queue;
  private final MemberSessions sessions;
  private final TopicDuty topics;
  private final ClassicDesk classic;
  private final Set<BrokerLink> links = new LinkedHashSet<>();
  private final Map<String, Integer> generations = new TreeMap<>();

  private long ledTerm = -1;

  /** The image is at least as new as this leadership: fences in it may be acted on. */
  private boolean settled;

  private long lastTick;
  private long judgeFrom;
  private EventLoop.@Nullable Timer ticking;

  private List<Consumer<Boolean>> reads = new ArrayList<>();
  private boolean reading;
  private boolean pushing;
  private volatile int memberCount;

  /**
   * What a coordinator works on.
   *
   * @param group the shard's Raft group, whose answers are {@link GroupAnswer.Batch}
   * @param encoder of the commands of one entry
   * @param applied the group's state machine
   */
  public record Shard(
      RaftGroup group, Function<List<GroupCommand>, ByteBuffer> encoder, AppliedGroups applied) {}

  /**
   * @param leaseHeld whether this broker may do a coordinator's work (rule R5)
   * @param random for ids of members of classic groups
   */
  public Coordinator(
      int nodeId,
      EventLoop control,
      CoordinatorTiming timing,
      Shard shard,
      Metadata metadata,
      BooleanSupplier leaseHeld,
      RandomSource random,
      CoordinatorEvents events) {
    this.nodeId = nodeId;
    this.loop = control;
    this.clock = control.clock();
    this.timing = timing;
    this.group = shard.group();
    this.applied = shard.applied();
    this.metadata = metadata;
    this.leaseHeld = leaseHeld;
    this.events = events;
    this.queue = new ProposalQueue(loop, group, shard.encoder());
    this.sessions = new MemberSessions(clock, timing, queue::add);
    this.topics = new TopicDuty(clock, applied, sessions, queue::add);
    this.classic =
        new ClassicDesk(
            clock,
            applied,
            random,
            queue::add,
            this::closed,
            this::confirmed,
            this::watch,
            events,
            this::measure);
  }

  /** Members of groups that this node coordinates; any thread. */
  public int members() {
    return memberCount;
  }

  /** What Kafka clients ask it; also while it is idle. */
  public ClassicDesk classic() {
    return classic;
  }

  private Optional<Refusal> closed() {
    if (!leads()) {
      return Optional.of(group.status().leading() ? Refusal.LOADING : Refusal.NOT_COORDINATOR);
    } else if (!leaseHeld.getAsBoolean()) {
      return Optional.of(Refusal.UNAVAILABLE); // R5
    }
    return queue.full() ? Optional.of(Refusal.LOADING) : Optional.empty();
  }

  /** Whether this node coordinates. */
  public boolean leads() {
    return ledTerm >= 0;
  }

  /** This node leads the term, and has applied every entry of earlier ones. */
  public void onLeaderStart(long term) {
    onLeaderStop();
    ledTerm = term;
    settled = false;
    queue.onLeaderStart(term);
    for (GroupImage image : applied.groups()) {
      generations.put(image.name(), image.generation());
      image.members().values().forEach(member -> sessions.update(image.name(), member));
    }
    classic.onLeaderStart();
    memberCount = sessions.count() + classic.members();
    judgeFrom = clock.nanoTime();
    topics.onLeaderStart(metadata.image());
    settle(term);
    watch();
  }

  /** Rules G3, G8: what happened to brokers and topics before this leadership. */
  private void settle(long term) {
    metadata.readLatest(
        clock.nanoTime() + READ_NANOS,
        read -> {
          if (ledTerm != term) {
            return;
          }
          if (read instanceof Result.Ok<ClusterImage> image) {
            settled = true;
            topics.onSettled(image.value());
            sessions.judgeBrokers(image.value());
            watch();
          } else {
            settle(term);
          }
        });
  }

  /** It leads no more. */
  public void onLeaderStop() {
    ledTerm = -1;
    if (ticking != null) {
      ticking.cancel();
      ticking = null;
    }
    int leader = group.status().leaderId();
    for (BrokerLink link : List.copyOf(links)) {
      link.send(new LinkEvent.Redirect(leader == nodeId ? RaftGroup.NO_NODE : leader));
      drop(link);
    }
    classic.onLeaderStop();
    queue.onLeaderStop();
    sessions.clear();
    generations.clear();
    topics.onLeaderStop();
    memberCount = 0;
    List<Consumer<Boolean>> waiting = reads;
    reads = new ArrayList<>();
    waiting.forEach(read -> read.accept(false));
  }

  /** A newer image of the metadata. */
  public void onImage(ClusterImage image) {
    if (leads()) {
      topics.onImage(image);
      if (settled) {
        sessions.judgeBrokers(image);
      }
      watch();
    }
  }

  /** Entries were applied, in order; before the answers to their proposals. */
  public void onApplied(List<GroupChange> changes) {
    if (!leads()) {
      return;
    }
    changes.forEach(this::onChange);
    memberCount = sessions.count() + classic.members();
    push();
    watch();
  }

  private void onChange(GroupChange change) {
    change.ended().forEach((memberId, end) -> onEnded(change.group(), memberId, end));
    GroupImage image = applied.group(change.group());
    change
        .lost()
        .forEach(
            (memberId, lost) -> {
              Session session = sessions.find(change.group(), memberId);
              if (session != null) {
                session.lost.putAll(lost);
              }
            });
    for (String memberId : change.members()) {
      MemberState member = image == null ? null : image.members().get(memberId);
      if (member != null) {
        changed(sessions.update(change.group(), member));
      }
    }
    if (change.wentBack() > 0) {
      events.onWentBack(change.group(), change.wentBack());
    }
    if (image == null) {
      generations.remove(change.group());
    } else if (image.generation() > generations.getOrDefault(change.group(), 0)) {
      generations.put(change.group(), image.generation());
      events.onRebalance(change.group());
    }
  }

  private void changed(Session session) {
    MemberDetails details = session.member.details();
    BrokerLink link = session.link;
    if (link != null && !link.speaksFor(details.brokerId(), details.brokerEpoch())) {
      link.send(new LinkEvent.Ended(session.group, session.memberId, replaced(session.memberId)));
      sessions.detach(
          session, clock.nanoTime() + timing.silence(), "its new broker has not claimed it");
      link = null;
    }
    if (settled) {
      sessions.judgeBroker(session, metadata.image());
    }
    if (link != null) {
      link.dirty.add(session);
    }
  }

  private void onEnded(String groupName, String memberId, MemberEnd end) {
    Session session = sessions.find(groupName, memberId);
    BrokerLink link = session == null ? null : session.link;
    sessions.remove(groupName, memberId);
    String why =
        switch (end.kind()) {
          case LEFT -> "left";
          case EXPIRED -> "expired: " + end.detail();
          case REPLACED -> "replaced by " + end.detail();
        };
    events.onEnded(groupName, memberId, why);
    if (link != null) {
      ApiError error =
          end.kind() == MemberEnd.Kind.REPLACED ? replaced(memberId) : fenced(memberId, why);
      link.send(new LinkEvent.Ended(groupName, memberId, error));
    }
  }

  static ApiError fenced(String memberId, String why) {
    return ApiError.definite(
        ErrorReason.MEMBER_FENCED, "member " + memberId + " is no member any more: " + why);
  }

  static ApiError replaced(String memberId) {
    return ApiError.definite(
        ErrorReason.MEMBER_REPLACED, "another stream has taken the place of member " + memberId);
  }

  static ApiError unavailable(String why) {
    return ApiError.retriable(ErrorReason.COORDINATOR_UNAVAILABLE, why, RETRY_AFTER_MS);
  }

  // Time

  /** Looks at the time as long as there is something to look at. */
  private void watch() {
    if (ticking == null
        && leads()
        && (!links.isEmpty() || sessions.count() > 0 || topics.pending() || classic.pending())) {
      lastTick = clock.nanoTime();
      ticking = loop.schedule(timing.tick(), this::tick);
    }
  }

  private void tick() {
    ticking = null;
    look();
    watch();
  }

  private void look() {
    long now = clock.nanoTime();
    long gap = now - lastTick;
    lastTick = now;
    if (gap > 4 * timing.tick()) {
      // This node was paused; what was said meanwhile may still wait to be read (as M6).
      judgeFrom = Math.max(judgeFrom, now + Math.min(gap, timing.silence()));
    }
    beat(now);
    if (now >= judgeFrom && leaseHeld.getAsBoolean()) {
      silence(now);
      sessions.judge(applied);
      classic.onTime(now);
    }
    topics.onTick(metadata.image());
  }

  private void beat(long now) {
    for (BrokerLink link : links) {
      if (now - link.lastBeat >= timing.heartbeat()) {
        link.lastBeat = now;
        link.send(new LinkEvent.Heartbeat());
      }
    }
  }

  private void silence(long now) {
    for (BrokerLink link : List.copyOf(links)) {
      if (now - link.lastHeard >= timing.silence()) {
        events.onNotice("broker " + link.brokerId + " is silent: its link ends");
        lose(link, link.lastHeard);
      }
    }
  }

  // Links

  /** A broker opens a link. What it says is to be handed over on the loop. */
  public Incoming accept(LinkOut out) {
    BrokerLink link = new BrokerLink(out, clock.nanoTime());
    links.add(link);
    watch();
    return new Incoming(link);
  }

  /** What a broker says, and the end of its link. */
  public final class Incoming {
    private final BrokerLink link;

    private Incoming(BrokerLink link) {
      this.link = link;
    }

    /** The next request. */
    public void onRequest(LinkRequest request) {
      if (!link.over) {
        link.lastHeard = clock.nanoTime();
        take(link, request);
      }
    }

    /** {@link LinkOut#ready} again. */
    public void onReady() {
      push();
    }

    /** The link is broken or was ended by the broker. */
    public void onBroken() {
      if (!link.over) {
        lose(link, clock.nanoTime());
      }
    }
  }

  /** Its members have until it is opened again, and then their sessions (rule G3). */
  private void lose(BrokerLink link, long lastHeard) {
    for (Session session : List.copyOf(link.members)) {
      sessions.detach(
          session,
          lastHeard + timing.silence(),
          "broker " + link.brokerId + " has not been heard of");
    }
    drop(link);
  }

  private void drop(BrokerLink link) {
    links.remove(link);
    if (!link.over) {
      link.over = true;
      link.out.end();
    }
  }

  private void take(BrokerLink link, LinkRequest request) {
    if (request instanceof LinkRequest.Open open) {
      open(link, open);
    } else if (!link.opened) {
      drop(link); // no broker does that
    } else if (request instanceof LinkRequest.Heartbeat beat) {
      beat.seen().forEach(seen -> seen(link, seen));
    } else if (request instanceof LinkRequest.Claims claims) {
      confirmed(ok -> claim(link, claims, ok));
    } else if (request instanceof LinkRequest.Join join) {
      join(link, join);
    } else if (request instanceof LinkRequest.Submit submit) {
      submit(link, submit);
    } else if (request instanceof LinkRequest.Abandon abandon) {
      Session session = sessions.find(abandon.group(), abandon.memberId());
      if (session != null && session.link == link) {
        sessions.abandon(session);
      }
    } else if (request instanceof LinkRequest.Offsets offsets) {
      read(link, offsets.id(), () -> offsets(offsets));
    } else if (request instanceof LinkRequest.Describe describe) {
      read(link, describe.id(), () -> describe(describe.group()));
    } else if (request instanceof LinkRequest.ListGroups list) {
      read(link, list.id(), this::list);
    }
  }

  private void open(BrokerLink link, LinkRequest.Open open) {
    link.brokerId = open.brokerId();
    link.brokerEpoch = open.brokerEpoch();
    confirmed(
        ok -> {
          if (link.over) {
            return;
          }
          if (!ok) {
            int leader = group.status().leaderId();
            link.send(new LinkEvent.Redirect(leader == nodeId ? RaftGroup.NO_NODE : leader));
            drop(link);
            return;
          }
          for (BrokerLink other : List.copyOf(links)) {
            if (other != link && other.opened && other.brokerId == link.brokerId) {
              lose(other, other.lastHeard); // it has opened a new one
            }
          }
          link.opened = true;
          link.send(new LinkEvent.Opened());
        });
  }

  /** Answers with what each is; only who is confirmed to lead may say that one is no more. */
  private void claim(BrokerLink link, LinkRequest.Claims claims, boolean leads) {
    if (!leads || link.over) {
      lose(link, link.lastHeard);
      return;
    }
    for (LinkRequest.Claim claim : claims.members()) {
      GroupImage image = applied.group(claim.group());
      MemberState member = image == null ? null : image.members().get(claim.memberId());
      if (member == null) {
        link.send(
            new LinkEvent.Ended(
                claim.group(),
                claim.memberId(),
                fenced(claim.memberId(), "its session has ended")));
      } else if (!link.speaksFor(member.details().brokerId(), member.details().brokerEpoch())) {
        link.send(new LinkEvent.Ended(claim.group(), claim.memberId(), replaced(claim.memberId())));
      } else {
        Session session = sessions.update(claim.group(), member);
        sessions.attach(session, link);
        link.dirty.add(session);
      }
    }
    push();
  }

  private void seen(BrokerLink link, LinkRequest.Seen seen) {
    Session session = sessions.find(seen.group(), seen.memberId());
    if (session != null && session.link == link) {
      session.lastSeenMs = Math.max(session.lastSeenMs, seen.wallMs());
    }
  }

  /** Once per turn, when all of it is known. */
  private void push() {
    if (!pushing && leads()) {
      pushing = true;
      loop.atTurnEnd(this::pushNow);
    }
  }

  private void pushNow() {
    pushing = false;
    for (BrokerLink link : links) {
      while (!link.dirty.isEmpty() && link.out.ready()) {
        Session session = link.dirty.first();
        link.dirty.remove(session);
        link.send(new LinkEvent.Changed(session.group, session.member, session.lost));
        session.lost.clear();
      }
    }
  }

  // Requests

  private boolean refused(BrokerLink link, long id) {
    String why = "";
    if (!leads()) {
      why = "this node does not coordinate the group any more";
    } else if (!leaseHeld.getAsBoolean()) {
      why = "the coordinator has no lease of the metadata leader (R5)";
    } else if (queue.full() || link.requests >= BrokerLink.REQUESTS) {
      why = "the coordinator has more to do than it can";
    }
    if (!why.isEmpty()) {
      link.send(new LinkEvent.Answer(id, new Reply.Failed(unavailable(why))));
    }
    return !why.isEmpty();
  }

  private void answer(BrokerLink link, long id, Reply reply) {
    link.requests--;
    link.send(new LinkEvent.Answer(id, reply));
  }

  private void join(BrokerLink link, LinkRequest.Join join) {
    if (refused(link, join.id())) {
      return;
    }
    link.requests++;
    long term = ledTerm;
    metadata.awaitIndex(
        join.metadataIndex(),
        clock.nanoTime() + AWAIT_NANOS,
        image -> {
          if (ledTerm != term || link.over || image instanceof Result.Err<ClusterImage>) {
            answer(
                link,
                join.id(),
                new Reply.Failed(unavailable("the coordinator has not seen the group's topics")));
          } else {
            propose(link, join);
          }
        });
  }

  private void propose(BrokerLink link, LinkRequest.Join join) {
    MemberDetails told = join.details();
    MemberDetails details =
        new MemberDetails(
            told.clientId(),
            told.host(),
            link.brokerId,
            link.brokerEpoch,
            told.topics(),
            told.pattern(),
            told.assignor(),
            told.sessionTimeoutMs(),
            told.revokeTimeoutMs());
    TopicDuty.Joining joining = topics.begin(join.group(), details, metadata.image());
    queue.add(
        new GroupCommand.JoinGroup(
            clock.wallMs(),
            join.group(),
            join.newMemberId(),
            join.memberId(),
            join.memberName(),
            details,
            joining.seen()),
        end -> joined(link, join, joining, end));
  }

  private void joined(BrokerLink link, LinkRequest.Join join, TopicDuty.Joining joining, End end) {
    boolean taken = end instanceof End.Answered done && done.answer() instanceof GroupAnswer.Joined;
    topics.end(joining, taken);
    if (end instanceof End.Answered done && done.answer() instanceof GroupAnswer.Joined joined) {
      Session session = sessions.find(join.group(), joined.member().id());
      if (session != null
          && !link.over
          && link.speaksFor(
              session.member.details().brokerId(), session.member.details().brokerEpoch())) {
        session.lastSeenMs = clock.wallMs();
        sessions.attach(session, link);
        if (!session.member.equals(joined.member())) {
          link.dirty.add(session);
        }
        push();
      }
      events.onJoined(
          join.group(),
          joined.member().id(),
          "client "
              + join.details().clientId()
              + " at "
              + join.details().host()
              + ", broker "
              + link.brokerId
              + (joined.replaced().isEmpty() ? "" : ", in the place of " + joined.replaced()));
      answer(link, join.id(), new Reply.Answers(List.of(joined)));
      if (session == null) {
        link.send(
            new LinkEvent.Ended(
                join.group(),
                joined.member().id(),
                fenced(joined.member().id(), "it has ended meanwhile")));
      }
    } else {
      answer(link, join.id(), reply(List.of(end)));
    }
  }

  private void submit(BrokerLink link, LinkRequest.Submit submit) {
    if (refused(link, submit.id())) {
      return;
    }
    link.requests++;
    long arrived = clock.nanoTime();
    int count = submit.commands().size();
    List<End> ends = new ArrayList<>();
    if (count == 0) {
      answer(link, submit.id(), reply(ends));
    }
    for (GroupCommand command : submit.commands()) {
      // In order: entries end in the order in which they were proposed.
      queue.add(
          command,
          end -> {
            measure(end, arrived);
            ends.add(end);
            if (ends.size() == count) {
              answer(link, submit.id(), reply(ends));
            }
          });
    }
  }

  private void measure(End end, long arrived) {
    if (end instanceof End.Answered done
        && done.answer() instanceof GroupAnswer.Committed committed
        && !committed.stored().isEmpty()) {
      events.onCommit(committed.stored().size(), clock.nanoTime() - arrived);
    }
  }

  /** One that nobody knows the end of makes all so: they are repeated together. */
  private static Reply reply(List<End> ends) {
    List<GroupAnswer> answers = new ArrayList<>();
    String open = "";
    String refused = "";
    for (End end : ends) {
      if (end instanceof End.Answered done) {
        answers.add(done.answer());
      } else if (end instanceof End.NotProposed not) {
        refused = not.why();
      } else if (end instanceof End.Unknown unknown) {
        open = unknown.why();
      }
    }
    if (answers.size() == ends.size()) {
      return new Reply.Answers(answers);
    } else if (open.isEmpty() && answers.isEmpty()) {
      return new Reply.Failed(unavailable("not proposed: " + refused));
    }
    return new Reply.Failed(
        ApiError.indefinite(
            ErrorReason.OUTCOME_UNKNOWN,
            "the coordinator lost its leadership meanwhile: " + open + refused));
  }

  // Linearizable reads (rules G5, M4)

  private void read(BrokerLink link, long id, Supplier<Reply> view) {
    if (refused(link, id)) {
      return;
    }
    link.requests++;
    confirmed(
        ok ->
            answer(
                link,
                id,
                ok
                    ? view.get()
                    : new Reply.Failed(unavailable("the coordinator cannot confirm that it is"))));
  }

  /**
   * Runs a task once a round that began after this call has confirmed that this node leads, with
   * the same leadership before and after; with false if it could not.
   */
  private void confirmed(Consumer<Boolean> task) {
    if (!leads()) {
      task.accept(false);
      return;
    }
    reads.add(task);
    if (!reading) {
      round();
    }
  }

  private void round() {
    reading = true;
    List<Consumer<Boolean>> covered = reads;
    reads = new ArrayList<>();
    long term = ledTerm;
    group.confirmLeadership(
        confirmed ->
            loop.execute(
                () -> {
                  reading = false;
                  boolean ok = term >= 0 && confirmed == term && ledTerm == term;
                  covered.forEach(task -> task.accept(ok));
                  if (!reading && !reads.isEmpty()) {
                    round();
                  }
                }));
  }

  private Reply offsets(LinkRequest.Offsets request) {
    GroupImage image = applied.group(request.group());
    OffsetTable all = image == null ? OffsetTable.EMPTY : image.offsets();
    return new Reply.Committed(all.pick(request.partitions()));
  }

  private Reply describe(String name) {
    GroupImage image = applied.group(name);
    if (image == null) {
      return new Reply.Failed(
          ApiError.definite(ErrorReason.GROUP_NOT_FOUND, "there is no group '" + name + "'")
              .with("group", name));
    }
    TreeMap<String, Long> lastSeen = new TreeMap<>();
    TreeMap<String, Boolean> attached = new TreeMap<>();
    for (Session session : sessions.of(name).values()) {
      attached.put(session.memberId, session.link != null);
      if (session.lastSeenMs > 0) {
        lastSeen.put(session.memberId, session.lastSeenMs);
      }
    }
    lastSeen.putAll(classic.lastSeen(name));
    GroupState state = image.state().in(classic.phase(image));
    return new Reply.Described(new GroupReport(state, nodeId, lastSeen, attached));
  }

  private Reply list() {
    List<GroupLine> lines = new ArrayList<>();
    for (GroupImage image : applied.groups()) {
      lines.add(
          new GroupLine(image.name(), classic.phase(image), image.kind(), image.memberCount()));
    }
    return new Reply.Listed(lines);
  }
}
