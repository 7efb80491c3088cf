package io.kontiki.broker.api;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand.AllocateProducerIds;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;

/**
 * Hands out producer ids of one of the two ranges, from blocks that this broker takes from the
 * metadata (rule I4): what is left of a block when the process ends is never used. Its state lives
 * on one loop; calls may come from any.
 */
public final class ProducerIds {
  /** Ids taken at a time. */
  public static final int BLOCK = 1000;

  /** First id of LogService's range. */
  public static final long FIRST_THIN = ClusterImage.FIRST_THIN_PRODUCER_ID;

  private static final int MAX_WAITING = 10_000;

  private final Metadata metadata;
  private final EventLoop home;
  private final boolean thin;
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
  private long next;
  private long end;
  private boolean asking;

  private record Waiting(CallContext call, Completion<Result<Long>> completion) {}

  /**
   * @param home where the block is kept
   * @param thin LogService's range; else that of the raw API
   */
  public ProducerIds(Metadata metadata, EventLoop home, boolean thin) {
    this.metadata = metadata;
    this.home = home;
    this.thin = thin;
  }

  /** An id that nobody else gets. Errors: QUORUM_UNAVAILABLE, BUSY. */
  public void next(CallContext call, Completion<Result<Long>> completion) {
    CallContext.onLoop(home, () -> take(new Waiting(call, call.home(completion))));
  }

  private void take(Waiting caller) {
    if (next < end) {
      caller.completion().complete(Result.ok(next++));
    } else if (waiting.size() >= MAX_WAITING) {
      caller
          .completion()
          .complete(
              Result.error(
                  ApiError.retriable(
                          ErrorReason.BUSY,
                          MAX_WAITING + " requests wait for producer ids already",
                          Refusals.RETRY_AFTER_MS)
                      .with("what", "requests")));
    } else {
      waiting.add(caller);
      if (!asking) {
        ask(caller);
      }
    }
  }

  private void ask(Waiting first) {
    asking = true;
    CallContext here = new CallContext(home, first.call().answerByNanos());
    metadata.submit(
        new AllocateProducerIds(home.clock().wallMs(), thin, BLOCK),
        first.call().answerByNanos(),
        here.home(this::onBlock));
  }

  private void onBlock(Result<Metadata.Submitted> submitted) {
    asking = false;
    Result<Long> first = submitted.fold(ProducerIds::firstOf, Result::error);
    if (first instanceof Result.Ok<Long> block) {
      next = block.value();
      end = next + BLOCK;
      while (!waiting.isEmpty() && next < end) {
        waiting.remove().completion().complete(Result.ok(next++));
      }
    } else {
      failFirst(((Result.Err<Long>) first).error());
    }
    if (!waiting.isEmpty() && !asking) {
      ask(waiting.element());
    }
  }

  /** The one that asked fails, and all others whose time is up too; the rest ask again. */
  private void failFirst(ApiError error) {
    // An unknown outcome burned a block at most: for the caller nothing happened.
    ApiError told =
        ApiError.retriable(
            ErrorReason.QUORUM_UNAVAILABLE,
            "no block of producer ids could be taken: " + error.message(),
            Refusals.RETRY_AFTER_MS);
    waiting.remove().completion().complete(Result.error(told));
    while (!waiting.isEmpty() && waiting.element().call().leftNanos() <= 0) {
      waiting.remove().completion().complete(Result.error(told));
    }
  }

  private static Result<Long> firstOf(Metadata.Submitted submitted) {
    if (submitted.outcome() instanceof CommandOutcome.Number number) {
      return Result.ok(number.value());
    }
    if (submitted.outcome() instanceof CommandOutcome.Rejected rejected) {
      return Result.error(rejected.error());
    }
    throw new IllegalStateException(
        "AllocateProducerIds was answered by " + submitted.outcome() + " instead of a number");
  }

  /**
   * Whether an image knows that the id was handed out, in either range; none at all counts as such.
   */
  public static boolean handedOut(ClusterImage image, long id) {
    return id < FIRST_THIN
        ? id < image.nextProducerId() // -1, no id, among them
        : id < image.nextThinProducerId();
  }

  /** The id was never handed out, as an image confirmed by the quorum says (rule I6). */
  public static ApiError unknown(long id, boolean thin) {
    return ApiError.definite(
            ErrorReason.UNKNOWN_PRODUCER_ID,
            "producer id "
                + id
                + " was never handed out by "
                + (thin ? "LogService" : "PartitionService")
                + ".InitProducerId of this cluster")
        .with("producerId", id);
  }
}
