package io.kontiki.chaos.history;

/**
 * Somebody has learnt that a value is at an offset.
 *
 * @param begin index of the event with which this somebody asked: what it learnt was true at some
 *     moment between then and {@code end}
 * @param end index of {@code seen}
 * @param cuts when it may cease to be true
 * @param seen an acknowledgement or a read
 */
record Claim(long offset, String value, int begin, int end, Cuts cuts, Event seen) {
  /** Whether the log may have lost records between the two, so that both can be true. */
  boolean mayBeApartFrom(Claim other) {
    int from = Math.min(begin, other.begin);
    int to = Math.max(end, other.end);
    return cuts.anyWithin(from, to) || other.cuts.anyWithin(from, to);
  }

  /** Whether nothing may have made it untrue since. */
  boolean standsToTheEnd() {
    return !cuts.anySince(begin);
  }

  /** The same, learnt by somebody else at the same time. */
  Claim shownBy(Event other) {
    return new Claim(offset, value, begin, end, cuts, other);
  }

  boolean isRead() {
    return seen instanceof Event.Read;
  }
}
