package io.kontiki.broker.session;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.Uid;
import java.util.List;

/**
 * What a broker's session needs to know of the image that the broker has applied.
 *
 * @param index of the image
 * @param epoch of this very process; -1: the image does not have it registered
 * @param state of this very process; FENCED if it is not registered
 * @param someStopping a broker waits until the others have taken over from it (R7)
 * @param voters where the metadata leader may be
 */
public record BrokerFacts(
    long index, long epoch, BrokerImage.State state, boolean someStopping, List<Integer> voters) {
  /** Reads them. */
  public static BrokerFacts of(ClusterImage image, int brokerId, Uid incarnation) {
    BrokerImage broker = image.brokers().get(brokerId);
    List<Integer> voters = List.copyOf(image.voters().keySet());
    boolean someStopping =
        image.brokers().values().stream()
            .anyMatch(other -> other.state() == BrokerImage.State.STOPPING);
    return broker != null && broker.incarnation().equals(incarnation)
        ? new BrokerFacts(image.index(), broker.epoch(), broker.state(), someStopping, voters)
        : new BrokerFacts(image.index(), -1, BrokerImage.State.FENCED, someStopping, voters);
  }
}
