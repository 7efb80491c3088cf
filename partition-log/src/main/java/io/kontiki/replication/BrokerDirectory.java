package io.kontiki.replication;

/** What the newest applied metadata says of brokers. */
public interface BrokerDirectory {
  /** No such broker. */
  long NO_EPOCH = -1;

  /** The epoch of the broker's registration, or {@link #NO_EPOCH}. */
  long epochOf(int brokerId);

  /** Whether this incarnation is registered, unfenced and not stopping (rule R13). */
  boolean mayJoinIsr(int brokerId, long brokerEpoch);
}
