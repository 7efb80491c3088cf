package io.kontiki.broker.coordinator;

import io.kontiki.record.Partitioner;
import java.nio.charset.StandardCharsets;

/** Which Raft group is which shard, and which consumer group belongs to it. */
public final class Shards {
  private static final String NAME = "groups";

  private Shards() {}

  /** The shard of a consumer group; the same on every node, for ever. */
  public static int of(String group, int shards) {
    return (Partitioner.murmur2(group.getBytes(StandardCharsets.UTF_8)) & 0x7fffffff) % shards;
  }

  /** The name of a shard's Raft group, and of its folder. */
  public static String name(int shard, int shards) {
    return shards == 1 ? NAME : NAME + "-" + shard;
  }
}
