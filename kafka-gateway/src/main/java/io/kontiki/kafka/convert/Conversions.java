package io.kontiki.kafka.convert;

import io.kontiki.broker.rpc.Budget;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.record.InvalidBatchException;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.Worker;
import java.util.function.Supplier;

/**
 * Converts off the loops, one thing at a time and in the order of the calls, so that only one
 * decompressed batch is in memory.
 */
public final class Conversions {
  /** What one may take when decompressed, whatever the operator allows for others. */
  private static final int MOST_BYTES = 16 << 20;

  private static final int MOST_WAITING = 1000;

  private final Worker worker;
  private final int limitBytes;
  private final Budget waiting = new Budget("conversions for old clients", MOST_WAITING);

  /**
   * @param limitBytes what the operator lets a batch take when decompressed
   */
  public Conversions(Worker worker, int limitBytes) {
    this.worker = worker;
    this.limitBytes = Math.min(MOST_BYTES, limitBytes);
  }

  /** What a batch may take when decompressed. */
  public int limitBytes() {
    return limitBytes;
  }

  /** Runs a conversion and brings its result to the loop; INVALID_BATCH if it cannot be done. */
  public <T> void run(EventLoop loop, Supplier<T> work, Completion<Result<T>> completion) {
    if (!waiting.tryTake(1)) {
      completion.complete(Result.error(waiting.busy()));
      return;
    }
    worker.execute(
        () -> {
          Result<T> result;
          try {
            result = Result.ok(work.get());
          } catch (InvalidBatchException e) {
            String what = String.valueOf(e.getMessage());
            result =
                Result.error(
                    ApiError.definite(ErrorReason.INVALID_BATCH, "no valid records: " + what)
                        .with("what", what));
          }
          waiting.giveBack(1);
          Result<T> done = result;
          loop.execute(() -> completion.complete(done));
        });
  }
}
