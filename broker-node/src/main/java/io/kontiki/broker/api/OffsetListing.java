package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Finds offsets of a topic's partitions at their leaders. Stateless; any loop. */
public final class OffsetListing {
  private final TopicLookup lookup;
  private final PartitionRequests partitions;
  private final CommittedOffsets committed;

  /**
   * What was found in one partition.
   *
   * @param offset -1: the group has committed nothing here
   * @param timestampMs of the record found by time, else -1
   * @param leaderEpoch of the record before the offset; -1: not known
   */
  public record Listed(int partition, long offset, long timestampMs, int leaderEpoch) {}

  public OffsetListing(
      Metadata metadata, PartitionRequests partitions, CommittedOffsets committed) {
    this.lookup = new TopicLookup(metadata);
    this.partitions = partitions;
    this.committed = committed;
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
    lookup.partitions(
        call,
        topic,
        wanted,
        found -> {
          if (found instanceof Result.Ok<TopicLookup.Chosen> ok) {
            TopicImage image = ok.value().topic();
            if (at instanceof StartSpec.CommittedBy group) {
              committed(call, image, ok.value().partitions(), group.group(), completion);
            } else {
              find(call, image, ok.value().partitions(), query(at), completion);
            }
          } else {
            completion.complete(Result.error(((Result.Err<TopicLookup.Chosen>) found).error()));
          }
        });
  }

  private void committed(
      CallContext call,
      TopicImage topic,
      List<Integer> numbers,
      String group,
      Completion<Result<List<Listed>>> completion) {
    TreeSet<PartitionId> ids = new TreeSet<>();
    numbers.forEach(number -> ids.add(new PartitionId(topic.id(), number)));
    committed.find(
        call,
        group,
        ids,
        found ->
            completion.complete(
                found.map(
                    places -> {
                      List<Listed> all = new ArrayList<>();
                      for (PartitionId id : ids) {
                        CommittedOffsets.At at = places.get(id);
                        all.add(
                            at == null
                                ? new Listed(id.partition(), -1, -1, -1)
                                : new Listed(id.partition(), at.offset(), -1, at.leaderEpoch()));
                      }
                      return all;
                    })));
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

  /** One answer per number, in their order. */
  public void find(
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
