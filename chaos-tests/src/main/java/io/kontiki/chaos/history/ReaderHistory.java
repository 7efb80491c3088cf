package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Event.Asked;
import io.kontiki.chaos.history.Event.EndReached;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What one consumer saw of one log. */
final class ReaderHistory {
  private final List<Claim> reads = new ArrayList<>();
  private final List<End> ends = new ArrayList<>();
  private long start;
  private int askedAt;
  private boolean asked;
  private @Nullable Claim knownWhenAsked;
  private @Nullable Claim farthest;

  /**
   * It was told where the log ends.
   *
   * @param asked index of the event with which it asked
   * @param known the farthest that was known of the log then
   */
  record End(EndReached event, int asked, int at, @Nullable Claim known) {}

  void onAsked(Asked event, int index, @Nullable Claim known) {
    if (!asked && reads.isEmpty()) {
      start = event.offset();
    }
    asked = true;
    askedAt = index;
    knownWhenAsked = known;
  }

  void onRead(Claim read) {
    reads.add(read);
    if (farthest == null || read.offset() > farthest.offset()) {
      farthest = read;
    }
  }

  void onEnd(EndReached event, int index) {
    if (!asked) {
      throw new IllegalArgumentException(event + " answers nothing that this consumer asked");
    }
    ends.add(new End(event, askedAt, index, knownWhenAsked));
  }

  /** Index of what it asked last; 0 if that is not known. */
  int askedAt() {
    return askedAt;
  }

  /** Where it began. */
  long start() {
    return start;
  }

  /** Of what it read, from its start on; what is before it, it has read or passed over. */
  @Nullable Claim farthest() {
    return farthest;
  }

  List<Claim> reads() {
    return reads;
  }

  List<End> ends() {
    return ends;
  }

  @Nullable End lastEnd() {
    return ends.isEmpty() ? null : ends.get(ends.size() - 1);
  }
}
