package io.kontiki.broker.quorum;

import io.kontiki.broker.session.Forming;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.model.Uid;
import io.kontiki.runtime.EventLoop;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks the listed voters, before a returning voter's Raft log meets theirs: which cluster they are
 * of, for two logs that were not written by one quorum can agree in term and index and differ in
 * what they say; whether this voter's disk was replaced meanwhile (M16); and at its own address,
 * whether another process is there. Who does not answer cannot be compared; it asks when it starts.
 */
final class SameCluster {
  private static final long ANSWER_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final NodeIdentity identity;
  private final Uid clusterId;
  private final long admittedIndex;
  private final Hellos hellos;
  private final EventLoop loop;

  /**
   * @param clusterId of this node's directory
   * @param admittedIndex see {@link FormingFile.Stored}
   */
  SameCluster(
      NodeIdentity identity, Uid clusterId, long admittedIndex, Hellos hellos, EventLoop loop) {
    this.identity = identity;
    this.clusterId = clusterId;
    this.admittedIndex = admittedIndex;
    this.hellos = hellos;
    this.loop = loop;
  }

  /**
   * Blocks for 1 s at most, and only as long as the answers take if this node answers itself at its
   * own address; not on the loop.
   *
   * @param refused told why this node must not run, on any thread; also later, if an answer is late
   * @return whether nobody has objected so far
   */
  boolean check(Consumer<String> refused) throws InterruptedException {
    CountDownLatch answers = new CountDownLatch(identity.voters().size());
    AtomicBoolean objected = new AtomicBoolean();
    ask(
        why -> {
          objected.set(true);
          refused.accept(why);
        },
        answers::countDown);
    answers.await(Forming.PLACE_NANOS, TimeUnit.NANOSECONDS);
    return !objected.get();
  }

  /**
   * The same without blocking.
   *
   * @param verdict told on the loop, once, whether nobody has objected so far
   */
  void check(Consumer<String> refused, Consumer<Boolean> verdict) {
    AtomicInteger missing = new AtomicInteger(identity.voters().size());
    AtomicBoolean objected = new AtomicBoolean();
    AtomicBoolean told = new AtomicBoolean();
    Runnable tell =
        () -> {
          if (told.compareAndSet(false, true)) {
            verdict.accept(!objected.get());
          }
        };
    ask(
        why -> {
          objected.set(true);
          refused.accept(why);
        },
        () -> {
          if (missing.decrementAndGet() == 0) {
            loop.execute(tell);
          }
        });
    loop.schedule(Forming.PLACE_NANOS, tell);
  }

  /** Each voter is asked; {@code answered} runs once per voter. */
  private void ask(Consumer<String> objects, Runnable answered) {
    identity
        .voters()
        .forEach(
            (id, raft) -> {
              Hellos.Answer end =
                  answer -> {
                    String why =
                        answer == null
                            ? null
                            : objection(identity, clusterId, admittedIndex, id, answer);
                    if (why != null) {
                      objects.accept(why);
                    }
                    answered.run();
                  };
              if (id == identity.nodeId()) {
                hellos.askOwnPlace(raft, loop, ANSWER_NANOS, end);
              } else {
                hellos.ask(raft, Hellos.Seeks.NOTHING, ANSWER_NANOS, end);
              }
            });
  }

  private static @Nullable String objection(
      NodeIdentity identity, Uid clusterId, long admittedIndex, int voter, HelloResponse answer) {
    if (voter == identity.nodeId()) {
      return Peers.uid(answer.getIncarnation()).equals(identity.incarnation())
          ? null
          : Forming.idInUse(
              voter,
              String.valueOf(identity.voters().get(voter)),
              Peers.uid(answer.getDirectoryId()));
    }
    Uid theirs = Peers.uid(answer.getClusterId());
    if (!theirs.equals(Uid.NONE) && !clusterId.equals(Uid.NONE) && !theirs.equals(clusterId)) {
      return "the data directory belongs to cluster "
          + clusterId
          + ", but voter "
          + voter
          + " at "
          + identity.voters().get(voter)
          + " belongs to cluster "
          + theirs;
    }
    Forming.Known own = Hellos.known(answer).get(identity.nodeId());
    // An image of before this directory was taken in proves nothing.
    return answer.getImageIndex() == 0 || answer.getImageIndex() < admittedIndex || own == null
        ? null
        : replaced(identity, own.directoryId());
  }

  /** Why a directory must not vote that the cluster does not know as this node's; null: it may. */
  static @Nullable String replaced(NodeIdentity identity, Uid onRecord) {
    return onRecord.equals(Uid.NONE) || onRecord.equals(identity.directoryId())
        ? null
        : "the data directory "
            + identity.directoryId()
            + " of node "
            + identity.nodeId()
            + " was replaced: the cluster has taken the node in with "
            + onRecord
            + ". What this one holds is out of date: empty data.dir, or use the other (M16)";
  }
}
