package io.kontiki.broker.rpc;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.util.concurrent.atomic.AtomicLong;

/** A bounded amount of something that requests hold while they are under way. Thread-safe. */
public final class Budget {
  private static final long RETRY_AFTER_MS = 100;

  private final String what;
  private final long limit;
  private final AtomicLong taken = new AtomicLong();

  /**
   * @param what for the refusal: "bytes in flight", "streams", "requests"
   */
  public Budget(String what, long limit) {
    this.what = what;
    this.limit = limit;
  }

  /** Takes some, or nothing and answers false. */
  public boolean tryTake(long amount) {
    if (taken.addAndGet(amount) <= limit) {
      return true;
    }
    taken.addAndGet(-amount);
    return false;
  }

  /** Gives back what was taken. */
  public void giveBack(long amount) {
    taken.addAndGet(-amount);
  }

  /** How much is taken now. */
  public long taken() {
    return taken.get();
  }

  /** The refusal when nothing is left. */
  public ApiError busy() {
    return ApiError.retriable(
            ErrorReason.BUSY,
            "this broker serves as many " + what + " as it can, " + limit + ": try again",
            RETRY_AFTER_MS)
        .with("what", what);
  }
}
