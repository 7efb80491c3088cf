package io.kontiki.model;

/** What an acknowledgement waits for (rules R21, R36). */
public enum Acks {
  /** Every member of the in-sync set holds the records. */
  ALL,
  /** The leader holds them. */
  LEADER,
  /** Nothing. */
  NONE
}
