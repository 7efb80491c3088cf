/**
 * Consumer groups: members, who owns which partition in which generation, committed offsets; the
 * commands that change them, and their application as a pure function of (state, command).
 *
 * <p><b>Pure.</b> Knows nothing of Raft, clocks, sessions or the network; topics reach it only
 * inside commands (rule G7). Start at {@link io.kontiki.group.GroupCommand} and {@link
 * io.kontiki.group.GroupState}.
 */
@NullMarked
package io.kontiki.group;

import org.jspecify.annotations.NullMarked;
