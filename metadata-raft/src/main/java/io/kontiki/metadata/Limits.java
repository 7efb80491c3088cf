package io.kontiki.metadata;

/**
 * Bounds of the state (rule M19). They are part of what apply decides: another number needs another
 * feature level.
 */
public final class Limits {
  /** Registered brokers. */
  public static final int BROKERS = 1_000;

  /** Topics and tombstones together. */
  public static final int TOPICS = 50_000;

  /** Partitions of one topic. */
  public static final int PARTITIONS_PER_TOPIC = 10_000;

  /** Replicas of all partitions together. */
  public static final int REPLICAS = 300_000;

  /** Partitions whose replicas are on their way at a time. */
  public static final int REASSIGNING = 10_000;

  /** Replicas of one partition, those that come or go included. */
  public static final int REPLICAS_PER_PARTITION = 100;

  /** Characters of a reason that an operator gives. */
  public static final int REASON_CHARS = 1_000;

  /** Settings of one topic. */
  public static final int CONFIG_ENTRIES = 100;

  /** Characters of a setting's key and value together. */
  public static final int CONFIG_CHARS = 1_000;

  /** Voters. */
  public static final int VOTERS = 5;

  /** Raft groups of consumer groups. */
  public static final int GROUP_SHARDS = 4;

  /** Producer ids in one block. */
  public static final int PRODUCER_ID_BLOCK = 1_000_000;

  private Limits() {}
}
