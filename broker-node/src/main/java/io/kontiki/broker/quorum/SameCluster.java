package io.kontiki.broker.quorum;

import io.kontiki.internal.v1.HelloRequest;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Asks the other voters which cluster they are of, before a returning voter's Raft log meets
 * theirs: two logs that were not written by one quorum can agree in term and index and differ in
 * what they say. Who does not answer cannot be compared; it asks when it starts.
 */
final class SameCluster {
  private static final long WAIT_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long ANSWER_NANOS = TimeUnit.SECONDS.toNanos(5);

  private SameCluster() {}

  /**
   * Blocks for 1 s at most, and only as long as a refused connection takes if nobody is there.
   *
   * @param clusterId of this node's directory
   * @param refused told why this node must not run, on any thread; also later, if an answer is late
   * @return whether nobody has objected so far
   */
  static boolean check(NodeIdentity identity, Uid clusterId, Peers peers, Consumer<String> refused)
      throws InterruptedException {
    CountDownLatch answers = new CountDownLatch(identity.voters().size() - 1);
    AtomicBoolean objected = new AtomicBoolean();
    for (Map.Entry<Integer, Endpoint> voter : identity.voters().entrySet()) {
      if (voter.getKey() == identity.nodeId()) {
        continue;
      }
      peers
          .at(voter.getValue(), ANSWER_NANOS)
          .hello(
              HelloRequest.newBuilder()
                  .setNodeId(identity.nodeId())
                  .setDirectoryId(Peers.bytes(identity.directoryId()))
                  .setVoters(identity.votersText())
                  .build(),
              Peers.<HelloResponse>unary(
                  (answer, failure) -> {
                    Uid theirs = answer == null ? Uid.NONE : Peers.uid(answer.getClusterId());
                    if (!theirs.equals(Uid.NONE) && !theirs.equals(clusterId)) {
                      objected.set(true);
                      refused.accept(
                          "the data directory belongs to cluster "
                              + clusterId
                              + ", but voter "
                              + voter.getKey()
                              + " at "
                              + voter.getValue()
                              + " belongs to cluster "
                              + theirs);
                    }
                    answers.countDown();
                  }));
    }
    answers.await(WAIT_NANOS, TimeUnit.NANOSECONDS);
    return !objected.get();
  }
}
