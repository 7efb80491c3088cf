package io.kontiki.chaos.run;

import io.kontiki.chaos.run.cluster.Networking;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run is to be.
 *
 * @param nodes of a cluster of its own: 1, 3 or 5; all vote
 * @param length how long faults are made; one that has begun is undone, and everything checked
 *     afterwards
 * @param faults no more than so many
 * @param kinds of faults to choose from
 * @param seed decides which faults come, whom they hit and for how long
 * @param perSecond records that are written to each partition
 * @param config a file that describes the cluster; null: a fresh one on this machine
 * @param output directory for reports, and for logs if it failed
 * @param faketime where libfaketime lies; null: wherever it lies on this machine
 * @param network what connects the nodes of a fresh cluster
 */
record ChaosOptions(
    int nodes,
    Duration length,
    int faults,
    List<FaultKind> kinds,
    long seed,
    int perSecond,
    @Nullable Path config,
    Path output,
    @Nullable Path faketime,
    Networking network) {
  ChaosOptions {
    kinds = List.copyOf(kinds);
    if (nodes != 3 && nodes != 5) {
      throw new IllegalArgumentException("--nodes " + nodes + " should be 3 or 5");
    }
    if (perSecond < 1 || perSecond > 1_000) {
      throw new IllegalArgumentException("--rate " + perSecond + " should be 1 to 1000");
    }
    if (faults < 1) {
      throw new IllegalArgumentException("--max-faults " + faults + " should be at least 1");
    }
  }
}
