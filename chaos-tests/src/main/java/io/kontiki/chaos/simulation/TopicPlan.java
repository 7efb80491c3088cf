package io.kontiki.chaos.simulation;

import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.Durability;
import java.util.Map;
import java.util.TreeMap;

/** A topic that a run has. */
public record TopicPlan(
    String name, int partitions, int replication, int minInsync, Durability durability) {
  /** What an administrator asks for. */
  TopicCreation.Request request() {
    return new TopicCreation.Request(
        name,
        partitions,
        replication,
        new TreeMap<>(
            Map.of(
                "min.insync.replicas",
                String.valueOf(minInsync),
                "durability",
                durability.configValue(),
                "segment.bytes",
                "16384")));
  }
}
