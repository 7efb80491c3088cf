package io.kontiki.chaos.groups;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.Log;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a member tells, as one line.
 *
 * @param partition -1: of none
 * @param first of ASSIGNED the generation, of DELIVERED the first offset, of commits the offset
 * @param second of ASSIGNED the offset, of DELIVERED the one behind the last
 */
record MemberLine(Kind kind, String group, String member, int partition, long first, long second) {
  enum Kind {
    ASSIGNED,
    DELIVERED,
    ASKED,
    STORED,
    GIVEN_UP,
    ENDED
  }

  static MemberLine parse(String line) {
    String[] words = line.split(" ", -1);
    if (words.length != 6) {
      throw new IllegalArgumentException("not a member's line: " + line);
    }
    return new MemberLine(
        Kind.valueOf(words[0]),
        words[1],
        words[2],
        Integer.parseInt(words[3]),
        Long.parseLong(words[4]),
        Long.parseLong(words[5]));
  }

  /** For the history; null: it says nothing about a log. */
  @Nullable Event event(String topic) {
    Log log = new Log(topic, partition);
    return switch (kind) {
      case ASSIGNED -> new Event.Assigned(group, member, log, (int) first, second);
      case DELIVERED -> new Event.Delivered(group, member, log, first, second);
      case ASKED -> new Event.CommitAsked(group, member, log, first);
      case STORED -> new Event.CommitStored(group, member, log, first);
      case GIVEN_UP -> new Event.GivenUp(group, member, log);
      case ENDED -> null;
    };
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "%s %s %s %d %d %d", kind, group, member, partition, first, second);
  }
}
