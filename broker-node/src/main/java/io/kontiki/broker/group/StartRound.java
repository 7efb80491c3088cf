package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.OffsetCommit;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Finds where delivery of new partitions begins: at what the group has committed, else where the
 * client says, or at the log start if the group is to miss nothing (rule G9).
 *
 * <p>A start that is not the log start is committed before anything is delivered from it. Else a
 * member that dies with records delivered and nothing committed would leave them to an owner that
 * resolves "latest" anew, behind them (P10).
 */
final class StartRound {
  private final EventLoop loop;
  private final PlaceFinder finder;
  private final Groups groups;
  private final Subscription subscription;
  private final UnderWay underWay;
  private final List<Wanted> wanted;
  private final Completion<SortedMap<PartitionId, Place>> completion;
  private final TreeMap<PartitionId, Place> found = new TreeMap<>();

  /** A partition that came. */
  record Wanted(PartitionId id, Named name, boolean fromStart) {}

  /**
   * @param completion what was found out; the others are to be asked for again
   */
  StartRound(
      EventLoop loop,
      PlaceFinder finder,
      Groups groups,
      Subscription subscription,
      UnderWay underWay,
      List<Wanted> wanted,
      Completion<SortedMap<PartitionId, Place>> completion) {
    this.loop = loop;
    this.finder = finder;
    this.groups = groups;
    this.subscription = subscription;
    this.underWay = underWay;
    this.wanted = wanted;
    this.completion = completion;
  }

  void run() {
    committed(
        subscription.group(),
        wanted,
        missing -> {
          if (missing.isEmpty()) {
            completion.complete(found);
          } else if (subscription.startAt() instanceof StartSpec.CommittedBy other) {
            atOther(other, missing);
          } else {
            list(missing, List.of());
          }
        });
  }

  /** Adds what the group has committed; hands over the rest. */
  private void committed(
      String group, Collection<Wanted> of, Completion<List<Wanted>> completionOfRest) {
    TreeSet<PartitionId> ids = new TreeSet<>();
    of.forEach(one -> ids.add(one.id()));
    groups.offsets(
        CallContext.within(loop, PlaceFinder.OFFSETS_NANOS),
        group,
        ids,
        answer -> {
          if (!(answer instanceof Result.Ok<SortedMap<PartitionId, CommittedOffset>> ok)) {
            completion.complete(found); // a failed look-up is not "nothing committed" (G4)
            return;
          }
          List<Wanted> missing = new ArrayList<>();
          for (Wanted one : of) {
            CommittedOffset offset = ok.value().get(one.id());
            if (offset == null) {
              missing.add(one);
            } else {
              found.put(one.id(), place(one.name(), offset));
            }
          }
          completionOfRest.complete(missing);
        });
  }

  private static Place place(Named name, CommittedOffset offset) {
    return new Place(name, offset.offset(), offset.leaderEpoch(), "");
  }

  private void atOther(StartSpec.CommittedBy other, List<Wanted> missing) {
    List<Wanted> asked = missing.stream().filter(one -> !one.fromStart()).toList();
    committed(
        other.group(),
        asked,
        without -> {
          List<Wanted> taken = asked.stream().filter(one -> !without.contains(one)).toList();
          List<Wanted> rest = missing.stream().filter(one -> !taken.contains(one)).toList();
          list(rest, taken);
        });
  }

  /**
   * @param taken found already, not from this group's commits
   */
  private void list(List<Wanted> missing, List<Wanted> taken) {
    Gather.<Result<Place>>all(
        loop,
        missing.size(),
        i -> Result.error(ApiError.definite(ErrorReason.INTERNAL, "not asked yet")),
        (i, answer) ->
            finder.list(missing.get(i).id(), missing.get(i).name(), spec(missing.get(i)), answer),
        answers -> {
          List<Wanted> uncommitted = new ArrayList<>(taken);
          for (int i = 0; i < missing.size(); i++) {
            if (answers.get(i) instanceof Result.Ok<Place> ok) {
              found.put(missing.get(i).id(), ok.value());
              if (!(spec(missing.get(i)) instanceof StartSpec.Earliest)) {
                uncommitted.add(missing.get(i));
              }
            }
          }
          commit(uncommitted);
        });
  }

  private StartSpec spec(Wanted one) {
    boolean earliest = one.fromStart() || subscription.startAt() instanceof StartSpec.CommittedBy;
    return earliest ? new StartSpec.Earliest() : subscription.startAt();
  }

  private void commit(List<Wanted> starts) {
    if (starts.isEmpty()) {
      completion.complete(found);
      return;
    }
    List<OffsetCommit> commits = new ArrayList<>();
    for (Wanted one : starts) {
      Place place = found.remove(one.id());
      if (place != null) {
        commits.add(new OffsetCommit(one.id(), place.offset(), place.leaderEpoch(), "", false));
      }
    }
    underWay.commit(
        commits,
        answer -> {
          if (answer instanceof Result.Ok<GroupAnswer> ok
              && ok.value() instanceof GroupAnswer.Committed committed) {
            for (Wanted one : starts) {
              CommittedOffset stored = committed.stored().get(one.id());
              if (stored != null) {
                found.put(one.id(), place(one.name(), stored));
              }
            }
          }
          completion.complete(found);
        });
  }
}
