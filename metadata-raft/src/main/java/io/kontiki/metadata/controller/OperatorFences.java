package io.kontiki.metadata.controller;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.OperatorFence;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import java.util.Optional;

/** From an operator's wish to fence a broker, or to end that, to the command that does it. */
public final class OperatorFences {
  private OperatorFences() {}

  /**
   * Decides.
   *
   * @param fenced whether it shall be
   * @param force also if a partition loses its last replica that may lead; decided at apply
   * @return the command; empty: it is so already; or BROKER_NOT_FOUND
   */
  public static Result<Optional<MetadataCommand>> decide(
      ClusterImage image, int brokerId, boolean fenced, boolean force, long timeMs) {
    BrokerImage broker = image.brokers().get(brokerId);
    if (broker == null) {
      return Result.error(
          ApiError.definite(
                  ErrorReason.BROKER_NOT_FOUND,
                  "broker "
                      + brokerId
                      + " is not registered; there are "
                      + image.brokers().keySet())
              .with("brokerId", brokerId));
    }
    return Result.ok(
        broker.fencedByOperator() == fenced
            ? Optional.empty()
            : Optional.of(new OperatorFence(timeMs, brokerId, broker.operatorFence() + 1, force)));
  }
}
