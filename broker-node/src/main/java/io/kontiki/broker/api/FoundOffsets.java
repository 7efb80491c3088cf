package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.ListOffset;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;

/** Finds an offset in several partitions of a topic, each at its leader. */
final class FoundOffsets {
  private FoundOffsets() {}

  /**
   * @param completion in the order of the numbers; the first failure, with topic and partition
   */
  static void find(
      CallContext call,
      PartitionRequests partitions,
      TopicImage topic,
      List<Integer> numbers,
      OffsetQuery query,
      Completion<Result<List<OffsetAnswer.Found>>> completion) {
    Gather.<OffsetAnswer>all(
        call.loop(),
        numbers.size(),
        i -> new OffsetAnswer.Found(-1, -1, -1),
        (i, answer) ->
            partitions.listOffset(
                new ListOffset(
                    new PartitionId(topic.id(), numbers.get(i)),
                    query,
                    call.answerByNanos(),
                    Route.FORWARD),
                answer),
        answers -> completion.complete(found(topic, numbers, answers)));
  }

  private static Result<List<OffsetAnswer.Found>> found(
      TopicImage topic, List<Integer> numbers, List<OffsetAnswer> answers) {
    List<OffsetAnswer.Found> all = new ArrayList<>(answers.size());
    for (int i = 0; i < answers.size(); i++) {
      if (answers.get(i) instanceof OffsetAnswer.Failed failed) {
        return Result.error(
            failed.error().with("topic", topic.name()).with("partition", numbers.get(i)));
      }
      all.add((OffsetAnswer.Found) answers.get(i));
    }
    return Result.ok(all);
  }
}
