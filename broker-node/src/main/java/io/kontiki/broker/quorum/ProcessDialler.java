package io.kontiki.broker.quorum;

import io.kontiki.internal.v1.HelloRequest;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.concurrent.TimeUnit;

/**
 * Finds out whether a broker's process is dead (rule R6): two dials of its endpoint, 20 ms apart,
 * each at most 100 ms. Only a refusal, or another process in its place, proves anything: a process
 * that is slow to accept or to answer under load is never judged dead by it.
 */
final class ProcessDialler {
  private static final int DIAL_MS = 100;
  private static final long BETWEEN_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final EventLoop loop;
  private final Peers peers;
  private final int nodeId;
  private final Dials dials;

  /** What the dials showed. */
  enum Outcome {
    /** Nobody listens, twice. */
    REFUSED,
    /** Another process answers. */
    OTHER_PROCESS,
    /** The process lives. */
    SAME_PROCESS,
    /** Silence, or something that proves nothing. */
    NOTHING
  }

  ProcessDialler(EventLoop control, Peers peers, int nodeId, Dials dials) {
    this.loop = control;
    this.peers = peers;
    this.nodeId = nodeId;
    this.dials = dials;
  }

  /** Dials, on the control loop; completes there within about 500 ms. */
  void dial(Endpoint raft, Uid incarnation, Completion<Outcome> completion) {
    dials.dial(
        raft,
        first -> {
          if (first != Dials.Shown.REFUSED) {
            settle(first, raft, incarnation, completion);
            return;
          }
          loop.schedule(
              BETWEEN_NANOS,
              () -> dials.dial(raft, second -> settle(second, raft, incarnation, completion)));
        });
  }

  private void settle(
      Dials.Shown shown, Endpoint raft, Uid incarnation, Completion<Outcome> completion) {
    if (shown != Dials.Shown.ANSWERED) {
      completion.complete(shown == Dials.Shown.REFUSED ? Outcome.REFUSED : Outcome.NOTHING);
      return;
    }
    // Somebody listens: is it the process that was judged?
    peers
        .at(raft, TimeUnit.MILLISECONDS.toNanos(DIAL_MS))
        .hello(
            HelloRequest.newBuilder().setNodeId(nodeId).build(),
            Peers.<HelloResponse>unary(
                (answer, failure) ->
                    loop.execute(() -> completion.complete(compare(answer, incarnation)))));
  }

  private static Outcome compare(
      @org.jspecify.annotations.Nullable HelloResponse answer, Uid incarnation) {
    if (answer == null || answer.getIncarnation().isEmpty()) {
      return Outcome.NOTHING;
    }
    return Peers.uid(answer.getIncarnation()).equals(incarnation)
        ? Outcome.SAME_PROCESS
        : Outcome.OTHER_PROCESS;
  }
}
