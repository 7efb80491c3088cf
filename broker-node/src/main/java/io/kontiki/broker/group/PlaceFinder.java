package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.ListOffset;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.group.CommittedOffset;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

/**
 * Finds places that are named without their offset. What cannot be found out is tried again as long
 * as somebody wants to know: it is never taken for "nothing there", nor for 0 (rules G4, P10).
 */
final class PlaceFinder {
  static final long LIST_NANOS = 2_000_000_000L;
  static final long OFFSETS_NANOS = 5_000_000_000L;
  static final long PAUSE_NANOS = 100_000_000;

  private final EventLoop loop;
  private final PartitionRequests partitions;
  private final Groups groups;

  PlaceFinder(EventLoop loop, PartitionRequests partitions, Groups groups) {
    this.loop = loop;
    this.partitions = partitions;
    this.groups = groups;
  }

  /**
   * The place in a partition; where another group has committed nothing, the log start.
   *
   * @param wanted whether anybody waits for the answer; else there is none
   */
  void find(
      PartitionId id, Named name, StartSpec to, BooleanSupplier wanted, Completion<Place> found) {
    if (!wanted.getAsBoolean()) {
      return;
    }
    if (to instanceof StartSpec.AtOffset at) {
      found.complete(new Place(name, at.offset(), Place.NO_EPOCH, ""));
    } else if (to instanceof StartSpec.CommittedBy other) {
      committed(id, name, other, wanted, found);
    } else {
      list(
          id,
          name,
          to,
          place -> {
            if (place instanceof Result.Ok<Place> ok) {
              found.complete(ok.value());
            } else {
              again(id, name, to, wanted, found);
            }
          });
    }
  }

  private void again(
      PartitionId id, Named name, StartSpec to, BooleanSupplier wanted, Completion<Place> found) {
    loop.schedule(PAUSE_NANOS, () -> find(id, name, to, wanted, found));
  }

  private void committed(
      PartitionId id,
      Named name,
      StartSpec.CommittedBy other,
      BooleanSupplier wanted,
      Completion<Place> found) {
    TreeSet<PartitionId> one = new TreeSet<>();
    one.add(id);
    groups.offsets(
        CallContext.within(loop, OFFSETS_NANOS),
        other.group(),
        one,
        answer -> {
          if (!(answer instanceof Result.Ok<SortedMap<PartitionId, CommittedOffset>> ok)) {
            again(id, name, other, wanted, found);
            return;
          }
          CommittedOffset offset = ok.value().get(id);
          if (offset == null) {
            find(id, name, new StartSpec.Earliest(), wanted, found);
          } else if (wanted.getAsBoolean()) {
            found.complete(new Place(name, offset.offset(), offset.leaderEpoch(), ""));
          }
        });
  }

  /** One look at the leader; answered on the loop. */
  void list(PartitionId id, Named name, StartSpec to, Completion<Result<Place>> found) {
    OffsetQuery query = OffsetListing.query(to);
    partitions.listOffset(
        new ListOffset(id, query, loop.clock().nanoTime() + LIST_NANOS, Route.FORWARD),
        answer ->
            CallContext.onLoop(
                loop,
                () -> {
                  if (answer instanceof OffsetAnswer.Failed failed) {
                    found.complete(Result.error(failed.error()));
                    return;
                  }
                  OffsetAnswer.Found at = (OffsetAnswer.Found) answer;
                  // By time the leader tells the epoch of the record found, not of the one before.
                  boolean byTime = query instanceof OffsetQuery.AtTime && at.timestampMs() >= 0;
                  found.complete(
                      Result.ok(
                          new Place(
                              name, at.offset(), byTime ? Place.NO_EPOCH : at.leaderEpoch(), "")));
                }));
  }
}
