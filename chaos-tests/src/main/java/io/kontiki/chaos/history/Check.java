package io.kontiki.chaos.history;

/**
 * Looks for some kinds of anomalies in what happened to one log: of what was sent, of consumers by
 * themselves, of members of a group, who share it.
 */
interface Check {
  /** Must be linear in the events, but for sorting. */
  void check(LogHistory history, Findings found);
}
