package io.kontiki.broker.quorum;

import io.kontiki.broker.session.Forming;
import io.kontiki.broker.session.Now;
import io.kontiki.broker.session.SessionTiming;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.model.Uid;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Drives {@link Forming} until it has decided (rules M15, M16). On the control loop. */
final class FormingShell {
  private static final Logger LOG = LoggerFactory.getLogger(FormingShell.class);
  private static final long TICK_NANOS = 25_000_000;
  private static final long HELLO_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** What is waited for is told after this, and again after this. */
  private static final long TELL_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long TELL_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final Forming core;
  private final Hellos hellos;
  private final EventLoop loop;
  private final Completion<Outcome> completion;
  private boolean decided;
  private boolean closed;
  private boolean toldSeeking;
  private long tellAt;

  /** What was decided. */
  sealed interface Outcome {
    /** Start as a voter; see {@link Forming.Action.Start}. */
    record Start(SortedMap<Integer, Uid> formingSet, long admittedIndex) implements Outcome {}

    /** Do not. */
    record Refuse(String why) implements Outcome {}
  }

  /**
   * @param clusterId of the node's directory
   */
  FormingShell(
      SessionTiming timing,
      NodeIdentity identity,
      Uid clusterId,
      Hellos hellos,
      EventLoop control,
      Completion<Outcome> completion) {
    this.core =
        new Forming(
            timing,
            new Forming.Self(
                identity.nodeId(),
                identity.directoryId(),
                identity.incarnation(),
                clusterId,
                identity.votersText()),
            List.copyOf(identity.voters().keySet()));
    this.hellos = hellos;
    this.loop = control;
    this.completion = completion;
  }

  void start() {
    tellAt = loop.clock().nanoTime() + TELL_NANOS;
    tick();
  }

  /** Asks no more and decides nothing. */
  void close() {
    closed = true;
  }

  private Now now() {
    return new Now(loop.clock().nanoTime(), loop.clock().wallMs());
  }

  private void tick() {
    if (closed) {
      return;
    }
    run(core.onTick(now()));
    if (decided) {
      return;
    }
    tell();
    loop.schedule(TICK_NANOS, this::tick);
  }

  /** Once when it begins to wait for being taken in, and then rarely. */
  private void tell() {
    long nanos = loop.clock().nanoTime();
    if (nanos - tellAt >= 0 || core.seeking() != toldSeeking) {
      toldSeeking = core.seeking();
      tellAt = nanos + TELL_AGAIN_NANOS;
      LOG.info("this voter {}", core.situation());
    }
  }

  private void run(List<Forming.Action> actions) {
    for (Forming.Action action : actions) {
      if (action instanceof Forming.Action.SendHello hello) {
        hellos.ask(
            hello.voterId(),
            hello.seeks() ? Hellos.Seeks.EMPTY : Hellos.Seeks.NOTHING,
            HELLO_TIMEOUT_NANOS,
            answer -> loop.execute(() -> run(core.onHello(hello.voterId(), told(answer), now()))));
      } else if (action instanceof Forming.Action.Start start) {
        decide(new Outcome.Start(start.formingSet(), start.admittedIndex()));
      } else if (action instanceof Forming.Action.Refuse refuse) {
        decide(new Outcome.Refuse(refuse.why()));
      }
    }
  }

  private void decide(Outcome outcome) {
    if (!decided && !closed) {
      decided = true;
      completion.complete(outcome);
    }
  }

  private static Forming.Hello told(HelloResponse answer) {
    return new Forming.Hello(
        answer.getNodeId(),
        Peers.uid(answer.getDirectoryId()),
        Peers.uid(answer.getIncarnation()),
        Peers.uid(answer.getClusterId()),
        answer.getVoters(),
        Hellos.known(answer),
        answer.getImageIndex(),
        answer.getAdmission(),
        answer.getRefused());
  }
}
