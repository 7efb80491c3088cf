package io.kontiki.broker.partition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.memory.VirtualWorker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Batches for a compacted topic are looked into off the loop and stay in order (rules L6, I5). */
class AppendOrderTest {
  private static final long CHECK_MS = 20;

  private final SimulatedTime time = new SimulatedTime();
  private final VirtualLoop loop = time.newLoop("data");
  private final VirtualWorker worker = time.newWorker("key-checks");
  private final KeyChecker checker = new KeyChecker(loop, worker);
  private final AppendOrder order = new AppendOrder(checker);
  private final List<String> passed = new ArrayList<>();

  @BeforeEach
  void slowChecks() {
    worker.taskNanos(() -> CHECK_MS * 1_000_000);
  }

  private static ByteBuffer batch(Compression codec, byte @Nullable [] key) {
    return new RecordBatchBuilder(codec).append(1_000, key, new byte[100], List.of()).build();
  }

  private void pass(String name, Compression codec, boolean keyed, byte @Nullable [] key) {
    loop.run(
        () ->
            order.pass(
                batch(codec, key),
                keyed,
                () -> ApiError.retriable(ErrorReason.BUSY, "busy", 100),
                wrong -> passed.add(name + (wrong == null ? "" : " " + wrong.reason()))));
  }

  @Test
  void whatIsNotCompressedOrNotForACompactedTopicPassesInTheSameTurn() {
    pass("plain", Compression.NONE, true, new byte[] {1});
    pass("keyless", Compression.NONE, true, null);
    pass("elsewhere", Compression.ZSTD, false, null);
    assertEquals(List.of("plain", "keyless INVALID_RECORD", "elsewhere"), passed);
  }

  @Test
  void aCompressedBatchIsCheckedOffTheLoopAndNothingOvertakesIt() {
    pass("first", Compression.ZSTD, true, new byte[] {1});
    pass("second", Compression.NONE, true, new byte[] {1});
    pass("third", Compression.LZ4, true, null);
    pass("fourth", Compression.ZSTD, false, null);
    assertEquals(List.of(), passed, "the loop has not looked into the first");
    time.advanceMs(CHECK_MS);
    assertEquals(List.of("first", "second"), passed);
    time.advanceMs(CHECK_MS);
    assertEquals(List.of("first", "second", "third INVALID_RECORD", "fourth"), passed);
    pass("fifth", Compression.NONE, true, new byte[] {1});
    assertEquals("fifth", passed.get(4), "nothing waits any more");
  }

  @Test
  void whatWaitsWhenLeadershipEndsIsRefusedOnceAndNeverAppended() {
    pass("first", Compression.ZSTD, true, new byte[] {1});
    pass("second", Compression.NONE, true, new byte[] {1});
    loop.run(() -> order.failAll(ApiError.definite(ErrorReason.NOT_LEADER, "over")));
    time.advanceMs(3 * CHECK_MS);
    assertEquals(List.of("first NOT_LEADER", "second NOT_LEADER"), passed);
  }

  @Test
  void noMoreBatchesAreCheckedOrWaitThanThereIsABoundFor() {
    for (int i = 0; i <= KeyChecker.MOST_UNDER_WAY; i++) {
      pass("compressed", Compression.ZSTD, true, new byte[] {1});
    }
    assertEquals(List.of("compressed BUSY"), passed);
    for (int i = KeyChecker.MOST_UNDER_WAY; i <= AppendOrder.MOST_WAITING; i++) {
      pass("plain", Compression.NONE, true, new byte[] {1});
    }
    assertEquals(List.of("compressed BUSY", "plain BUSY"), passed);
    time.advanceMs((KeyChecker.MOST_UNDER_WAY + 1) * CHECK_MS);
    assertEquals(AppendOrder.MOST_WAITING + 2, passed.size());
    assertTrue(passed.stream().skip(2).noneMatch(name -> name.contains("BUSY")));
  }
}
