package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;

/** Finds offsets of a topic's partitions at their leaders. Stateless; any loop. */
public final class OffsetListing {
  private final TopicLookup lookup;
  private final PartitionRequests partitions;

  /**
   * What was found in one partition.
   *
   * @param timestampMs of the record found by time, else -1
   * @param leaderEpoch of the record before the offset; -1: not known
   */
  public record Listed(int partition, long offset, long timestampMs, int leaderEpoch) {}

  public OffsetListing(Metadata metadata, PartitionRequests partitions) {
    this.lookup = new TopicLookup(metadata);
    this.partitions = partitions;
  }

  /**
   * One answer per partition, by number.
   *
   * @param wanted empty: all
   */
  public void list(
      CallContext call,
      String topic,
      List<Integer> wanted,
      StartSpec at,
      Completion<Result<List<Listed>>> completion) {
    if (at instanceof StartSpec.AtOffset number) {
      completion.complete(
          Result.error(
              Refusals.invalidField(
                  "at.offset", number.offset() + " is an offset already; nothing is to be found")));
      return;
    }
    if (at instanceof StartSpec.CommittedBy group) {
      completion.complete(Result.error(groupNotFound(group.group())));
      return;
    }
    lookup.partitions(
        call,
        topic,
        wanted,
        found -> {
          if (found instanceof Result.Ok<TopicLookup.Chosen> ok) {
            find(call, ok.value().topic(), ok.value().partitions(), query(at), completion);
          } else {
            completion.complete(Result.error(((Result.Err<TopicLookup.Chosen>) found).error()));
          }
        });
  }

  private static ApiError groupNotFound(String group) {
    return ApiError.definite(ErrorReason.GROUP_NOT_FOUND, "there is no group '" + group + "'")
        .with("group", group);
  }

  /** The search that answers a specification that needs one. */
  public static OffsetQuery query(StartSpec spec) {
    if (spec instanceof StartSpec.Earliest) {
      return new OffsetQuery.Earliest();
    }
    if (spec instanceof StartSpec.AtTime time) {
      return new OffsetQuery.AtTime(time.timestampMs());
    }
    return new OffsetQuery.Latest();
  }

  private void find(
      CallContext call,
      TopicImage topic,
      List<Integer> numbers,
      OffsetQuery query,
      Completion<Result<List<Listed>>> completion) {
    FoundOffsets.find(
        call,
        partitions,
        topic,
        numbers,
        query,
        found -> completion.complete(found.map(answers -> listed(numbers, query, answers))));
  }

  private static List<Listed> listed(
      List<Integer> numbers, OffsetQuery query, List<OffsetAnswer.Found> answers) {
    List<Listed> all = new ArrayList<>(answers.size());
    for (int i = 0; i < answers.size(); i++) {
      OffsetAnswer.Found found = answers.get(i);
      // By time the leader tells the epoch of the record found, not of the one before it.
      boolean byTime = query instanceof OffsetQuery.AtTime && found.timestampMs() >= 0;
      all.add(
          new Listed(
              numbers.get(i),
              found.offset(),
              byTime ? found.timestampMs() : -1,
              byTime ? -1 : found.leaderEpoch()));
    }
    return all;
  }
}
