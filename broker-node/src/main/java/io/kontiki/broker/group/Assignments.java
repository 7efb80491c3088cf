package io.kontiki.broker.group;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.group.ConsumeEvent.RevokeReason;
import io.kontiki.broker.group.Delivery.State;
import io.kontiki.group.MemberState;
import io.kontiki.group.OwnedPartition;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a member owns, and what its client has been told of it. A partition is shown to the client
 * once it is known where delivery begins; one that must go is given up as soon as nothing of it is
 * open, and delivered from no more once the client has heard. Lives on the stream's loop.
 */
final class Assignments {
  private static final int MAX_DELETED = 1000;

  private final EventLoop loop;
  private final Subscription subscription;
  private final Metadata metadata;
  private final Deliveries deliveries;
  private final Outbox outbox;
  private final Membership membership;
  private final UnderWay underWay;
  private final Starts starts;
  private final Runnable firstTold;
  private final TreeMap<PartitionId, Newcomer> newcomers = new TreeMap<>();
  private final TreeMap<PartitionId, Delivery> byId = new TreeMap<>();

  /** Newcomers whose start is not asked for before commits for them are answered. */
  private final TreeSet<PartitionId> held = new TreeSet<>();

  private final LinkedHashSet<String> deletedTopics = new LinkedHashSet<>();
  private String memberId = "";
  private int epoch;
  private boolean told;
  private boolean over;

  /** Owned, and not shown to the client yet. */
  private static final class Newcomer {
    final OwnedPartition how;
    boolean released;

    Newcomer(OwnedPartition how) {
      this.how = how;
    }
  }

  /** Finds where delivery begins. */
  interface Starts {
    void find(
        List<StartRound.Wanted> wanted,
        io.kontiki.runtime.Completion<SortedMap<PartitionId, Place>> completion);
  }

  /**
   * @param firstTold called when the first {@code assigned} has gone
   */
  Assignments(
      EventLoop loop,
      Subscription subscription,
      Metadata metadata,
      Deliveries deliveries,
      Outbox outbox,
      Membership membership,
      UnderWay underWay,
      Starts starts,
      Runnable firstTold) {
    this.loop = loop;
    this.subscription = subscription;
    this.metadata = metadata;
    this.deliveries = deliveries;
    this.outbox = outbox;
    this.membership = membership;
    this.underWay = underWay;
    this.starts = starts;
    this.firstTold = firstTold;
    underWay.onAnswered(this::findHeldStarts);
  }

  /** The member is this now. */
  void changed(MemberState now, SortedMap<PartitionId, MemberListener.Gone> gone) {
    memberId = now.id();
    epoch = now.epoch();
    lose(now, gone);
    List<PartitionId> fresh = new ArrayList<>();
    List<Named> revoking = new ArrayList<>();
    now.owned()
        .forEach(
            (id, owned) -> {
              Delivery delivery = byId.get(id);
              if (delivery == null) {
                newcomer(id, owned, fresh);
              } else if (owned.revoking()) {
                revoke(delivery, revoking);
              } else {
                keep(delivery);
              }
            });
    if (!revoking.isEmpty()) {
      outbox.send(new ConsumeEvent.Revoking(revoking, subscription.revokeTimeoutMs()));
    }
    if (!fresh.isEmpty()) {
      findStarts(fresh);
    } else if (newcomers.isEmpty()) {
      tell(List.of());
    }
  }

  /** No more partitions are shown. */
  void stop() {
    over = true;
    newcomers.clear();
    held.clear();
  }

  /** Whether the client has heard of its first assignment. */
  boolean told() {
    return told;
  }

  private void lose(MemberState now, SortedMap<PartitionId, MemberListener.Gone> gone) {
    Map<RevokeReason, List<Named>> lost = new EnumMap<>(RevokeReason.class);
    for (Delivery delivery : new ArrayList<>(byId.values())) {
      OwnedPartition owned = now.owned().get(delivery.id);
      if (owned != null && owned.since() <= delivery.since) {
        continue;
      }
      // Owned since later: it went, and came again in a state that was not told.
      RevokeReason reason = reason(gone.get(delivery.id), delivery);
      lost.computeIfAbsent(reason, r -> new ArrayList<>()).add(delivery.name);
      forget(delivery);
      if (reason == RevokeReason.TOPIC_DELETED) {
        deleted(delivery.name.topic());
      }
    }
    lost.forEach((reason, names) -> outbox.send(new ConsumeEvent.Revoked(names, reason)));
    newcomers
        .entrySet()
        .removeIf(
            entry -> {
              OwnedPartition owned = now.owned().get(entry.getKey());
              return owned == null || owned.since() > entry.getValue().how.since();
            });
  }

  private static RevokeReason reason(MemberListener.@Nullable Gone gone, Delivery delivery) {
    if (gone == null) {
      boolean late = delivery.state == State.DRAINING && delivery.open();
      return late ? RevokeReason.TIMEOUT : RevokeReason.REBALANCE;
    }
    return switch (gone) {
      case RELEASED -> RevokeReason.REBALANCE;
      case TIMEOUT -> RevokeReason.TIMEOUT;
      case TOPIC_DELETED -> RevokeReason.TOPIC_DELETED;
    };
  }

  private void forget(Delivery delivery) {
    byId.remove(delivery.id);
    deliveries.remove(delivery);
  }

  private void deleted(String topic) {
    deletedTopics.add(topic);
    if (deletedTopics.size() > MAX_DELETED) {
      deletedTopics.remove(deletedTopics.iterator().next());
    }
  }

  private void newcomer(PartitionId id, OwnedPartition owned, List<PartitionId> fresh) {
    if (over) {
      return;
    }
    Newcomer known = newcomers.get(id);
    if (owned.revoking()) {
      if (known == null || !known.released) {
        // The client has not heard of it: nothing can be open.
        Newcomer released = new Newcomer(owned);
        released.released = true;
        newcomers.put(id, released);
        membership.release(List.of(id));
      }
    } else if (known == null || known.released) {
      newcomers.put(id, new Newcomer(owned));
      fresh.add(id);
    }
  }

  private void revoke(Delivery delivery, List<Named> revoking) {
    if (delivery.state == State.DRAINING) {
      if (delivery.keptAfterAll) {
        delivery.keptAfterAll = false;
        settle(delivery);
      }
      return;
    }
    deliveries.drain(delivery);
    if (subscription.assignmentsOnly() || delivery.open()) {
      delivery.toldRevoking = true;
      revoking.add(delivery.name);
    } else {
      membership.release(List.of(delivery.id));
    }
  }

  /** It is the member's, and need not go. */
  private void keep(Delivery delivery) {
    if (delivery.state != State.DRAINING || delivery.keptAfterAll) {
      return;
    }
    if (!delivery.toldRevoking) {
      deliveries.keep(delivery);
      return;
    }
    // The client expects it to go: it goes, and comes again, without another owner in between.
    delivery.keptAfterAll = true;
    loop.schedule(
        subscription.revokeTimeoutMs() * 1_000_000L,
        () -> {
          if (delivery.keptAfterAll && byId.get(delivery.id) == delivery && !over) {
            comeAgain(delivery, RevokeReason.TIMEOUT);
          }
        });
    settle(delivery);
  }

  /**
   * Gives a partition up that has to go, if nothing of it is open. One that only comes again waits
   * for the answers to its commits.
   */
  void settle(Delivery delivery) {
    if (delivery.state != State.DRAINING || delivery.open() || subscription.assignmentsOnly()) {
      return;
    }
    if (!delivery.keptAfterAll) {
      membership.release(List.of(delivery.id));
    } else if (!underWay.has(delivery.id)) {
      comeAgain(delivery, RevokeReason.REBALANCE);
    }
  }

  /** The client gives up what is still open. */
  void release(List<Named> partitions) {
    List<PartitionId> released = new ArrayList<>();
    for (Named name : partitions) {
      Delivery delivery = deliveries.get(name);
      if (delivery == null || delivery.state != State.DRAINING) {
        continue;
      }
      if (delivery.keptAfterAll) {
        comeAgain(delivery, RevokeReason.REBALANCE);
      } else {
        released.add(delivery.id);
      }
    }
    if (!released.isEmpty()) {
      membership.release(released);
    }
  }

  private void comeAgain(Delivery delivery, RevokeReason reason) {
    forget(delivery);
    outbox.send(new ConsumeEvent.Revoked(List.of(delivery.name), reason));
    if (!over) {
      newcomers.put(delivery.id, new Newcomer(new OwnedPartition(delivery.since, false, false)));
      findStarts(List.of(delivery.id));
    }
  }

  private void findStarts(List<PartitionId> fresh) {
    ClusterImage image = metadata.image();
    boolean holds = false;
    List<StartRound.Wanted> wanted = new ArrayList<>();
    Map<PartitionId, Newcomer> asked = new TreeMap<>();
    for (PartitionId id : fresh) {
      Newcomer newcomer = newcomers.get(id);
      TopicImage topic = image.topics().get(id.topicId());
      if (newcomer == null || newcomer.released) {
        continue;
      }
      if (underWay.has(id)) {
        held.add(id);
        holds = true;
        continue;
      }
      asked.put(id, newcomer);
      if (topic != null) {
        Named name = new Named(topic.name(), id.partition());
        wanted.add(new StartRound.Wanted(id, name, newcomer.how.fromStart()));
      }
    }
    if (asked.isEmpty() && holds) {
      return;
    }
    if (wanted.isEmpty()) {
      onFound(asked, new TreeMap<>()); // this broker's image is behind the coordinator's
    } else {
      starts.find(wanted, found -> onFound(asked, found));
    }
  }

  /** Commits were answered. */
  private void findHeldStarts() {
    List<PartitionId> free = held.stream().filter(id -> !underWay.has(id)).toList();
    if (!free.isEmpty()) {
      free.forEach(held::remove);
      findStarts(free);
    }
  }

  private void onFound(Map<PartitionId, Newcomer> asked, SortedMap<PartitionId, Place> found) {
    if (over) {
      return;
    }
    List<Place> places = new ArrayList<>();
    List<PartitionId> again = new ArrayList<>();
    List<Delivery> begun = new ArrayList<>();
    asked.forEach(
        (id, newcomer) -> {
          if (newcomers.get(id) != newcomer || newcomer.released) {
            return; // it has gone meanwhile
          }
          Place place = found.get(id);
          // A topic made again under its name waits until the one before has gone.
          if (place == null || deliveries.get(place.partition()) != null) {
            again.add(id);
            return;
          }
          newcomers.remove(id);
          places.add(place);
          begun.add(
              new Delivery(
                  id, place.partition(), newcomer.how.since(), deliveries.flow().ledger(), place));
        });
    if (!again.isEmpty()) {
      loop.schedule(PlaceFinder.PAUSE_NANOS, () -> findStarts(again));
    }
    tell(places);
    for (Delivery delivery : begun) {
      byId.put(delivery.id, delivery);
      deliveries.add(delivery);
    }
    deliveries.pump();
  }

  private void tell(List<Place> places) {
    if (told && places.isEmpty()) {
      return;
    }
    boolean first = !told;
    told = true;
    outbox.send(new ConsumeEvent.Assigned(epoch, memberId, places));
    if (first) {
      firstTold.run();
    }
  }

  /** Why a partition is not the client's. */
  ApiError notOwned(Named name) {
    ApiError why =
        deletedTopics.contains(name.topic()) && metadata.image().topic(name.topic()) == null
            ? Refusals.topicNotFound(name.topic())
            : ApiError.definite(
                    ErrorReason.NOT_ASSIGNED,
                    "partition "
                        + name.partition()
                        + " of topic '"
                        + name.topic()
                        + "' is not assigned to this member")
                .with("topic", name.topic());
    return why.with("partition", name.partition());
  }
}
