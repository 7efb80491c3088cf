package io.kontiki.client;

import io.kontiki.model.ApiError;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Hands a record's outcome to its future, and its room back. */
final class SendOutcome implements PendingRecord.Outcome {
  private final String topic;
  private final int sizeBytes;
  private final BufferBudget budget;
  private final CompletableFuture<RecordMetadata> future = new CompletableFuture<>();
  private @Nullable FlushGroup group;

  SendOutcome(String topic, int sizeBytes, BufferBudget budget) {
    this.topic = topic;
    this.sizeBytes = sizeBytes;
    this.budget = budget;
  }

  CompletableFuture<RecordMetadata> future() {
    return future;
  }

  /** On the loop. */
  void enter(FlushGroup entered) {
    group = entered;
    entered.enter();
  }

  @Override
  public void acknowledged(int partition, long offset, long timestampMs) {
    release();
    future.complete(new RecordMetadata(topic, partition, offset, timestampMs));
    leave();
  }

  @Override
  public void failed(ApiError error) {
    release();
    future.completeExceptionally(new KontikiException(error));
    leave();
  }

  private void release() {
    budget.release(sizeBytes);
  }

  private void leave() {
    FlushGroup entered = group;
    if (entered != null) {
      group = null;
      entered.leave();
    }
  }
}
