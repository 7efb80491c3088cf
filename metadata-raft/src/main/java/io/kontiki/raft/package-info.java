/**
 * What the rest of Kontiki knows of Raft: a replicated log of commands applied to a state machine.
 *
 * <p><b>Port.</b> The one real implementation is {@code raft.jraft}; the simulator has a model. No
 * type of either shows here. Start at {@link io.kontiki.raft.RaftGroup}.
 */
@NullMarked
package io.kontiki.raft;

import org.jspecify.annotations.NullMarked;
