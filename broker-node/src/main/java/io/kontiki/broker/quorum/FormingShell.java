package io.kontiki.broker.quorum;

import io.kontiki.broker.session.Forming;
import io.kontiki.broker.session.Now;
import io.kontiki.broker.session.SessionTiming;
import io.kontiki.internal.v1.HelloRequest;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Drives {@link Forming} until it has decided (rule M15). On the control loop. */
final class FormingShell {
  private static final Logger LOG = LoggerFactory.getLogger(FormingShell.class);
  private static final long TICK_NANOS = 25_000_000;
  private static final long HELLO_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long TELL_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final Forming core;
  private final NodeIdentity identity;
  private final Peers peers;
  private final EventLoop loop;
  private final Completion<Outcome> completion;
  private boolean decided;
  private boolean closed;
  private long toldAt;

  /** What was decided. */
  sealed interface Outcome {
    /** Start as a voter, with the directory ids that were seen. */
    record Start(SortedMap<Integer, Uid> formingSet) implements Outcome {}

    /** Do not. */
    record Refuse(String why) implements Outcome {}
  }

  FormingShell(
      SessionTiming timing,
      NodeIdentity identity,
      Peers peers,
      EventLoop control,
      Completion<Outcome> completion) {
    this.core =
        new Forming(
            timing,
            identity.nodeId(),
            identity.directoryId(),
            List.copyOf(identity.voters().keySet()),
            identity.votersText());
    this.identity = identity;
    this.peers = peers;
    this.loop = control;
    this.completion = completion;
  }

  void start() {
    toldAt = loop.clock().nanoTime();
    tick();
  }

  /** Asks no more and decides nothing. */
  void close() {
    closed = true;
  }

  private void tick() {
    if (closed) {
      return;
    }
    long nanos = loop.clock().nanoTime();
    run(core.onTick(new Now(nanos, loop.clock().wallMs())));
    if (decided) {
      return;
    }
    if (nanos - toldAt >= TELL_NANOS) {
      toldAt = nanos;
      LOG.info(
          "waits for all voters before the cluster forms (M15); no answer yet from {}",
          core.waitingFor());
    }
    loop.schedule(TICK_NANOS, this::tick);
  }

  private void run(List<Forming.Action> actions) {
    for (Forming.Action action : actions) {
      if (action instanceof Forming.Action.SendHello hello) {
        sendHello(hello.voterId());
      } else if (action instanceof Forming.Action.Start start) {
        decide(new Outcome.Start(start.formingSet()));
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

  private void sendHello(int voterId) {
    Endpoint voter = Objects.requireNonNull(identity.voters().get(voterId));
    peers
        .at(voter, HELLO_TIMEOUT_NANOS)
        .hello(
            HelloRequest.newBuilder()
                .setNodeId(identity.nodeId())
                .setDirectoryId(Peers.bytes(identity.directoryId()))
                .setVoters(identity.votersText())
                .build(),
            Peers.<HelloResponse>unary(
                (answer, failure) -> {
                  if (answer != null) {
                    loop.execute(() -> run(core.onHello(voterId, hello(answer))));
                  }
                }));
  }

  private static Forming.Hello hello(HelloResponse answer) {
    SortedMap<Integer, Uid> formingSet = new TreeMap<>();
    answer
        .getFormingSetList()
        .forEach(voter -> formingSet.put(voter.getNodeId(), Peers.uid(voter.getDirectoryId())));
    return new Forming.Hello(
        answer.getNodeId(),
        Peers.uid(answer.getDirectoryId()),
        Peers.uid(answer.getClusterId()),
        answer.getVoters(),
        formingSet);
  }
}
