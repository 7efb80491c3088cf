/**
 * Coordinators of consumer groups, and the way to them.
 *
 * <p>{@link io.kontiki.broker.coordinator.Coordinator} runs where a shard of groups is led: it
 * keeps the members' sessions, gathers commands into Raft entries and tells brokers what became of
 * their members (rules G1 to G12); its {@link io.kontiki.broker.coordinator.ClassicDesk} does the
 * same for Kafka clients, who speak to it without links. {@link
 * io.kontiki.broker.coordinator.LinkedGroups} runs on every broker: the port {@link
 * io.kontiki.broker.group.Groups} over a link to each shard's leader. What they say to each other
 * is {@link io.kontiki.broker.coordinator.LinkRequest} and {@link
 * io.kontiki.broker.coordinator.LinkEvent}.
 *
 * <p><b>Pure.</b> Everything belongs to one loop; time, Raft, links and images come from outside.
 */
@NullMarked
package io.kontiki.broker.coordinator;

import org.jspecify.annotations.NullMarked;
