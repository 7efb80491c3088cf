/**
 * Raft groups without a network, a disk or an election: nodes that share one committed log.
 *
 * <p><b>Pure.</b> For tests of whatever stands on {@link io.kontiki.raft.RaftGroup}, and for runs
 * in one process: state machines, terms, leadership and lost contact behave as the port says, in an
 * order that depends on the calls alone. Knows no threads and no time. Start at {@link
 * io.kontiki.raft.memory.MemoryRaft}.
 */
@NullMarked
package io.kontiki.raft.memory;

import org.jspecify.annotations.NullMarked;
