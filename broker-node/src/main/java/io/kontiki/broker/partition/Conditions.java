package io.kontiki.broker.partition;

/** What partitions heed besides metadata. Asked on any loop, at every turn: cheap. */
public interface Conditions {
  /** Whether records may be judged by their age: no clock jumped, none disagrees (P17). */
  boolean wallClockTrusted();

  /** Room on the disk of the log directory, as of a moment ago (rule D4). */
  DiskSpace diskSpace();
}
