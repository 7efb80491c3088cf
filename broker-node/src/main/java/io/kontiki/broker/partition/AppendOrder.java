package io.kontiki.broker.partition;

import io.kontiki.model.ApiError;
import io.kontiki.record.BatchValidator;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatch;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the batches for one partition in the order in which they came while some of them are looked
 * into off the loop: a producer's later batch must not overtake (rule I5). Belongs to the loop.
 */
final class AppendOrder {
  /** So many batches may wait for others before them. */
  static final int MOST_WAITING = 1_000;

  private final KeyChecker checker;
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

  AppendOrder(KeyChecker checker) {
    this.checker = checker;
  }

  private static final class Waiting {
    private final Consumer<@Nullable ApiError> then;
    private boolean known;
    private @Nullable ApiError verdict;

    private Waiting(Consumer<@Nullable ApiError> then) {
      this.then = then;
    }
  }

  /** Whether nothing waits: what needs no look may be appended at once. */
  boolean isEmpty() {
    return waiting.isEmpty();
  }

  /**
   * Hears of a batch whose header is right.
   *
   * @param keyed whether each record must have a key
   * @param busy what is said if there are too many already
   * @param then exactly once, in the order of the calls: null, it may be appended; else why not
   */
  void pass(
      ByteBuffer batch, boolean keyed, Supplier<ApiError> busy, Consumer<@Nullable ApiError> then) {
    boolean compressed = RecordBatch.at(batch).codecId() != Compression.NONE.id();
    ApiError verdict =
        keyed && !compressed
            ? BatchValidator.checkKeys(batch, batch.remaining()).orElse(null)
            : null;
    if (waiting.isEmpty() && !(keyed && compressed)) {
      then.accept(verdict);
      return;
    }
    Waiting entry = new Waiting(then);
    if (waiting.size() >= MOST_WAITING
        || (keyed && compressed && !checker.begin(batch, wrong -> onChecked(entry, wrong)))) {
      then.accept(busy.get());
      return;
    }
    waiting.add(entry);
    if (!(keyed && compressed)) {
      entry.known = true;
      entry.verdict = verdict;
    }
  }

  private void onChecked(Waiting entry, @Nullable ApiError wrong) {
    entry.known = true;
    entry.verdict = wrong;
    while (!waiting.isEmpty() && waiting.peek().known) {
      Waiting next = waiting.remove();
      next.then.accept(next.verdict);
    }
  }

  /** Nothing of what waits is appended. */
  void failAll(ApiError error) {
    List<Waiting> all = List.copyOf(waiting);
    waiting.clear();
    all.forEach(entry -> entry.then.accept(error));
  }
}
