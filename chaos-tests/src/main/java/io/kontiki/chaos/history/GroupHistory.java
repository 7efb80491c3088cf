package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Event.Assigned;
import io.kontiki.chaos.history.Event.CommitAsked;
import io.kontiki.chaos.history.Event.CommitStored;
import io.kontiki.chaos.history.Event.Delivered;
import io.kontiki.chaos.history.Event.GivenUp;
import io.kontiki.chaos.history.Event.InGroup;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Who of one group had one log, and what came of it. */
final class GroupHistory {
  /** One member has the log, from an assignment to its next, or to its end. */
  static final class Tenure {
    private final Assigned begin;
    private final List<Delivered> delivered = new ArrayList<>();
    private @Nullable CommitAsked farthestAsked;
    private @Nullable CommitStored farthestStored;
    private @Nullable GivenUp givenUp;

    Tenure(Assigned begin) {
      this.begin = begin;
    }

    Assigned begin() {
      return begin;
    }

    List<Delivered> delivered() {
      return delivered;
    }

    @Nullable CommitAsked farthestAsked() {
      return farthestAsked;
    }

    @Nullable CommitStored farthestStored() {
      return farthestStored;
    }

    @Nullable GivenUp givenUp() {
      return givenUp;
    }

    private void add(InGroup event) {
      if (event instanceof Delivered one) {
        delivered.add(one);
      } else if (event instanceof CommitAsked asked) {
        if (farthestAsked == null || asked.offset() > farthestAsked.offset()) {
          farthestAsked = asked;
        }
      } else if (event instanceof CommitStored stored) {
        if (farthestStored == null || stored.offset() > farthestStored.offset()) {
          farthestStored = stored;
        }
      } else if (event instanceof GivenUp end) {
        givenUp = end;
      }
    }
  }

  private final List<Tenure> tenures = new ArrayList<>();
  private final Map<String, Tenure> present = new HashMap<>();

  /**
   * In the order of the history.
   *
   * @throws IllegalArgumentException if the member was never assigned the log
   */
  void add(InGroup event) {
    if (event instanceof Assigned begin) {
      Tenure tenure = new Tenure(begin);
      tenures.add(tenure);
      present.put(event.member(), tenure);
      return;
    }
    Tenure tenure = present.get(event.member());
    if (tenure == null) {
      throw new IllegalArgumentException(event + " without an assignment before it");
    }
    tenure.add(event);
  }

  /** By generation. */
  List<Tenure> inOrder() {
    List<Tenure> sorted = new ArrayList<>(tenures);
    sorted.sort(Comparator.comparingInt(tenure -> tenure.begin().generation()));
    return sorted;
  }
}
