package io.kontiki.broker.group;

import io.kontiki.broker.api.Refusals;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.OffsetCommit;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Takes the client's commits to the coordinator, and its answers back. A commit that arrived makes
 * room at once. Lives on the stream's loop.
 */
final class Commits {
  /** Commits without an answer; then no more messages of the client are taken. */
  static final int MAX_UNANSWERED = 64;

  /** Partitions in one commit. */
  static final int MAX_PARTITIONS = 10_000;

  private final Deliveries deliveries;
  private final Outbox outbox;
  private final UnderWay underWay;
  private final boolean assignmentsOnly;
  private final ToIntFunction<PartitionId> leaderEpochs;
  private final NotOwned notOwned;
  private final Answered answered;
  private int unanswered;

  /** Why a partition that the client names is not its own. */
  interface NotOwned {
    ApiError why(Named name);
  }

  /** A commit was answered. */
  interface Answered {
    /**
     * @param failed null: in order; else the member is no more
     */
    void answered(@Nullable ApiError failed);
  }

  private record Sent(Named name, Place place) {}

  /**
   * @param leaderEpochs the present one of a partition, as far as this broker knows
   */
  Commits(
      Deliveries deliveries,
      Outbox outbox,
      UnderWay underWay,
      boolean assignmentsOnly,
      ToIntFunction<PartitionId> leaderEpochs,
      NotOwned notOwned,
      Answered answered) {
    this.deliveries = deliveries;
    this.outbox = outbox;
    this.underWay = underWay;
    this.assignmentsOnly = assignmentsOnly;
    this.leaderEpochs = leaderEpochs;
    this.notOwned = notOwned;
    this.answered = answered;
  }

  /** Commits without an answer. */
  int unanswered() {
    return unanswered;
  }

  /** Sends a commit on its way; answers why the stream has to end instead, or null. */
  @Nullable ApiError commit(List<Place> offsets) {
    ApiError bad = check(offsets);
    if (bad != null) {
      return bad;
    }
    List<ConsumeEvent.Refused> refused = new ArrayList<>();
    SortedMap<PartitionId, Sent> sent = new TreeMap<>();
    for (Place place : offsets) {
      Delivery delivery = deliveries.get(place.partition());
      if (delivery == null) {
        refused.add(new ConsumeEvent.Refused(place, notOwned.why(place.partition())));
        continue;
      }
      Sent other = sent.get(delivery.id);
      if (other == null || other.place().offset() <= place.offset()) {
        sent.put(delivery.id, new Sent(delivery.name, place));
      }
    }
    if (sent.isEmpty()) {
      outbox.send(new ConsumeEvent.Committed(List.of(), refused));
      return null;
    }
    List<OffsetCommit> commits = new ArrayList<>();
    sent.forEach((id, one) -> commits.add(commit(id, one)));
    unanswered++;
    underWay.commit(commits, answer -> onAnswer(sent, refused, answer));
    return null;
  }

  private OffsetCommit commit(PartitionId id, Sent sent) {
    Place place = sent.place();
    Delivery delivery = deliveries.get(sent.name());
    if (delivery == null) {
      throw new IllegalStateException(sent.name() + " is not there any more");
    }
    int epoch = assignmentsOnly ? place.leaderEpoch() : delivery.epochBefore(place.offset());
    boolean back = delivery.wentBackTo(place.offset());
    deliveries.commit(delivery, place.offset());
    return new OffsetCommit(id, place.offset(), epoch, place.metadata(), back);
  }

  private @Nullable ApiError check(List<Place> offsets) {
    if (offsets.size() > MAX_PARTITIONS) {
      return Refusals.invalidField(
          "commit.offsets", offsets.size() + " offsets; at most " + MAX_PARTITIONS);
    }
    for (int i = 0; i < offsets.size(); i++) {
      ApiError bad = check(offsets.get(i), "commit.offsets[" + i + "]");
      if (bad != null) {
        return bad;
      }
    }
    return null;
  }

  private @Nullable ApiError check(Place place, String field) {
    ApiError bad = badPlace(place, field);
    Delivery delivery = deliveries.get(place.partition());
    if (bad != null || delivery == null) {
      return bad;
    }
    if (!assignmentsOnly) {
      return place.offset() > delivery.reach() ? notDelivered(place, delivery) : null;
    }
    return badEpoch(place, field, leaderEpochs.applyAsInt(delivery.id));
  }

  /** Why an offset cannot be committed whatever the state, or null. */
  static @Nullable ApiError badPlace(Place place, String field) {
    if (place.offset() < 0) {
      return Refusals.invalidField(field + ".offset", place.offset() + " is negative");
    }
    int bytes = place.metadata().getBytes(StandardCharsets.UTF_8).length;
    return bytes > Place.MAX_METADATA_BYTES
        ? Refusals.invalidField(
            field + ".metadata",
            "has " + bytes + " bytes; at most " + Place.MAX_METADATA_BYTES + " are allowed")
        : null;
  }

  /** An epoch that has not been would make every reader wait for it. */
  static @Nullable ApiError badEpoch(Place place, String field, int present) {
    return place.leaderEpoch() > present
        ? Refusals.invalidField(
            field + ".leader_epoch",
            place.leaderEpoch() + " has not been; the present leader epoch is " + present)
        : null;
  }

  private static ApiError notDelivered(Place place, Delivery delivery) {
    return ApiError.definite(
            ErrorReason.OFFSET_NOT_DELIVERED,
            "offset "
                + place.offset()
                + " of partition "
                + delivery.name.partition()
                + " of topic '"
                + delivery.name.topic()
                + "' was not delivered; delivery has come to "
                + delivery.reach())
        .with("topic", delivery.name.topic())
        .with("partition", delivery.name.partition())
        .with("offset", place.offset())
        .with("position", delivery.reach());
  }

  private void onAnswer(
      SortedMap<PartitionId, Sent> sent,
      List<ConsumeEvent.Refused> refused,
      Result<GroupAnswer> answer) {
    unanswered--;
    if (answer instanceof Result.Err<GroupAnswer> failed) {
      answered.answered(failed.error());
      return;
    }
    GroupAnswer value = ((Result.Ok<GroupAnswer>) answer).value();
    if (value instanceof GroupAnswer.Rejected rejected) {
      answered.answered(rejected.error());
      return;
    }
    if (!(value instanceof GroupAnswer.Committed committed)) {
      throw new IllegalStateException("a commit was answered by " + value);
    }
    List<Place> stored = new ArrayList<>();
    committed.stored().forEach((id, offset) -> stored.add(place(sent(sent, id), offset)));
    committed
        .refused()
        .forEach((id, why) -> refused.add(new ConsumeEvent.Refused(sent(sent, id).place(), why)));
    outbox.send(new ConsumeEvent.Committed(stored, refused));
    answered.answered(null);
  }

  private static Sent sent(SortedMap<PartitionId, Sent> all, PartitionId id) {
    Sent sent = all.get(id);
    if (sent == null) {
      throw new IllegalStateException("the answer names " + id + ", which was not committed");
    }
    return sent;
  }

  private static Place place(Sent sent, CommittedOffset offset) {
    return new Place(sent.name(), offset.offset(), offset.leaderEpoch(), offset.metadata());
  }
}
