package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Finds where a read begins and ends in each partition. */
final class ReadStarts {
  private ReadStarts() {}

  /**
   * A range to read.
   *
   * @param end exclusive; Long.MAX_VALUE: none
   */
  record Range(int partition, long offset, long end) {}

  static void find(
      CallContext call,
      PartitionRequests partitions,
      CommittedOffsets committed,
      TopicImage topic,
      ReadRequest request,
      Completion<Result<List<Range>>> completion) {
    List<Integer> numbers = new ArrayList<>();
    if (request.partition() >= 0) {
      numbers.add(request.partition());
    } else {
      for (int i = 0; i < topic.partitions().size(); i++) {
        numbers.add(i);
      }
    }
    // The end is asked for first: a record that is appended meanwhile belongs behind it.
    ends(
        call,
        partitions,
        topic,
        numbers,
        request.follow(),
        ends -> {
          if (ends instanceof Result.Ok<List<Long>> known
              && request.start() instanceof StartSpec.CommittedBy group) {
            committed(call, committed, topic, numbers, group, known.value(), completion);
          } else if (ends instanceof Result.Ok<List<Long>> known) {
            starts(call, partitions, topic, numbers, request.start(), known.value(), completion);
          } else {
            completion.complete(Result.error(((Result.Err<List<Long>>) ends).error()));
          }
        });
  }

  private static void ends(
      CallContext call,
      PartitionRequests partitions,
      TopicImage topic,
      List<Integer> numbers,
      boolean follow,
      Completion<Result<List<Long>>> completion) {
    if (follow) {
      List<Long> none = new ArrayList<>();
      numbers.forEach(number -> none.add(Long.MAX_VALUE));
      completion.complete(Result.ok(none));
    } else {
      offsets(call, partitions, topic, numbers, new OffsetQuery.Latest(), completion);
    }
  }

  private static void starts(
      CallContext call,
      PartitionRequests partitions,
      TopicImage topic,
      List<Integer> numbers,
      StartSpec start,
      List<Long> ends,
      Completion<Result<List<Range>>> completion) {
    if (start instanceof StartSpec.AtOffset at) {
      List<Long> same = new ArrayList<>();
      numbers.forEach(number -> same.add(at.offset()));
      completion.complete(ranges(topic, numbers, same, ends));
      return;
    }
    offsets(
        call,
        partitions,
        topic,
        numbers,
        OffsetListing.query(start),
        found ->
            completion.complete(
                found.fold(
                    offsets -> ranges(topic, numbers, offsets, ends),
                    error -> Result.error(error))));
  }

  private static void committed(
      CallContext call,
      CommittedOffsets committed,
      TopicImage topic,
      List<Integer> numbers,
      StartSpec.CommittedBy group,
      List<Long> ends,
      Completion<Result<List<Range>>> completion) {
    TreeSet<PartitionId> ids = new TreeSet<>();
    numbers.forEach(number -> ids.add(new PartitionId(topic.id(), number)));
    committed.find(
        call,
        group.group(),
        ids,
        found ->
            completion.complete(
                found.fold(
                    places -> {
                      List<Long> starts = new ArrayList<>();
                      for (int number : numbers) {
                        CommittedOffsets.At at = places.get(new PartitionId(topic.id(), number));
                        if (at == null) {
                          return Result.error(notCommitted(group.group(), topic, number));
                        }
                        starts.add(at.offset());
                      }
                      return ranges(topic, numbers, starts, ends);
                    },
                    error ->
                        Result.error(
                            error.reason() == ErrorReason.GROUP_NOT_FOUND
                                ? notCommitted(group.group(), topic, numbers.get(0))
                                : error))));
  }

  private static Result<List<Range>> ranges(
      TopicImage topic, List<Integer> numbers, List<Long> starts, List<Long> ends) {
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < numbers.size(); i++) {
      long start = starts.get(i);
      long end = ends.get(i);
      if (start > end && end >= 0) {
        return Result.error(
            ApiError.definite(
                    ErrorReason.OFFSET_OUT_OF_RANGE,
                    "offset "
                        + start
                        + " of partition "
                        + numbers.get(i)
                        + " of topic '"
                        + topic.name()
                        + "' lies behind the end, "
                        + end)
                .with("topic", topic.name())
                .with("partition", numbers.get(i))
                .with("offset", start)
                .with("endOffset", end));
      }
      ranges.add(new Range(numbers.get(i), start, end));
    }
    return Result.ok(ranges);
  }

  private static void offsets(
      CallContext call,
      PartitionRequests partitions,
      TopicImage topic,
      List<Integer> numbers,
      OffsetQuery query,
      Completion<Result<List<Long>>> completion) {
    FoundOffsets.find(
        call,
        partitions,
        topic,
        numbers,
        query,
        found ->
            completion.complete(
                found.map(answers -> answers.stream().map(OffsetAnswer.Found::offset).toList())));
  }

  private static ApiError notCommitted(String group, TopicImage topic, int partition) {
    return ApiError.definite(
            ErrorReason.NO_COMMITTED_OFFSET,
            "group '" + group + "' has committed nothing of topic '" + topic.name() + "'")
        .with("group", group)
        .with("topic", topic.name())
        .with("partition", partition);
  }
}
