package io.kontiki.broker.quorum;

import io.kontiki.internal.v1.HelloRequest;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Asks the other voters which cluster they are of, before a returning voter's Raft log meets
 * theirs: two logs that were not written by one quorum can agree in term and index and differ in
 * what they say. Who does not answer cannot be compared; it asks when it starts.
 */
final class SameCluster {
  private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(300);

  private SameCluster() {}

  /**
   * Blocks for 300 ms at most, and for as long as a refused connection takes if nobody is there.
   *
   * @param clusterId of this node's directory
   * @return why this node must not start, or null
   */
  static @Nullable String objection(NodeIdentity identity, Uid clusterId, Peers peers)
      throws InterruptedException {
    CountDownLatch answers = new CountDownLatch(identity.voters().size() - 1);
    AtomicReference<@Nullable String> objection = new AtomicReference<>();
    for (Map.Entry<Integer, Endpoint> voter : identity.voters().entrySet()) {
      if (voter.getKey() == identity.nodeId()) {
        continue;
      }
      peers
          .at(voter.getValue(), PATIENCE_NANOS)
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
                      objection.compareAndSet(
                          null,
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
    answers.await(2 * PATIENCE_NANOS, TimeUnit.NANOSECONDS);
    return objection.get();
  }
}
