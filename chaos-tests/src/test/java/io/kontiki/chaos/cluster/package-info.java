/**
 * Clusters of real server processes, faults for them, and clients that write down what they see.
 * Shell. Uses the public API and the server's main class only. Start at {@link
 * io.kontiki.chaos.cluster.ProcessCluster}.
 */
@NullMarked
package io.kontiki.chaos.cluster;

import org.jspecify.annotations.NullMarked;
