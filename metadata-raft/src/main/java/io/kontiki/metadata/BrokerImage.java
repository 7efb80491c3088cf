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
 * @param wish of an operator; restarts do not end it
 * @param wishes how often operators have changed that
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
    Wish wish,
    int wishes) {
  /** What a broker may do. */
  public enum State {
    /** Nothing: starting, down or cut off. */
    FENCED,
    /** Everything. */
    ACTIVE,
    /** Follows and is in in-sync sets; leads, and gets new replicas, only for want of others. */
    DRAINING,
    /** Serves what it leads and hands it over; no new leadership, no ISR joins (rule R7). */
    STOPPING;

    /** Whether it stays and may be given work, if only for want of others. */
    public boolean inService() {
      return this == ACTIVE || this == DRAINING;
    }
  }

  /** What an operator wants of a broker, whatever its process does. */
  public enum Wish {
    /** Nothing special. */
    NONE(false, false, false),
    /** It shall lead nothing. */
    DRAIN(false, true, false),
    /** It shall lead nothing, and its replicas shall be elsewhere. */
    DRAIN_REPLICAS(false, true, true),
    /** It shall be fenced. */
    FENCE(true, false, false),
    /** It shall be fenced, and its replicas shall be elsewhere. */
    FENCE_AND_DRAIN_REPLICAS(true, false, true);

    private final boolean fences;
    private final boolean drains;
    private final boolean movesReplicas;

    Wish(boolean fences, boolean drains, boolean movesReplicas) {
      this.fences = fences;
      this.drains = drains;
      this.movesReplicas = movesReplicas;
    }

    public boolean fences() {
      return fences;
    }

    /** Whether it is {@link State#DRAINING} where it would be active. */
    public boolean drains() {
      return drains;
    }

    public boolean movesReplicas() {
      return movesReplicas;
    }

    /** This, and a fence. */
    public Wish fenced() {
      return movesReplicas ? FENCE_AND_DRAIN_REPLICAS : FENCE;
    }

    /** Drained in one of both ways; a fence stays. */
    public Wish drained(boolean replicas) {
      if (fences) {
        return replicas ? FENCE_AND_DRAIN_REPLICAS : FENCE;
      }
      return replicas ? DRAIN_REPLICAS : DRAIN;
    }
  }

  /** The same in another state. */
  BrokerImage in(State other, long timeMs) {
    return new BrokerImage(
        id, epoch, directoryId, incarnation, endpoints, other, timeMs, version, wish, wishes);
  }

  /** The same with an operator's next wish. */
  BrokerImage wished(Wish next) {
    return new BrokerImage(
        id,
        epoch,
        directoryId,
        incarnation,
        endpoints,
        state,
        stateSinceMs,
        version,
        next,
        wishes + 1);
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
