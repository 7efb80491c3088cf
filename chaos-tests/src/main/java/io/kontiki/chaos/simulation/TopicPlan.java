package io.kontiki.chaos.simulation;

import io.kontiki.model.Durability;

/** A topic that a run has. */
public record TopicPlan(
    String name, int partitions, int replication, int minInsync, Durability durability) {}
