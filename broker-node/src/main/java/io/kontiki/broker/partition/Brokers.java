package io.kontiki.broker.partition;

import io.kontiki.model.Uid;
import io.kontiki.replication.BrokerDirectory;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The brokers of one metadata image. It is at or past this broker's own registration (rule R1).
 *
 * @param clusterId of the cluster
 * @param localId this broker
 * @param localEpoch of its present registration
 * @param byId all registered brokers
 */
public record Brokers(
    Uid clusterId, int localId, long localEpoch, SortedMap<Integer, BrokerInfo> byId)
    implements BrokerDirectory {
  public Brokers {
    byId = Collections.unmodifiableSortedMap(new TreeMap<>(byId));
  }

  /** A broker, or null. */
  public @Nullable BrokerInfo find(int brokerId) {
    return byId.get(brokerId);
  }

  @Override
  public long epochOf(int brokerId) {
    BrokerInfo broker = byId.get(brokerId);
    return broker == null ? NO_EPOCH : broker.epoch();
  }

  @Override
  public boolean mayJoinIsr(int brokerId, long brokerEpoch) {
    BrokerInfo broker = byId.get(brokerId);
    return broker != null && broker.active() && broker.epoch() == brokerEpoch;
  }
}
