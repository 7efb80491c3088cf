package io.kontiki.broker.api;

import io.kontiki.broker.api.OffsetListing.Listed;
import io.kontiki.broker.api.PartitionRequests.DeleteRecords;
import io.kontiki.broker.api.PartitionRequests.ListOffset;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Raises the log start of a topic's partitions at their leaders. Stateless; any loop. */
public final class RecordDeletion {
  private final TopicLookup lookup;
  private final PartitionRequests partitions;

  /** Over these partitions. */
  public RecordDeletion(Metadata metadata, PartitionRequests partitions) {
    this.lookup = new TopicLookup(metadata);
    this.partitions = partitions;
  }

  /**
   * Deletes what lies before an offset, one partition after the other; the first that fails ends
   * it. By topic id, so that a topic of the same name that is made meanwhile keeps its records
   * (rule R46).
   *
   * @param wanted empty: all
   * @param before first record to keep
   * @param completion the new log starts
   */
  public void delete(
      CallContext call,
      String topic,
      List<Integer> wanted,
      StartSpec before,
      Completion<Result<List<Listed>>> completion) {
    ApiError bad = fault(before);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    lookup.partitions(
        call,
        topic,
        wanted,
        found -> {
          if (found instanceof Result.Ok<TopicLookup.Chosen> ok) {
            new Round(call, ok.value().topic(), ok.value().partitions(), before, completion).next();
          } else {
            completion.complete(Result.error(((Result.Err<TopicLookup.Chosen>) found).error()));
          }
        });
  }

  private static @Nullable ApiError fault(StartSpec before) {
    if (before instanceof StartSpec.AtOffset number && number.offset() < 0) {
      return Refusals.invalidField("before.offset", number.offset() + " is negative");
    }
    if (before instanceof StartSpec.CommittedBy group) {
      return Refusals.invalidField(
          "before.committed_by", "the commits of '" + group.group() + "' are no place to cut");
    }
    return null;
  }

  /** One call, partition by partition, on the call's loop. */
  private final class Round {
    private final CallContext call;
    private final TopicImage topic;
    private final List<Integer> numbers;
    private final StartSpec before;
    private final Completion<Result<List<Listed>>> completion;
    private final List<Listed> done = new ArrayList<>();

    Round(
        CallContext call,
        TopicImage topic,
        List<Integer> numbers,
        StartSpec before,
        Completion<Result<List<Listed>>> completion) {
      this.call = call;
      this.topic = topic;
      this.numbers = numbers;
      this.before = before;
      this.completion = completion;
    }

    void next() {
      if (done.size() == numbers.size()) {
        completion.complete(Result.ok(List.copyOf(done)));
      } else if (before instanceof StartSpec.AtOffset number) {
        deleteBefore(number.offset());
      } else if (before instanceof StartSpec.Latest) {
        deleteBefore(-1);
      } else {
        partitions.listOffset(
            new ListOffset(
                partition(), OffsetListing.query(before), call.answerByNanos(), Route.FORWARD),
            call.home(
                answer -> {
                  if (answer instanceof OffsetAnswer.Found found) {
                    deleteBefore(found.offset());
                  } else {
                    fail(((OffsetAnswer.Failed) answer).error());
                  }
                }));
      }
    }

    private void deleteBefore(long offset) {
      partitions.deleteRecords(
          new DeleteRecords(partition(), offset, call.answerByNanos(), Route.FORWARD),
          call.home(
              answer -> {
                if (answer instanceof OffsetAnswer.Found start) {
                  done.add(new Listed(partition().partition(), start.offset(), -1, -1));
                  next();
                } else {
                  fail(((OffsetAnswer.Failed) answer).error());
                }
              }));
    }

    private PartitionId partition() {
      return new PartitionId(topic.id(), numbers.get(done.size()));
    }

    private void fail(ApiError error) {
      completion.complete(
          Result.error(
              error.with("topic", topic.name()).with("partition", partition().partition())));
    }
  }
}
