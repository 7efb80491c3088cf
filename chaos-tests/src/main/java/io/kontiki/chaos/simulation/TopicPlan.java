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
 * @param dirtyPercent that is worth a pass of compaction; -1: is not compacted
 * @param tombstoneMs how long a tombstone stays
 */
public record TopicPlan(
    String name,
    int partitions,
    int replication,
    int minInsync,
    Durability durability,
    long retentionBytes,
    long retentionMs,
    int dirtyPercent,
    long tombstoneMs) {
  /** A topic that keeps everything. */
  public TopicPlan(
      String name, int partitions, int replication, int minInsync, Durability durability) {
    this(name, partitions, replication, minInsync, durability, -1, -1, -1, -1);
  }

  /** The same with a limit. */
  TopicPlan keeping(long bytes, long ms) {
    return new TopicPlan(
        name, partitions, replication, minInsync, durability, bytes, ms, dirtyPercent, tombstoneMs);
  }

  /** The same with another {@code min.insync.replicas}. */
  TopicPlan withMinInsync(int count) {
    return new TopicPlan(
        name,
        partitions,
        replication,
        count,
        durability,
        retentionBytes,
        retentionMs,
        dirtyPercent,
        tombstoneMs);
  }

  /** The same, with records that have keys, of which the newest stays. */
  TopicPlan compacted(int percent, long newTombstoneMs) {
    return new TopicPlan(
        name,
        partitions,
        replication,
        minInsync,
        durability,
        retentionBytes,
        retentionMs,
        percent,
        newTombstoneMs);
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
                dirtyPercent < 0 ? "16384" : "10240"));
    if (dirtyPercent >= 0) {
      boolean deletes = retentionBytes >= 0 || retentionMs >= 0;
      config.put("cleanup.policy", deletes ? "compact,delete" : "compact");
      config.put("min.cleanable.dirty.ratio", String.valueOf(dirtyPercent / 100.0));
      config.put("delete.retention.ms", String.valueOf(tombstoneMs));
    }
    if (retentionBytes >= 0) {
      config.put("retention.bytes", String.valueOf(retentionBytes));
    }
    if (retentionMs >= 0) {
      config.put("retention.ms", String.valueOf(retentionMs));
    }
    return new TopicCreation.Request(name, partitions, replication, new TreeMap<>(config));
  }
}
