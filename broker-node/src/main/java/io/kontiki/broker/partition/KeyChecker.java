package io.kontiki.broker.partition;

import io.kontiki.model.ApiError;
import io.kontiki.record.BatchValidator;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.Worker;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Looks into compressed batches whether each record has a key, as a compacted topic needs it (rule
 * L6): off the loop, since a batch may take many times its bytes when it is decompressed. One for
 * all partitions of a loop, to which it belongs.
 */
final class KeyChecker {
  /** So many batches of one loop may be with the worker. */
  static final int MOST_UNDER_WAY = 128;

  private static final int MOST_DECOMPRESSED_BYTES = 16 << 20;

  private final EventLoop loop;
  private final Worker worker;
  private int underWay;

  KeyChecker(EventLoop loop, Worker worker) {
    this.loop = loop;
    this.worker = worker;
  }

  /**
   * Begins a check.
   *
   * @param batch checked as far as its header goes; must not change until the answer is there
   * @param then gets what is wrong, or null; in a later turn of the loop
   * @return false if too many are under way: nothing has begun
   */
  boolean begin(ByteBuffer batch, Consumer<@Nullable ApiError> then) {
    if (underWay >= MOST_UNDER_WAY) {
      return false;
    }
    underWay++;
    worker.execute(
        () -> {
          ApiError wrong = BatchValidator.checkKeys(batch, MOST_DECOMPRESSED_BYTES).orElse(null);
          loop.execute(
              () -> {
                underWay--;
                then.accept(wrong);
              });
        });
    return true;
  }
}
