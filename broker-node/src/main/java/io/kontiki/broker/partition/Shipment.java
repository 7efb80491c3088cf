package io.kontiki.broker.partition;

import io.kontiki.log.PartitionLog;
import io.kontiki.replication.ReplicationMessage.PartitionData;
import io.kontiki.replication.SubscribeAnswer.Refusal;
import io.kontiki.runtime.StorageException;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One subscription as its leader serves it: how far the follower has been shipped. */
final class Shipment {
  private final LeaderRole role;
  private final ShippingStream stream;
  private final long subscription;
  private final ArrayDeque<Sent> unacknowledged = new ArrayDeque<>();
  private long nextOffset;
  private int inFlightBytes;
  private int readAheadBytes;
  private boolean reading;
  private boolean over;
  private @Nullable Chunk prepared;

  Shipment(LeaderRole role, ShippingStream stream, long subscription, long fetchOffset) {
    this.role = role;
    this.stream = stream;
    this.subscription = subscription;
    this.nextOffset = fetchOffset;
  }

  private record Sent(long nextOffset, int bytes) {}

  long subscription() {
    return subscription;
  }

  ShippingStream stream() {
    return stream;
  }

  LeaderRole role() {
    return role;
  }

  /** Everything below has been shipped. */
  long nextOffset() {
    return nextOffset;
  }

  int inFlightBytes() {
    return inFlightBytes;
  }

  boolean over() {
    return over;
  }

  /** The subscription has ended; what is still being read for it is dropped (rule R41). */
  void end() {
    over = true;
    prepared = null;
    forgetReadAhead();
  }

  /** Whether something has been read for it. */
  boolean prepared() {
    return prepared != null;
  }

  private void forgetReadAhead() {
    stream.readAhead(-readAheadBytes);
    readAheadBytes = 0;
  }

  /** The next batches as a part of a message, or null: nothing to ship, or it is being read. */
  @Nullable PartitionData next(int limitBytes) {
    Chunk chunk = take(limitBytes);
    if (chunk == null) {
      return null;
    }
    nextOffset = chunk.nextOffset();
    inFlightBytes += chunk.bytes();
    unacknowledged.add(new Sent(chunk.nextOffset(), chunk.bytes()));
    return new PartitionData(
        subscription, role.highWatermark(), role.log().logStartOffset(), chunk.batches());
  }

  /** Only the news that the high watermark moved (rule R39). */
  PartitionData news() {
    return new PartitionData(
        subscription, role.highWatermark(), role.log().logStartOffset(), List.of());
  }

  /**
   * The follower holds everything below an offset.
   *
   * @return bytes that are no longer in flight
   */
  int onHeld(long heldEnd) {
    int freed = 0;
    while (!unacknowledged.isEmpty() && unacknowledged.getFirst().nextOffset <= heldEnd) {
      freed += unacknowledged.removeFirst().bytes;
    }
    inFlightBytes -= freed;
    return freed;
  }

  private @Nullable Chunk take(int limitBytes) {
    PartitionLog log = role.log();
    if (prepared == null && !reading && nextOffset < log.logEndOffset()) {
      Chunk recent = role.recent().from(nextOffset, limitBytes);
      if (recent != null) {
        return recent;
      }
      reading = true;
      readAheadBytes = limitBytes;
      stream.readAhead(limitBytes);
      try {
        log.readForReplica(nextOffset, log.logEndOffset(), limitBytes, this::onRead);
      } catch (StorageException e) {
        role.onOffline(e);
        return null;
      }
    }
    Chunk chunk = prepared;
    if (chunk != null) {
      prepared = null;
      forgetReadAhead();
    }
    return chunk;
  }

  private void onRead(PartitionLog.ReadOutcome outcome) {
    reading = false;
    if (over) {
      return;
    }
    if (outcome.batches().isEmpty()) {
      // Damage (rule D9), or the log start has passed what the follower needs.
      role.refuse(
          this, outcome.corruptAt().isPresent() ? Refusal.UNREADABLE : Refusal.INCONSISTENT);
      return;
    }
    prepared = new Chunk(outcome.batches(), outcome.bytes(), Batches.nextOffset(outcome.batches()));
    stream.hasMore(this);
  }
}
