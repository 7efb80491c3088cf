package io.kontiki.group;

/**
 * Bounds of the state of one shard (rule M19). They are part of what apply decides: another number
 * needs another feature level.
 */
public final class GroupLimits {
  /** Groups, empty ones with offsets included. */
  public static final int GROUPS = 50_000;

  /** Members of all groups. */
  public static final int MEMBERS = 100_000;

  /** Members of one group. */
  public static final int MEMBERS_PER_GROUP = 5_000;

  /** Partitions of all topics that a group subscribes to. */
  public static final int PARTITIONS_PER_GROUP = 100_000;

  /** Committed offsets of all groups. */
  public static final int OFFSETS = 2_000_000;

  /** Offsets in one command. */
  public static final int OFFSETS_PER_COMMAND = 10_000;

  /** Highest partition number that an offset may be committed for, plus one. */
  public static final int PARTITIONS_PER_TOPIC = 10_000;

  /** Characters of the metadata of one offset. */
  public static final int METADATA_CHARS = 4_096;

  /** Characters of the metadata of all offsets. */
  public static final long ALL_METADATA_CHARS = 64L << 20;

  /** Characters of the names of groups, members and clients, and of hosts. */
  public static final int NAME_CHARS = 255;

  /** Topic names that one member may list. */
  public static final int TOPICS_PER_MEMBER = 1_000;

  /** Characters of a pattern. */
  public static final int PATTERN_CHARS = 1_000;

  /** Deleted topics that are remembered, the newest ones (rule G8). */
  public static final int FORGOTTEN_TOPICS = 10_000;

  /**
   * Bytes of one classic group, names and what clients tell each other: all of it goes into one
   * entry when a join is completed, and Raft takes 4 MiB.
   */
  public static final int CLASSIC_BYTES_PER_GROUP = 3 << 20;

  /** The same of all groups. */
  public static final long ALL_CLASSIC_BYTES = 128L << 20;

  /** Partitions that the assignments of a classic group may name, for people. */
  public static final int CLASSIC_OWNED_PER_GROUP = 10_000;

  private GroupLimits() {}
}
