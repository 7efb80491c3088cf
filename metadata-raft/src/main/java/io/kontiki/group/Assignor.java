package io.kontiki.group;

/** How a group's partitions are dealt out to its members. */
public enum Assignor {
  /** Even, and as few moves as possible. */
  STICKY,
  /** Even over all topics. */
  UNIFORM,
  /** The same partition numbers of all topics to the same member, where it can be. */
  RANGE
}
