package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.BrokerImage.Wish;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.RemoveBroker;
import io.kontiki.metadata.MetadataCommand.WishBroker;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** From what an operator wants of a broker to the command that brings it (R5, R47). */
public final class OperatorWishes {
  private OperatorWishes() {}

  /**
   * It shall be fenced.
   *
   * @param force also if a partition loses its last replica that may lead; decided at apply
   * @return the command; empty: it is so already; or BROKER_NOT_FOUND
   */
  public static Result<Optional<MetadataCommand>> fence(
      ClusterImage image, int brokerId, boolean force, long timeMs) {
    BrokerImage broker = image.brokers().get(brokerId);
    return broker == null
        ? notFound(image, brokerId)
        : wish(broker, broker.wish().fenced(), force, timeMs);
  }

  /**
   * It shall be neither fenced nor drained.
   *
   * @return the command; empty: it is so already; or BROKER_NOT_FOUND
   */
  public static Result<Optional<MetadataCommand>> unfence(
      ClusterImage image, int brokerId, long timeMs) {
    BrokerImage broker = image.brokers().get(brokerId);
    return broker == null ? notFound(image, brokerId) : wish(broker, Wish.NONE, false, timeMs);
  }

  /**
   * It shall lead nothing.
   *
   * @param replicas also have none
   * @return the command; empty: it is so already; or BROKER_NOT_FOUND, TOO_FEW_BROKERS
   */
  public static Result<Optional<MetadataCommand>> drain(
      ClusterImage image, int brokerId, boolean replicas, long timeMs) {
    BrokerImage broker = image.brokers().get(brokerId);
    if (broker == null) {
      return notFound(image, brokerId);
    }
    ApiError few = replicas ? tooFew(image, brokerId) : null;
    return few != null
        ? Result.error(few)
        : wish(broker, broker.wish().drained(replicas), false, timeMs);
  }

  /**
   * It shall be forgotten; whether it may be is decided at apply.
   *
   * @return the command, or BROKER_NOT_FOUND
   */
  public static Result<Optional<MetadataCommand>> remove(
      ClusterImage image, int brokerId, long timeMs) {
    BrokerImage broker = image.brokers().get(brokerId);
    return broker == null
        ? notFound(image, brokerId)
        : Result.ok(Optional.of(new RemoveBroker(timeMs, brokerId, broker.epoch())));
  }

  private static Result<Optional<MetadataCommand>> wish(
      BrokerImage broker, Wish wish, boolean force, long timeMs) {
    return Result.ok(
        broker.wish() == wish
            ? Optional.empty()
            : Optional.of(new WishBroker(timeMs, broker.id(), wish, broker.wishes() + 1, force)));
  }

  private static Result<Optional<MetadataCommand>> notFound(ClusterImage image, int brokerId) {
    return Result.error(
        ApiError.definite(
                ErrorReason.BROKER_NOT_FOUND,
                "broker " + brokerId + " is not registered; there are " + image.brokers().keySet())
            .with("brokerId", brokerId));
  }

  /** A partition whose replicas have no room beside the broker, or null. */
  private static @Nullable ApiError tooFew(ClusterImage image, int brokerId) {
    int others = 0;
    for (BrokerImage broker : image.brokers().values()) {
      others += broker.id() != brokerId && broker.state() == BrokerImage.State.ACTIVE ? 1 : 0;
    }
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage partition = topic.partitions().get(i);
        if (partition.target().contains(brokerId) && partition.target().size() > others) {
          return ApiError.definite(
                  ErrorReason.TOO_FEW_BROKERS,
                  topic.name()
                      + "-"
                      + i
                      + " has "
                      + partition.target().size()
                      + " replicas, and beside broker "
                      + brokerId
                      + " "
                      + others
                      + " brokers are active: start or add others, or drain leaderships alone")
              .with("brokerId", brokerId)
              .with("brokers", others);
        }
      }
    }
    return null;
  }
}
