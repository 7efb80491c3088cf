package io.kontiki.client;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.EventLoop;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Appends records to topics. Thread-safe; one for a whole program is best.
 *
 * <ul>
 *   <li>Records that one thread sends to one partition are stored in the order sent, whatever fails
 *       in between (promise P5). One that failed is missing; those behind it are not.
 *   <li>Idempotent, which is the default: no record is stored twice (promise P8).
 *   <li>A record's future fails with {@link KontikiException}: {@code definite()} means that it is
 *       not stored and will not be; otherwise its fate is not known (promise P4, rule I5).
 *   <li>Futures complete on the client's thread. What hangs on them must not block, or nothing
 *       moves; use the {@code Async} methods of CompletableFuture for more than a few instructions.
 * </ul>
 */
public final class Producer implements AutoCloseable {
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final EventLoop loop;
  private final ProducerOptions options;
  private final BufferBudget budget;
  private final SendLoop sendLoop;
  private volatile boolean closed;

  Producer(EventLoop loop, SendLoop sendLoop, ProducerOptions options) {
    this.loop = loop;
    this.sendLoop = sendLoop;
    this.options = options;
    this.budget = new BufferBudget(options.bufferBytes(), loop.clock());
  }

  /**
   * Sends a record as soon as there is room on the way. Waits up to {@code maxBlock} for room in
   * the buffer, but on the client's own thread not at all.
   *
   * @return completes when the record is held as the acks demand; fails within {@code
   *     deliveryTimeout}. Without room: failed already, BUSY
   * @throws IllegalStateException if the producer is closed
   */
  public CompletableFuture<RecordMetadata> send(ProducerRecord record) {
    if (closed) {
      throw new IllegalStateException("the producer is closed");
    }
    int sizeBytes = PendingRecord.sizeOf(record);
    SendOutcome outcome = new SendOutcome(record.topic(), sizeBytes, budget);
    long waitNanos = loop.inLoop() ? 0 : options.maxBlock().toNanos();
    try {
      if (!budget.reserve(sizeBytes, waitNanos)) {
        return CompletableFuture.failedFuture(
            new KontikiException(
                ApiError.definite(
                    ErrorReason.BUSY,
                    "no room for "
                        + sizeBytes
                        + " bytes in the producer's buffer of "
                        + options.bufferBytes()
                        + " bytes within "
                        + waitNanos / 1_000_000
                        + " ms")));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return CompletableFuture.failedFuture(e);
    }
    long timestampMs = record.timestampMs().orElseGet(() -> loop.clock().wallMs());
    long deadlineNanos = loop.clock().nanoTime() + options.deliveryTimeout().toNanos();
    sendLoop.submit(new PendingRecord(record, timestampMs, sizeBytes, deadlineNanos, outcome));
    return outcome.future();
  }

  /**
   * Sends at once what waits for more.
   *
   * @return completes when every record that was sent before the call has its outcome, good or bad
   */
  public CompletableFuture<Void> flush() {
    return sendLoop.flush();
  }

  /** {@link #close(Duration)} with the delivery timeout. */
  @Override
  public void close() {
    close(options.deliveryTimeout());
  }

  /**
   * Takes no more records, waits for the outcome of those that were sent, and fails those that have
   * none in time. Idempotent. Not to be called on the client's thread.
   */
  public void close(Duration timeout) {
    if (closed) {
      return;
    }
    closed = true;
    await(flush(), timeout);
    // Those that have no outcome fail now.
    await(sendLoop.close(), CLOSE_TIMEOUT);
  }

  private static void await(CompletableFuture<Void> done, Duration timeout) {
    try {
      done.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      // The caller goes on.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("neither a flush nor a close can fail", e);
    }
  }
}
