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
 * @param voters where the metadata leader may be
 */
public record BrokerFacts(long index, long epoch, BrokerImage.State state, List<Integer> voters) {
  /** Reads them. */
  public static BrokerFacts of(ClusterImage image, int brokerId, Uid incarnation) {
    BrokerImage broker = image.brokers().get(brokerId);
    boolean own = broker != null && broker.incarnation().equals(incarnation);
    return new BrokerFacts(
        image.index(),
        own ? broker.epoch() : -1,
        own ? broker.state() : BrokerImage.State.FENCED,
        List.copyOf(image.voters().keySet()));
  }
}
