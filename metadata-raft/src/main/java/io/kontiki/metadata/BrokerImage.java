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
 */
public record BrokerImage(
    int id,
    long epoch,
    Uid directoryId,
    Uid incarnation,
    Endpoints endpoints,
    State state,
    long stateSinceMs,
    String version) {
  /** What a broker may do. */
  public enum State {
    /** Nothing: starting, down or cut off. */
    FENCED,
    /** Everything. */
    ACTIVE,
    /** Serves what it leads and hands it over; no new leadership, no ISR joins (rule R7). */
    STOPPING
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
