package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.api.OffsetListing.Listed;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.OffsetCommit;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeSet;

/** Finds out where a reset leads, and brings it to the coordinator. */
final class OffsetResets {
  private static final long RETRY_AFTER_MS = 100;

  private final Groups groups;
  private final OffsetListing listing;
  private final PartitionRequests partitions;

  OffsetResets(Groups groups, OffsetListing listing, PartitionRequests partitions) {
    this.groups = groups;
    this.listing = listing;
    this.partitions = partitions;
  }

  void reset(
      CallContext call,
      String group,
      TopicImage topic,
      List<Integer> numbers,
      StartSpec to,
      Completion<Result<List<Listed>>> completion) {
    Completion<Result<List<Listed>>> found =
        places -> {
          if (places instanceof Result.Ok<List<Listed>> ok) {
            store(call, group, topic, ok.value(), completion);
          } else {
            completion.complete(places);
          }
        };
    if (to instanceof StartSpec.AtOffset at) {
      within(call, topic, numbers, at.offset(), found);
    } else if (to instanceof StartSpec.CommittedBy other) {
      committed(call, other.group(), topic, numbers, found);
    } else {
      listing.find(call, topic, numbers, OffsetListing.query(to), found);
    }
  }

  /** The same number in every partition, if every log has it or ends there. */
  private void within(
      CallContext call,
      TopicImage topic,
      List<Integer> numbers,
      long offset,
      Completion<Result<List<Listed>>> completion) {
    Gather.all(
        call.loop(),
        numbers.size(),
        i -> new Description(new PartitionId(topic.id(), numbers.get(i)), false, 0, -1),
        (i, answer) ->
            partitions.describe(
                new PartitionId(topic.id(), numbers.get(i)), call.answerByNanos(), answer),
        ends -> {
          List<Listed> places = new ArrayList<>();
          for (Description end : ends) {
            int partition = end.partition().partition();
            if (!end.known() || end.highWatermark() < 0) {
              completion.complete(Result.error(unknownEnd(topic.name(), partition)));
              return;
            }
            if (offset < end.logStartOffset() || offset > end.highWatermark()) {
              completion.complete(Result.error(outOfRange(topic.name(), end, offset)));
              return;
            }
            places.add(new Listed(partition, offset, -1, -1));
          }
          completion.complete(Result.ok(places));
        });
  }

  private static ApiError unknownEnd(String topic, int partition) {
    return ApiError.retriable(
            ErrorReason.LEADER_UNAVAILABLE,
            "no leader of partition "
                + partition
                + " of topic '"
                + topic
                + "' says where its log begins and ends",
            RETRY_AFTER_MS)
        .with("topic", topic)
        .with("partition", partition);
  }

  private static ApiError outOfRange(String topic, Description end, long offset) {
    return ApiError.definite(
            ErrorReason.OFFSET_OUT_OF_RANGE,
            "offset "
                + offset
                + " lies outside partition "
                + end.partition().partition()
                + " of topic '"
                + topic
                + "', which has "
                + end.logStartOffset()
                + " to "
                + end.highWatermark())
        .with("topic", topic)
        .with("partition", end.partition().partition())
        .with("offset", offset)
        .with("startOffset", end.logStartOffset())
        .with("endOffset", end.highWatermark());
  }

  private void committed(
      CallContext call,
      String other,
      TopicImage topic,
      List<Integer> numbers,
      Completion<Result<List<Listed>>> completion) {
    ApiError bad = SubscriptionCheck.badName("to.committed_by", other);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    TreeSet<PartitionId> wanted = new TreeSet<>();
    numbers.forEach(number -> wanted.add(new PartitionId(topic.id(), number)));
    groups.offsets(
        call,
        other,
        wanted,
        answer ->
            completion.complete(
                answer.fold(offsets -> places(other, topic, numbers, offsets), Result::error)));
  }

  private static Result<List<Listed>> places(
      String other,
      TopicImage topic,
      List<Integer> numbers,
      SortedMap<PartitionId, CommittedOffset> offsets) {
    List<Listed> places = new ArrayList<>();
    for (int number : numbers) {
      CommittedOffset offset = offsets.get(new PartitionId(topic.id(), number));
      if (offset == null) {
        return Result.error(GroupAdmin.notCommitted(other, topic.name(), number));
      }
      places.add(new Listed(number, offset.offset(), -1, offset.leaderEpoch()));
    }
    return Result.ok(places);
  }

  private void store(
      CallContext call,
      String group,
      TopicImage topic,
      List<Listed> places,
      Completion<Result<List<Listed>>> completion) {
    List<OffsetCommit> offsets = new ArrayList<>();
    for (Listed place : places) {
      offsets.add(
          new OffsetCommit(
              new PartitionId(topic.id(), place.partition()),
              place.offset(),
              place.leaderEpoch(),
              "",
              true));
    }
    GroupAdmin.submit(
        groups,
        call,
        new GroupCommand.ResetOffsets(call.loop().clock().wallMs(), group, offsets),
        answer -> completion.complete(answer.map(done -> stored(done))));
  }

  private static List<Listed> stored(GroupAnswer answer) {
    List<Listed> stored = new ArrayList<>();
    if (answer instanceof GroupAnswer.Committed committed) {
      committed
          .stored()
          .forEach(
              (partition, offset) ->
                  stored.add(
                      new Listed(
                          partition.partition(), offset.offset(), -1, offset.leaderEpoch())));
    }
    return stored;
  }
}
