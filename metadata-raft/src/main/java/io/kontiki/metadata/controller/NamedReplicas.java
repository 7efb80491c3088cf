package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Brokers that somebody names for the replicas of new partitions, one list per partition. */
final class NamedReplicas {
  private NamedReplicas() {}

  /**
   * Why partitions cannot be made there; null: they can. Apply asks the same, but for wishes of
   * operators.
   */
  static @Nullable ApiError error(
      ClusterImage image, List<List<Integer>> named, int replicationFactor) {
    List<Integer> candidates = Placement.candidates(image);
    for (List<Integer> replicas : named) {
      if (replicas.size() != replicationFactor
          || new TreeSet<>(replicas).size() != replicationFactor) {
        return TopicCreation.field(
            "replicas",
            "replicas " + replicas + " must be " + replicationFactor + " distinct brokers");
      }
      for (int replica : replicas) {
        if (!candidates.contains(replica)) {
          return ApiError.definite(
                  ErrorReason.BROKER_NOT_FOUND,
                  "there is no broker " + replica + "; there are " + candidates)
              .with("brokerId", replica);
        }
        BrokerImage broker = image.brokers().get(replica);
        if (broker != null && broker.wish() != BrokerImage.Wish.NONE) {
          return TopicCreation.field(
              "replicas",
              "an operator has fenced or drained broker " + replica + "; unfence it first");
        }
      }
    }
    return null;
  }
}
