package io.kontiki.replication;

/** What a replication stream is for; each lane has its own connection and budget (rule R33). */
public enum Lane {
  /** Followers that are close to the end: what acknowledgements wait for. */
  LIVE,
  /** Followers that read far behind the end. */
  CATCH_UP
}
