package io.kontiki.broker.api;

import io.kontiki.broker.api.OffsetListing.Listed;
import io.kontiki.broker.api.PartitionRequests.DeleteRecords;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;

/** Raises the log start of a topic's partitions at their leaders. Stateless; any loop. */
public final class RecordDeletion {
  private final TopicLookup lookup;
  private final PartitionRequests partitions;
  private final OffsetListing offsets;

  /** Over these partitions. */
  public RecordDeletion(Metadata metadata, PartitionRequests partitions) {
    this.lookup = new TopicLookup(metadata);
    this.partitions = partitions;
    this.offsets = new OffsetListing(metadata, partitions);
  }

  /**
   * Deletes what lies before an offset, one partition after the other; the first that fails ends
   * it.
   *
   * @param wanted empty: all
   * @param before first record to keep
   */
  public void delete(
      CallContext call,
      String topic,
      List<Integer> wanted,
      StartSpec before,
      Completion<Result<List<Listed>>> completion) {
    if (before instanceof StartSpec.AtOffset number && number.offset() < 0) {
      completion.complete(
          Result.error(Refusals.invalidField("before.offset", number.offset() + " is negative")));
      return;
    }
    // The offsets say, too, which partitions there are; by time they are what is kept from.
    StartSpec asked = before instanceof StartSpec.AtOffset ? new StartSpec.Earliest() : before;
    offsets.list(
        call,
        topic,
        wanted,
        asked,
        found -> {
          if (found instanceof Result.Err<List<Listed>> failed) {
            completion.complete(Result.error(failed.error()));
            return;
          }
          List<Listed> at = ((Result.Ok<List<Listed>>) found).value();
          lookup.topic(
              call,
              topic,
              image -> {
                if (image instanceof Result.Ok<TopicImage> ok) {
                  new Round(call, ok.value(), at, before, completion).next();
                } else {
                  completion.complete(
                      Result.error(((Result.Err<TopicImage>) image).error()));
                }
              });
        });
  }

  /** One call, partition by partition, on the call's loop. */
  private final class Round {
    private final CallContext call;
    private final TopicImage topic;
    private final List<Listed> at;
    private final StartSpec before;
    private final Completion<Result<List<Listed>>> completion;
    private final List<Listed> done = new ArrayList<>();

    Round(
        CallContext call,
        TopicImage topic,
        List<Listed> at,
        StartSpec before,
        Completion<Result<List<Listed>>> completion) {
      this.call = call;
      this.topic = topic;
      this.at = at;
      this.before = before;
      this.completion = completion;
    }

    void next() {
      if (done.size() == at.size()) {
        completion.complete(Result.ok(List.copyOf(done)));
        return;
      }
      Listed partition = at.get(done.size());
      long offset = partition.offset();
      if (before instanceof StartSpec.AtOffset number) {
        offset = number.offset();
      } else if (before instanceof StartSpec.Latest) {
        offset = -1;
      }
      partitions.deleteRecords(
          new DeleteRecords(
              new PartitionId(topic.id(), partition.partition()),
              offset,
              call.answerByNanos(),
              Route.FORWARD),
          call.home(answer -> onAnswer(partition.partition(), answer))::complete);
    }

    private void onAnswer(int partition, OffsetAnswer answer) {
      if (answer instanceof OffsetAnswer.Failed failed) {
        completion.complete(
            Result.error(
                failed.error().with("topic", topic.name()).with("partition", partition)));
        return;
      }
      done.add(new Listed(partition, ((OffsetAnswer.Found) answer).offset(), -1, -1));
      next();
    }
  }
}
