package io.kontiki.broker.api;

/** Names an offset without knowing it. */
public sealed interface StartSpec {
  /** The first record that is still there. */
  record Earliest() implements StartSpec {}

  /** Behind the last committed record. */
  record Latest() implements StartSpec {}

  /** This very offset. */
  record AtOffset(long offset) implements StartSpec {}

  /** The first record with this timestamp or a later one. */
  record AtTime(long timestampMs) implements StartSpec {}

  /** Where a group has committed. */
  record CommittedBy(String group) implements StartSpec {}
}
