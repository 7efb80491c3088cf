/**
 * Raft groups on SOFAJRaft: its RPC on the broker's own gRPC server, its log and vote in our files.
 *
 * <p><b>Shell.</b> The only importer of JRaft; no type of JRaft leaves it. Knows nothing of what
 * the state machines hold. Start at {@link io.kontiki.raft.jraft.JRaftTransport}, one per process,
 * and {@link io.kontiki.raft.jraft.JRaftGroup}, one per group.
 */
@NullMarked
package io.kontiki.raft.jraft;

import org.jspecify.annotations.NullMarked;
