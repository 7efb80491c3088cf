package io.kontiki.client;

import io.kontiki.model.Acks;
import io.kontiki.record.Compression;
import java.time.Duration;

/**
 * How a producer sends.
 *
 * @param acks what an acknowledgement waits for
 * @param compression of batches
 * @param idempotent true: nothing is stored twice, whatever must be repeated (promise P8), and up
 *     to {@code maxInFlight} batches of a partition are under way. False: at least once, one at a
 *     time
 * @param linger how long a batch that is not full waits for more records. Records that come while
 *     {@code maxInFlight} batches are under way share a batch even if this is zero
 * @param batchBytes a batch is full at this size, before compression
 * @param maxInFlight batches of one partition under way: 1 to 5
 * @param bufferBytes of all records that are not acknowledged yet
 * @param maxBlock how long {@code send} waits for room in that buffer
 * @param deliveryTimeout after it a record that is not acknowledged fails
 * @param requestTimeout how long a leader may wait for acknowledgements, and after which without an
 *     answer the connection counts as broken; at most 5 min. A change of leader is not waited for
 *     so long: what is under way goes to the new leader as soon as the cluster has chosen it
 */
public record ProducerOptions(
    Acks acks,
    Compression compression,
    boolean idempotent,
    Duration linger,
    int batchBytes,
    int maxInFlight,
    long bufferBytes,
    Duration maxBlock,
    Duration deliveryTimeout,
    Duration requestTimeout) {
  /** Acknowledged by all in-sync replicas, stored once, sent at once. */
  public static final ProducerOptions DEFAULT =
      new ProducerOptions(
          Acks.ALL,
          Compression.NONE,
          true,
          Duration.ZERO,
          64 * 1024,
          5,
          32L * 1024 * 1024,
          Duration.ofSeconds(60),
          Duration.ofSeconds(120),
          Duration.ofSeconds(30));

  public ProducerOptions {
    require(maxInFlight >= 1 && maxInFlight <= 5, "maxInFlight", maxInFlight, "1 to 5");
    require(batchBytes >= 1 && batchBytes <= 4_000_000, "batchBytes", batchBytes, "1 to 4000000");
    require(bufferBytes >= batchBytes, "bufferBytes", bufferBytes, "at least batchBytes");
    require(!linger.isNegative(), "linger", linger, "not negative");
    require(!maxBlock.isNegative(), "maxBlock", maxBlock, "not negative");
    require(deliveryTimeout.toMillis() > 0, "deliveryTimeout", deliveryTimeout, "positive");
    require(
        requestTimeout.toMillis() > 0 && requestTimeout.toMillis() <= 300_000,
        "requestTimeout",
        requestTimeout,
        "1 ms to 5 min");
  }

  /** The same with other acks. */
  public ProducerOptions withAcks(Acks value) {
    return new ProducerOptions(
        value,
        compression,
        idempotent,
        linger,
        batchBytes,
        maxInFlight,
        bufferBytes,
        maxBlock,
        deliveryTimeout,
        requestTimeout);
  }

  /** The same with another compression. */
  public ProducerOptions withCompression(Compression value) {
    return new ProducerOptions(
        acks,
        value,
        idempotent,
        linger,
        batchBytes,
        maxInFlight,
        bufferBytes,
        maxBlock,
        deliveryTimeout,
        requestTimeout);
  }

  /** The same, storing once or at least once. */
  public ProducerOptions withIdempotent(boolean value) {
    return new ProducerOptions(
        acks,
        compression,
        value,
        linger,
        batchBytes,
        maxInFlight,
        bufferBytes,
        maxBlock,
        deliveryTimeout,
        requestTimeout);
  }

  /** The same with other batches. */
  public ProducerOptions withBatching(Duration newLinger, int newBatchBytes) {
    return new ProducerOptions(
        acks,
        compression,
        idempotent,
        newLinger,
        newBatchBytes,
        maxInFlight,
        bufferBytes,
        maxBlock,
        deliveryTimeout,
        requestTimeout);
  }

  /** The same with another buffer. */
  public ProducerOptions withBuffer(long newBufferBytes, Duration newMaxBlock) {
    return new ProducerOptions(
        acks,
        compression,
        idempotent,
        linger,
        batchBytes,
        maxInFlight,
        newBufferBytes,
        newMaxBlock,
        deliveryTimeout,
        requestTimeout);
  }

  /** The same with other time limits. */
  public ProducerOptions withTimeouts(Duration delivery, Duration request) {
    return new ProducerOptions(
        acks,
        compression,
        idempotent,
        linger,
        batchBytes,
        maxInFlight,
        bufferBytes,
        maxBlock,
        delivery,
        request);
  }

  private static void require(boolean holds, String name, Object value, String right) {
    if (!holds) {
      throw new IllegalArgumentException(name + " = " + value + " must be " + right);
    }
  }
}
