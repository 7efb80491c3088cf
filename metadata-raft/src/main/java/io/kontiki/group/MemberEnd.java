package io.kontiki.group;

/**
 * How a membership ended.
 *
 * @param detail of an expiry its reason, of a replacement the id of the member that took the place
 */
public record MemberEnd(Kind kind, String detail) {
  /** The ways to end. */
  public enum Kind {
    /** Of its own will. */
    LEFT,
    /** Its session passed, or its broker was fenced. */
    EXPIRED,
    /** A stream with the same static name took its place. */
    REPLACED
  }
}
