/**
 * The metadata as a state machine on a Raft log: decodes, applies, publishes the image, keeps the
 * newest commands for brokers that follow from outside the quorum.
 *
 * <p><b>Shell</b>, thin: knows the codec and {@code io.kontiki.raft}, nothing of threads but that
 * its readers are others than the apply thread. Start at {@link
 * io.kontiki.metadata.machine.MetadataStateMachine}.
 */
@NullMarked
package io.kontiki.metadata.machine;

import org.jspecify.annotations.NullMarked;
