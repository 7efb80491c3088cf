package io.kontiki.broker.coordinator;

import io.kontiki.record.Partitioner;
import java.nio.charset.StandardCharsets;

/** Which Raft group is which shard, and which consumer group belongs to it. */
public final class Shards {
  /** What the name of every shard's Raft group begins with, and no other file of a node. */
  public static final String PREFIX = "groups";

  private Shards() {}

  /** The shard of a consumer group; the same on every node, for ever. */
  public static int of(String group, int shards) {
    return (Partitioner.murmur2(group.getBytes(StandardCharsets.UTF_8)) & 0x7fffffff) % shards;
  }

  /** The name of a shard's Raft group, and of its folder. */
  public static String name(int shard, int shards) {
    return shards == 1 ? PREFIX : PREFIX + "-" + shard;
  }
}
