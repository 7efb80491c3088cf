package io.kontiki.metadata;

import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * A registered broker. Immutable.
 *
 * @param epoch Raft index of the registration: new with every start of the process
 * @param directoryId of its data directory (rule R35)
 * @param incarnation random, of the process
 * @param state what it may do
 * @param stateSinceMs wall time of the command that set the state; for display
 * @param version of its software
 * @param operatorFence how often an operator has fenced or unfenced it; odd: is fenced, whatever
 *     its process does, until unfenced
 */
public record BrokerImage(
    int id,
    long epoch,
    Uid directoryId,
    Uid incarnation,
    Endpoints endpoints,
    State state,
    long stateSinceMs,
    String version,
    int operatorFence) {
  /** What a broker may do. */
  public enum State {
    /** Nothing: starting, down or cut off. */
    FENCED,
    /** Everything. */
    ACTIVE,
    /** Serves what it leads and hands it over; no new leadership, no ISR joins (rule R7). */
    STOPPING
  }

  /** Whether an operator keeps it fenced. */
  public boolean fencedByOperator() {
    return operatorFence % 2 != 0;
  }

  /** The same in another state. */
  BrokerImage in(State other, long timeMs) {
    return new BrokerImage(
        id, epoch, directoryId, incarnation, endpoints, other, timeMs, version, operatorFence);
  }

  /** The same with the operator's next word. */
  BrokerImage withOperatorFence(int fence) {
    return new BrokerImage(
        id, epoch, directoryId, incarnation, endpoints, state, stateSinceMs, version, fence);
  }

  /** Whether it may be in an ISR and lead. */
  public boolean unfenced() {
    return state != State.FENCED;
  }

  /**
   * Where it answers.
   *
   * @param kafka null: off
   */
  public record Endpoints(
      Endpoint grpc,
      Endpoint raft,
      Endpoint http,
      Endpoint replication,
      @Nullable Endpoint kafka) {}
}
