package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;

/** Waits until every leader of a new topic has opened its log and answers (rule M21). */
final class ServingWait {
  private static final long FIRST_PAUSE_NANOS = 5_000_000;
  private static final long LAST_PAUSE_NANOS = 100_000_000;
  private static final long ASK_NANOS = 1_000_000_000;

  private final CallContext call;
  private final Metadata metadata;
  private final PartitionRequests partitions;
  private final TopicId topic;
  private final List<Integer> notReady = new ArrayList<>();
  private long pauseNanos = FIRST_PAUSE_NANOS;

  ServingWait(CallContext call, Metadata metadata, PartitionRequests partitions, TopicId topic) {
    this.call = call;
    this.metadata = metadata;
    this.partitions = partitions;
    this.topic = topic;
  }

  /**
   * @param completion partitions that do not serve when the call's time is up; at best none
   */
  void start(Completion<List<Integer>> completion) {
    TopicImage image = metadata.image().topics().get(topic);
    for (int i = 0; image != null && i < image.partitions().size(); i++) {
      notReady.add(i);
    }
    ask(completion);
  }

  private void ask(Completion<List<Integer>> completion) {
    long deadline = call.atMost(ASK_NANOS);
    Gather.<Description>all(
        call.loop(),
        notReady.size(),
        i -> new Description(new PartitionId(topic, notReady.get(i)), false, 0, -1),
        (i, answer) ->
            partitions.describe(new PartitionId(topic, notReady.get(i)), deadline, answer),
        answers -> {
          answers.forEach(
              answer -> {
                if (answer.known()) {
                  notReady.remove(Integer.valueOf(answer.partition().partition()));
                }
              });
          boolean deleted = !metadata.image().topics().containsKey(topic);
          if (notReady.isEmpty() || deleted || call.leftNanos() <= pauseNanos) {
            completion.complete(List.copyOf(notReady));
          } else {
            call.loop().schedule(pauseNanos, () -> ask(completion));
            pauseNanos = Math.min(2 * pauseNanos, LAST_PAUSE_NANOS);
          }
        });
  }
}
