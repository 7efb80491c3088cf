/**
 * The shards of consumer groups on this node: their Raft groups, if it votes, and the links between
 * brokers and coordinators.
 *
 * <p><b>Shell.</b> Decisions are in {@code broker.coordinator}. Everything lives on the control
 * loop. Start at {@link io.kontiki.broker.shards.GroupServices}.
 */
@NullMarked
package io.kontiki.broker.shards;

import org.jspecify.annotations.NullMarked;
