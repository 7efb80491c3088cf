package io.kontiki.chaos.history;

/**
 * Looks for some kinds of anomalies in what happened to one log. What members of a group owe each
 * other, which share a log, is another implementation of it, beside those of a consumer by itself.
 */
interface Check {
  /** Must be linear in the events, but for sorting. */
  void check(LogHistory history, Findings found);
}
