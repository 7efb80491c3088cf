package io.kontiki.broker.quorum;

import io.kontiki.broker.session.Forming;
import io.kontiki.internal.v1.HelloRequest;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.runtime.EventLoop;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Asks listed voters who they are, and says who this node is. Any thread. */
final class Hellos {
  private static final long PLACE_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final NodeIdentity identity;
  private final Uid clusterId;
  private final Peers peers;

  /** What the asker wants of the metadata leader, should it be the one who is asked. */
  enum Seeks {
    /** Nothing. */
    NOTHING,
    /** To be taken in with a directory that has never voted. */
    EMPTY,
    /** To be put on record: it votes since the cluster was formed. */
    RECORD,
    /** To hear that it may stop its Raft: it is no voter any more, or may be none (M23). */
    LEAVE
  }

  /**
   * @param clusterId of the node's directory when the process started
   */
  Hellos(NodeIdentity identity, Uid clusterId, Peers peers) {
    this.identity = identity;
    this.clusterId = clusterId;
    this.peers = peers;
  }

  /**
   * Asks whoever is at the listed address of a voter, which may be this process.
   *
   * @param answered called with the answer, on a gRPC thread; not at all without one
   */
  void ask(int voterId, Seeks seeks, long timeoutNanos, Consumer<HelloResponse> answered) {
    Endpoint voter = Objects.requireNonNull(identity.voters().get(voterId));
    ask(
        voter,
        seeks,
        timeoutNanos,
        answer -> {
          if (answer != null) {
            answered.accept(answer);
          }
        });
  }

  /**
   * The same at any address.
   *
   * @param end called once, with null without an answer
   */
  void ask(Endpoint raft, Seeks seeks, long timeoutNanos, Answer end) {
    peers
        .at(raft, timeoutNanos)
        .hello(
            HelloRequest.newBuilder()
                .setNodeId(identity.nodeId())
                .setDirectoryId(Peers.bytes(identity.directoryId()))
                .setClusterId(Peers.bytes(clusterId))
                .setVoters(identity.votersText())
                .setSeeksAdmission(seeks == Seeks.EMPTY || seeks == Seeks.RECORD)
                .setVotes(seeks == Seeks.RECORD)
                .setLeaves(seeks == Seeks.LEAVE)
                .build(),
            Peers.<HelloResponse>unary((answer, failure) -> end.complete(answer)));
  }

  /**
   * Asks whoever is at this node's own address, and again for a second if nothing comes of it: a
   * connection that breaks does not say that nobody is there (R35).
   *
   * @param timeoutNanos of each question
   * @param end called once, with null if nobody has answered
   */
  void askOwnPlace(Endpoint raft, EventLoop loop, long timeoutNanos, Answer end) {
    askOwnPlace(raft, loop, timeoutNanos, loop.clock().nanoTime() + Forming.PLACE_NANOS, end);
  }

  private void askOwnPlace(
      Endpoint raft, EventLoop loop, long timeoutNanos, long until, Answer end) {
    ask(
        raft,
        Seeks.NOTHING,
        timeoutNanos,
        answer -> {
          if (answer != null || loop.clock().nanoTime() + PLACE_AGAIN_NANOS - until > 0) {
            end.complete(answer);
          } else {
            loop.schedule(
                PLACE_AGAIN_NANOS, () -> askOwnPlace(raft, loop, timeoutNanos, until, end));
          }
        });
  }

  /** What comes of a question. */
  interface Answer {
    /** Null: nothing. */
    void complete(@org.jspecify.annotations.Nullable HelloResponse answer);
  }

  /** Voters and their directories as the answering node knows them. */
  static SortedMap<Integer, Forming.Known> known(HelloResponse answer) {
    SortedMap<Integer, Forming.Known> known = new TreeMap<>();
    answer
        .getFormingSetList()
        .forEach(
            voter ->
                known.put(
                    voter.getNodeId(),
                    new Forming.Known(
                        Peers.uid(voter.getDirectoryId()), voter.getInConfiguration())));
    return known;
  }
}
