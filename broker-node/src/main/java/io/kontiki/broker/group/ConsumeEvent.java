package io.kontiki.broker.group;

import io.kontiki.broker.api.RecordChunk;
import io.kontiki.model.ApiError;
import java.util.List;

/** A message of the broker on a Consume stream; the public contract says what each means. */
public sealed interface ConsumeEvent {
  /** Partitions came, each with the place where delivery begins. */
  record Assigned(int generation, String memberId, List<Place> partitions) implements ConsumeEvent {
    public Assigned {
      partitions = List.copyOf(partitions);
    }
  }

  /** Records of one partition. */
  record Records(String topic, RecordChunk chunk) implements ConsumeEvent {}

  /** Commits are durable, or refused. */
  record Committed(List<Place> offsets, List<Refused> failures) implements ConsumeEvent {
    public Committed {
      offsets = List.copyOf(offsets);
      failures = List.copyOf(failures);
    }
  }

  /** A commit of one partition that was refused, as the client sent it. */
  record Refused(Place offset, ApiError why) {}

  /** Partitions have to go. */
  record Revoking(List<Named> partitions, long timeLeftMs) implements ConsumeEvent {
    public Revoking {
      partitions = List.copyOf(partitions);
    }
  }

  /** Partitions have gone. */
  record Revoked(List<Named> partitions, RevokeReason reason) implements ConsumeEvent {
    public Revoked {
      partitions = List.copyOf(partitions);
    }
  }

  /** Why a partition went. */
  enum RevokeReason {
    /** In order. */
    REBALANCE,
    /** The time was up. */
    TIMEOUT,
    /** Its topic is gone. */
    TOPIC_DELETED
  }

  /**
   * Delivery goes on elsewhere.
   *
   * @param previousOffset that was to come next; -1 after a seek
   */
  record Repositioned(Place position, boolean outOfRange, long previousOffset)
      implements ConsumeEvent {}

  /** The stream is alive. */
  record Heartbeat() implements ConsumeEvent {}

  /** The broker stops by plan. */
  record Reconnect(long timeLeftMs) implements ConsumeEvent {}
}
