package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.ChunkDecoder;
import io.kontiki.broker.api.Refusals;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberState;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * One Consume stream: a member of a group on behalf of its client. This part knows the life of the
 * stream; {@link Assignments} what the member owns, {@link Deliveries} how records go out, {@link
 * Commits} how commits go in. Lives on one loop.
 *
 * <pre>
 *   subscribe -> JOINING -> ACTIVE -- half-close --> LEAVING -- commits answered --> OK
 *                             +------ closing -----> CLOSING -- all committed, half-close or time up
 *                             +------ the member is no more, errors --> status
 * </pre>
 *
 * One message of the client is taken at a time, and none while too many commits or events wait.
 */
public final class ConsumeSession implements MemberListener {
  /** Silence after which a heartbeat goes out. */
  static final long HEARTBEAT_NANOS = 10_000_000_000L;

  /** To the next look at a client that takes nothing. */
  private static final long BUSY_PAUSE_NANOS = 100_000_000;

  private static final long NANOS_PER_MS = 1_000_000;

  private enum Phase {
    OPENED,
    JOINING,
    ACTIVE,
    LEAVING,
    CLOSING,
    OVER
  }

  private final EventLoop loop;
  private final Consuming parts;
  private final ConsumeSink sink;
  private final Outbox outbox;
  private Phase phase = Phase.OPENED;
  private @Nullable Member member;
  private EventLoop.@Nullable Timer heartbeat;
  private EventLoop.@Nullable Timer closeBy;
  private boolean asked;
  private boolean halfClosed;
  private boolean left;

  /** What there is once the group has been joined. */
  private record Member(
      Subscription subscription,
      Membership membership,
      Deliveries deliveries,
      Assignments assignments,
      Commits commits) {}

  ConsumeSession(EventLoop loop, Consuming parts, ConsumeSink sink) {
    this.loop = loop;
    this.parts = parts;
    this.sink = sink;
    this.outbox = new Outbox(sink, loop.clock());
  }

  void start() {
    asked = true;
    sink.next();
  }

  /** A message of the client, which was asked for. */
  public void action(ConsumeAction action) {
    asked = false;
    if (phase == Phase.OVER || phase == Phase.LEAVING) {
      return;
    }
    Member joined = member;
    if (joined != null) {
      joined.membership().seen(0);
    }
    if (action instanceof ConsumeAction.Bad bad) {
      fail(bad.error());
    } else if (action instanceof ConsumeAction.Subscribe subscribe) {
      subscribe(subscribe.subscription());
    } else if (joined == null) {
      fail(Refusals.invalidField("subscribe", "must be the first message of the stream"));
    } else {
      act(joined, action);
      takeMore();
    }
  }

  private void act(Member joined, ConsumeAction action) {
    if (action instanceof ConsumeAction.Commit commit) {
      commit(joined, commit.offsets());
    } else if (action instanceof ConsumeAction.Release release) {
      joined.assignments().release(release.partitions());
    } else if (action instanceof ConsumeAction.Pause pause) {
      each(joined, pause.partitions(), joined.deliveries()::pause);
    } else if (action instanceof ConsumeAction.Resume resume) {
      each(joined, resume.partitions(), joined.deliveries()::resume);
    } else if (action instanceof ConsumeAction.Seek seek) {
      each(
          joined,
          List.of(seek.partition()),
          delivery -> joined.deliveries().seek(delivery, seek.to()));
    } else if (action instanceof ConsumeAction.Credit credit) {
      credit(joined, credit.bytes());
    }
    joined.deliveries().pump();
  }

  private static void each(
      Member joined, List<Named> names, java.util.function.Consumer<Delivery> action) {
    for (Named name : names) {
      Delivery delivery = joined.deliveries().get(name);
      if (delivery != null) {
        action.accept(delivery);
      }
    }
  }

  private void credit(Member joined, long bytes) {
    if (joined.deliveries().flow().windowed()) {
      fail(
          Refusals.invalidField(
              "credit", "may be given only to a stream with initial_credit_bytes"));
    } else if (bytes <= 0) {
      fail(Refusals.invalidField("credit.bytes", bytes + " must be positive"));
    } else {
      joined.deliveries().flow().add(bytes);
    }
  }

  private void commit(Member joined, List<Place> offsets) {
    ApiError bad = joined.commits().commit(offsets);
    if (bad != null) {
      fail(bad);
      return;
    }
    settle(joined);
  }

  /** Commits came, or were answered: perhaps something can go, or the stream can end. */
  private void settle(Member joined) {
    joined.deliveries().draining().forEach(joined.assignments()::settle);
    endIfDone(joined);
  }

  private void onCommitted(@Nullable ApiError failed) {
    Member joined = member;
    if (phase == Phase.OVER || joined == null) {
      return;
    }
    if (failed != null) {
      fail(failed);
      return;
    }
    settle(joined);
    takeMore();
  }

  private void takeMore() {
    Member joined = member;
    boolean taking =
        (phase == Phase.ACTIVE && joined != null && joined.assignments().told())
            || phase == Phase.CLOSING;
    if (taking
        && joined != null
        && !asked
        && !outbox.full()
        && joined.commits().unanswered() < Commits.MAX_UNANSWERED) {
      asked = true;
      sink.next();
    }
  }

  private void subscribe(Subscription wanted) {
    if (phase != Phase.OPENED) {
      fail(Refusals.invalidField("subscribe", "may be only the first message of the stream"));
      return;
    }
    ApiError bad = SubscriptionCheck.badField(wanted);
    if (bad != null) {
      fail(bad);
      return;
    }
    phase = Phase.JOINING;
    CallContext call = CallContext.within(loop, CallContext.DEFAULT_TIMEOUT_NANOS);
    SubscriptionCheck.topicsExist(
        call,
        parts.lookup(),
        wanted.topics(),
        exist -> {
          if (phase != Phase.JOINING) {
            return;
          }
          if (exist instanceof Result.Err<Boolean> missing) {
            fail(missing.error());
          } else {
            join(call, wanted);
          }
        });
  }

  private void join(CallContext call, Subscription wanted) {
    Membership membership =
        parts
            .groups()
            .join(
                call,
                wanted.group(),
                wanted.memberId(),
                wanted.memberName(),
                new MemberDetails(
                    wanted.clientId(),
                    wanted.host(),
                    0,
                    0,
                    wanted.topics(),
                    wanted.pattern(),
                    wanted.assignor(),
                    wanted.sessionTimeoutMs(),
                    wanted.revokeTimeoutMs()),
                this);
    UnderWay underWay = new UnderWay(membership);
    PlaceFinder finder = new PlaceFinder(loop, parts.partitions(), parts.groups());
    Deliveries deliveries =
        new Deliveries(
            wanted,
            outbox,
            finder,
            outcome ->
                new Fetching(
                    loop,
                    parts.partitions(),
                    new ChunkDecoder(loop, parts.decoder()),
                    parts.decompressedBytes(),
                    outcome),
            this::fail);
    Assignments assignments =
        new Assignments(
            loop,
            wanted,
            parts.metadata(),
            deliveries,
            outbox,
            membership,
            underWay,
            (fresh, found) ->
                new StartRound(loop, finder, parts.groups(), wanted, underWay, fresh, found).run(),
            this::onFirstTold);
    member =
        new Member(
            wanted,
            membership,
            deliveries,
            assignments,
            new Commits(
                deliveries,
                outbox,
                underWay,
                wanted.assignmentsOnly(),
                this::leaderEpoch,
                assignments::notOwned,
                this::onCommitted));
  }

  private int leaderEpoch(PartitionId id) {
    PartitionImage partition = parts.metadata().image().partition(id);
    return partition == null ? Place.NO_EPOCH : partition.leaderEpoch();
  }

  @Override
  public void changed(MemberState now, SortedMap<PartitionId, Gone> gone) {
    Member joined = member;
    if (phase == Phase.OVER || phase == Phase.LEAVING) {
      return;
    }
    if (joined == null) {
      loop.execute(() -> changed(now, gone)); // told before the join returned
      return;
    }
    if (phase == Phase.JOINING) {
      phase = Phase.ACTIVE;
    }
    joined.assignments().changed(now, gone);
    joined.deliveries().pump();
    endIfDone(joined);
  }

  @Override
  public void ended(ApiError why) {
    if (phase != Phase.OVER) {
      finish(true);
      sink.failed(why);
    }
  }

  private void onFirstTold() {
    beat();
    if (halfClosed) {
      leave();
    } else {
      takeMore();
    }
  }

  /** The client takes more again. */
  public void onReady() {
    if (phase == Phase.OVER) {
      return;
    }
    outbox.flush();
    Member joined = member;
    if (joined != null) {
      joined.deliveries().pump();
    }
    takeMore();
  }

  /** The client sends no more: what it committed is answered, then it leaves. */
  public void halfClosed() {
    halfClosed = true;
    Member joined = member;
    if (phase == Phase.OPENED) {
      fail(Refusals.invalidField("subscribe", "must be the first message of the stream"));
    } else if (phase == Phase.CLOSING && joined != null) {
      endIfDone(joined);
    } else if (phase == Phase.ACTIVE && joined != null && joined.assignments().told()) {
      leave();
    }
  }

  private void leave() {
    Member leaving = member;
    if (leaving == null) {
      throw new IllegalStateException("leaving before joining");
    }
    phase = Phase.LEAVING;
    leaving.deliveries().stop();
    leaving.assignments().stop();
    leaving
        .membership()
        .leave(
            CallContext.within(loop, CallContext.DEFAULT_TIMEOUT_NANOS),
            answer -> onLeft(leaving, answer));
  }

  private void onLeft(Member leaving, Result<GroupAnswer> answer) {
    if (phase == Phase.OVER) {
      return;
    }
    if (answer instanceof Result.Err<GroupAnswer> failed) {
      if (leaving.commits().unanswered() > 0) {
        fail(failed.error());
        return;
      }
      leaving.membership().abandon(); // what it still owns goes when its session ends
    }
    left = true;
    endIfDone(leaving);
  }

  /**
   * The broker stops by plan: no more records; the stream ends when all is committed, the client
   * half-closes or the time is up, and the member's session outlives it.
   */
  public void closing(long timeLeftMs) {
    Member joined = member;
    if (phase == Phase.OVER || phase == Phase.LEAVING || phase == Phase.CLOSING) {
      return;
    }
    if (joined == null || !joined.assignments().told()) {
      fail(
          ApiError.retriable(
              ErrorReason.BROKER_STOPPING,
              "this broker is about to stop",
              BUSY_PAUSE_NANOS / NANOS_PER_MS));
      return;
    }
    phase = Phase.CLOSING;
    joined.deliveries().stop();
    joined.assignments().stop();
    outbox.send(new ConsumeEvent.Reconnect(timeLeftMs));
    closeBy = loop.schedule(timeLeftMs * NANOS_PER_MS, this::end);
    endIfDone(joined);
  }

  private void endIfDone(Member joined) {
    boolean answered = joined.commits().unanswered() == 0;
    if (phase == Phase.LEAVING && left && answered) {
      end();
    } else if (phase == Phase.CLOSING && answered) {
      boolean open = joined.subscription().assignmentsOnly() || joined.deliveries().open();
      if (halfClosed || !open) {
        end();
      }
    }
  }

  private void end() {
    if (phase != Phase.OVER) {
      finish(left);
      sink.end();
    }
  }

  private void fail(ApiError error) {
    if (phase != Phase.OVER) {
      finish(false);
      sink.failed(error);
    }
  }

  /** The stream broke. */
  public void cancelled() {
    if (phase != Phase.OVER) {
      outbox.close(false);
      finish(left);
    }
  }

  /**
   * @param gone the member is no more, or has left
   */
  private void finish(boolean gone) {
    phase = Phase.OVER;
    outbox.close(true);
    cancel(heartbeat);
    cancel(closeBy);
    Member joined = member;
    if (joined != null) {
      joined.deliveries().stop();
      joined.assignments().stop();
      if (!gone) {
        joined.membership().abandon();
      }
    }
  }

  private static void cancel(EventLoop.@Nullable Timer timer) {
    if (timer != null) {
      timer.cancel();
    }
  }

  private void beat() {
    Member joined = member;
    if (phase == Phase.OVER || joined == null) {
      return;
    }
    joined.membership().seen(sink.silenceMs());
    long silent = outbox.silentNanos();
    if (silent >= HEARTBEAT_NANOS && outbox.clear()) {
      outbox.send(new ConsumeEvent.Heartbeat());
      silent = 0;
    }
    long pause = silent < HEARTBEAT_NANOS ? HEARTBEAT_NANOS - silent : BUSY_PAUSE_NANOS;
    heartbeat = loop.schedule(pause, this::beat);
  }
}
