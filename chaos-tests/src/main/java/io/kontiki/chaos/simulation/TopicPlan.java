package io.kontiki.chaos.simulation;

import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.Durability;
import java.util.Map;
import java.util.TreeMap;

/**
 * A topic that a run has.
 *
 * @param retentionBytes of a partition; -1: as the default is
 * @param retentionMs of records; -1: as the default is
 */
public record TopicPlan(
    String name,
    int partitions,
    int replication,
    int minInsync,
    Durability durability,
    long retentionBytes,
    long retentionMs) {
  /** A topic that keeps everything. */
  public TopicPlan(
      String name, int partitions, int replication, int minInsync, Durability durability) {
    this(name, partitions, replication, minInsync, durability, -1, -1);
  }

  /** The same with a limit. */
  TopicPlan keeping(long bytes, long ms) {
    return new TopicPlan(name, partitions, replication, minInsync, durability, bytes, ms);
  }

  /** What an administrator asks for. */
  TopicCreation.Request request() {
    Map<String, String> config =
        new TreeMap<>(
            Map.of(
                "min.insync.replicas",
                String.valueOf(minInsync),
                "durability",
                durability.configValue(),
                "segment.bytes",
                "16384"));
    if (retentionBytes >= 0) {
      config.put("retention.bytes", String.valueOf(retentionBytes));
    }
    if (retentionMs >= 0) {
      config.put("retention.ms", String.valueOf(retentionMs));
    }
    return new TopicCreation.Request(name, partitions, replication, new TreeMap<>(config));
  }
}
