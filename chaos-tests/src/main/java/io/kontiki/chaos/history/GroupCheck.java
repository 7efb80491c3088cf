package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.Event.Assigned;
import io.kontiki.chaos.history.Event.CommitAsked;
import io.kontiki.chaos.history.Event.CommitStored;
import io.kontiki.chaos.history.Event.Delivered;
import io.kontiki.chaos.history.GroupHistory.Tenure;
import org.jspecify.annotations.Nullable;

/**
 * The members of a group share a log so that one has it at a time, and the next begins where the
 * group has committed: not before what anybody was told is stored, not behind what anybody asked
 * to. A stale member whose commit was taken all the same shows as a commit that went back. Nobody
 * seeks, and the group began at the first offset. It had that committed before its first member
 * came: one without members and offsets ends (M19), and its generations begin anew.
 */
final class GroupCheck implements Check {
  @Override
  public void check(LogHistory history, Findings found) {
    history.groups().forEach(group -> check(group, found));
  }

  private static void check(GroupHistory group, Findings found) {
    Tenure before = null;
    CommitAsked asked = null;
    CommitStored stored = null;
    Delivered givenUp = null;
    for (Tenure tenure : group.inOrder()) {
      Assigned begin = tenure.begin();
      if (before != null
          && before.begin().generation() == begin.generation()
          && !before.begin().member().equals(begin.member())) {
        found.add(
            Kind.TWO_OWNERS,
            begin.group() + ": two owners in generation " + begin.generation(),
            before.begin(),
            begin);
      }
      if (stored != null && begin.offset() < stored.offset()) {
        found.add(
            Kind.COMMIT_WENT_BACK,
            begin.group() + ": begins at " + begin.offset() + ", stored was " + stored.offset(),
            stored,
            begin);
      }
      skipped(asked, begin, found);
      if (givenUp != null && begin.offset() < givenUp.to()) {
        found.add(
            Kind.REDELIVERED,
            begin.group()
                + ": begins at "
                + begin.offset()
                + " though what was delivered up to "
                + givenUp.to()
                + " was given up in order",
            givenUp,
            begin);
      }
      delivered(tenure, found);
      asked = farther(asked, tenure.farthestAsked());
      stored = farther(stored, tenure.farthestStored());
      if (tenure.givenUp() != null && !tenure.delivered().isEmpty()) {
        givenUp = farther(givenUp, tenure.delivered().get(tenure.delivered().size() - 1));
      }
      before = tenure;
    }
  }

  private static void skipped(@Nullable CommitAsked asked, Assigned begin, Findings found) {
    if (asked == null && begin.offset() > 0) {
      found.add(
          Kind.SKIPPED,
          begin.group() + ": begins at " + begin.offset() + ", and nobody has committed",
          begin);
    } else if (asked != null && begin.offset() > asked.offset()) {
      found.add(
          Kind.SKIPPED,
          begin.group() + ": begins at " + begin.offset() + ", behind every commit",
          asked,
          begin);
    }
  }

  /** From where it began, in order, without a hole. */
  private static void delivered(Tenure tenure, Findings found) {
    long next = tenure.begin().offset();
    Event last = tenure.begin();
    for (Delivered one : tenure.delivered()) {
      if (one.from() != next) {
        found.add(
            one.from() > next ? Kind.SKIPPED : Kind.WENT_BACK,
            one.group() + ": offset " + one.from() + " instead of " + next,
            last,
            one);
      }
      next = one.to();
      last = one;
    }
  }

  private static @Nullable CommitAsked farther(
      @Nullable CommitAsked one, @Nullable CommitAsked other) {
    return one == null || other != null && other.offset() > one.offset() ? other : one;
  }

  private static @Nullable CommitStored farther(
      @Nullable CommitStored one, @Nullable CommitStored other) {
    return one == null || other != null && other.offset() > one.offset() ? other : one;
  }

  private static Delivered farther(@Nullable Delivered one, Delivered other) {
    return one == null || other.to() > one.to() ? other : one;
  }
}
