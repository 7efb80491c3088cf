/**
 * A shard of consumer groups as a state machine on a Raft log: decodes, applies, publishes groups
 * to readers, says what changed.
 *
 * <p><b>Shell</b>, thin: knows the codec and {@code io.kontiki.raft}, nothing of threads but that
 * its readers are others than the apply thread. Start at {@link
 * io.kontiki.group.machine.GroupStateMachine}.
 */
@NullMarked
package io.kontiki.group.machine;

import org.jspecify.annotations.NullMarked;
