package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.AppendAnswer;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One answer out of those of several partitions (promise P4): definite only if no record of the
 * request was, or may have been, appended anywhere.
 */
final class ProduceOutcome {
  private ProduceOutcome() {}

  /**
   * The answer to the request.
   *
   * @param partitions of the answers, in their order
   */
  static ProduceAnswer of(ProducePlan plan, List<Integer> partitions, List<AppendAnswer> answers) {
    Map<Integer, AppendAnswer.Appended> appended = new TreeMap<>();
    ApiError worst = null;
    for (int i = 0; i < answers.size(); i++) {
      if (answers.get(i) instanceof AppendAnswer.Appended done) {
        appended.put(partitions.get(i), done);
      } else {
        worst = worse(worst, ((AppendAnswer.Failed) answers.get(i)).error());
      }
    }
    if (worst == null) {
      return new ProduceAnswer.Produced(positions(plan, appended));
    }
    if (appended.isEmpty()) {
      return new ProduceAnswer.Failed(named(plan, worst));
    }
    long records = plan.partitionOf().stream().filter(appended::containsKey).count();
    return new ProduceAnswer.Failed(
        ApiError.indefinite(
                ErrorReason.PARTIALLY_APPENDED,
                records
                    + " of "
                    + plan.partitionOf().size()
                    + " records were appended to "
                    + appended.size()
                    + " of "
                    + partitions.size()
                    + " partitions of topic '"
                    + plan.request().topic()
                    + "'; the rest failed: "
                    + worst.message())
            .with("appended", records)
            .with("topic", plan.request().topic())
            .with("cause", worst.reason()));
  }

  /** The one that says less about what happened; else the first. */
  private static ApiError worse(@Nullable ApiError one, ApiError other) {
    return one == null || (one.definite() && !other.definite()) ? other : one;
  }

  private static ApiError named(ProducePlan plan, ApiError error) {
    return error.metadata().containsKey("topic")
        ? error
        : error.with("topic", plan.request().topic());
  }

  private static List<ProduceAnswer.Position> positions(
      ProducePlan plan, Map<Integer, AppendAnswer.Appended> appended) {
    Map<Integer, Long> next = new TreeMap<>();
    List<ProduceAnswer.Position> positions = new ArrayList<>(plan.partitionOf().size());
    for (int partition : plan.partitionOf()) {
      AppendAnswer.Appended done = appended.get(partition);
      if (done == null) {
        throw new IllegalStateException("no answer of partition " + partition);
      }
      if (done.baseOffset() < 0) {
        positions.add(new ProduceAnswer.Position(partition, -1));
      } else {
        long offset = next.merge(partition, done.baseOffset(), (before, base) -> before + 1);
        positions.add(new ProduceAnswer.Position(partition, offset));
      }
    }
    return positions;
  }
}
