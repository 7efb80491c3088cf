package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.PartitionLog.AppendOutcome;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** How long idempotent producers are known (rules I1, I3, M19). */
class ProducerExpiryTest {
  private static final long IDLE_MS = 10_000;
  private static final int MOST = 8;
  private static final LogConfig CONFIG =
      LogWorld.CONFIG
          .withCheckpoints(500, 2_000)
          .withProducers(new LogConfig.Producers(MOST, IDLE_MS));
  private static final LogSettings SETTINGS = LogWorld.FSYNC.withSegments(1_500, 3_600_000);

  private LogWorld world = new LogWorld(CONFIG);
  private PartitionLog log = open();

  private PartitionLog open() {
    world.store.clock(world.time.clock());
    return world.openLog(SETTINGS);
  }

  private AppendOutcome append(ByteBuffer batch) {
    return world.append(log, Batches.copy(batch));
  }

  private void look() {
    world.run(log::forgetIdleProducers);
  }

  private void commitAll() {
    world.run(() -> log.noteHighWatermark(log.logEndOffset()));
  }

  private int known() {
    return world.call(log::producerCount);
  }

  @Test
  void aProducerIsForgottenWhenItAppendedNothingForTheTimeHoweverOldItsRecordsAre() {
    // Its records are of 1970: by them it would be forgotten at once.
    ByteBuffer first = Batches.of(7, 0, 0, 2, "v");
    append(first);
    commitAll();
    world.time.advanceMs(IDLE_MS - 1);
    look();
    assertInstanceOf(AppendOutcome.Duplicate.class, append(first));
    world.time.advanceMs(1);
    look();
    assertEquals(0, known());
  }

  @Test
  void aForgottenProducerMayGoOnWhereItWas() {
    append(Batches.of(7, 0, 0, 2, "v"));
    commitAll();
    world.time.advanceMs(IDLE_MS);
    look();
    // Refused before: only a log that forgot may believe in what it does not know.
    assertInstanceOf(AppendOutcome.Appended.class, append(Batches.of(7, 0, 2, 1, "v")));
  }

  @Test
  void aProducerWhoseBatchIsNotCommittedIsNeverForgotten() {
    ByteBuffer first = Batches.of(7, 0, 0, 1, "v");
    append(first);
    commitAll();
    ByteBuffer second = Batches.of(7, 0, 1, 1, "v");
    append(second);
    world.time.advanceMs(100 * IDLE_MS);
    look();
    assertEquals(new AppendOutcome.Duplicate(1, 1, -1), append(second));
    commitAll();
    look();
    assertEquals(0, known());
  }

  @Test
  void aClockThatWasAheadDoesNotKeepAProducerForEver() {
    world.time.jumpWall(10L * 365 * 24 * 3600 * 1000);
    append(Batches.of(7, 0, 0, 1, "v"));
    world.time.jumpWall(-10L * 365 * 24 * 3600 * 1000);
    append(Batches.of(8, 0, 0, 1, "v"));
    commitAll();
    look();
    assertEquals(2, known());
    world.time.advanceMs(IDLE_MS);
    look();
    assertEquals(0, known());
  }

  @Test
  void aLogKnowsSoManyProducersAtMostAndLetsTheOneGoThatAppendedLongestAgo() {
    for (int id = 0; id < MOST; id++) {
      append(Batches.of(id, 0, 0, 1, "v"));
      commitAll();
    }
    append(Batches.of(0, 0, 1, 1, "v"));
    append(Batches.of(MOST, 0, 0, 1, "v"));
    assertEquals(MOST, known());
    assertInstanceOf(AppendOutcome.Duplicate.class, append(Batches.of(0, 0, 1, 1, "v")));
    assertInstanceOf(AppendOutcome.Duplicate.class, append(Batches.of(2, 0, 0, 1, "v")));
    // The same after a recovery that reads the whole log: the last ones, in the same order.
    for (String name : world.store.list(LogWorld.ORDERS.directoryName())) {
      if (name.endsWith(".snapshot")) {
        world.store.delete(LogWorld.ORDERS.directoryName() + "/" + name);
      }
    }
    world.store.kill();
    world.restart();
    log = open();
    assertEquals(MOST, known());
    assertInstanceOf(AppendOutcome.Duplicate.class, append(Batches.of(2, 0, 0, 1, "v")));
    assertInstanceOf(AppendOutcome.Appended.class, append(Batches.of(1, 0, 0, 1, "v")));
  }

  private static final class Known {
    private int next;
    private long usedMs;
    private ByteBuffer last = ByteBuffer.allocate(0);
    private long offset;
  }

  /** Appends, checkpoints, looks, cuts of the power, kills and clean stops, in any order. */
  @Test
  void aRepetitionAfterAnyRecoveryIsRecognisedWithinTheTimeAndNobodyIsKeptMuchLonger() {
    int repeated = 0;
    int forgotten = 0;
    for (int seed = 0; seed < 150; seed++) {
      SeededRandom random = new SeededRandom(seed);
      world = new LogWorld(CONFIG);
      log = open();
      TreeMap<Long, Known> producers = new TreeMap<>();
      long fresh = 0;
      for (int step = 0; step < 120; step++) {
        String where = "seed " + seed + " step " + step;
        int what = random.nextInt(20);
        if (what < 12) {
          long id = random.oneIn(4) ? fresh++ : random.nextInt((int) Math.max(1, fresh));
          Known known = producers.computeIfAbsent(id % MOST, any -> new Known());
          ByteBuffer batch =
              Batches.of(id % MOST, 0, known.next, 1, "x".repeat(random.nextInt(300)));
          AppendOutcome outcome = append(batch);
          assertInstanceOf(AppendOutcome.Appended.class, outcome, where);
          known.offset = ((AppendOutcome.Appended) outcome).baseOffset();
          known.last = batch;
          known.next++;
          known.usedMs = world.time.clock().wallMs();
        } else if (what < 14) {
          world.time.advanceMs(random.nextInt((int) IDLE_MS));
        } else if (what < 16) {
          commitAll();
        } else if (what < 18) {
          commitAll();
          look();
        } else if (what == 18) {
          world.checkpoint();
        } else {
          restart(random);
        }
        long now = world.time.clock().wallMs();
        for (Known known : producers.values()) {
          if (now - known.usedMs < IDLE_MS) {
            AppendOutcome again = append(known.last);
            assertEquals(new AppendOutcome.Duplicate(known.offset, known.offset, -1), again, where);
            repeated++;
          }
        }
      }
      // Whoever is read again counts as used when the segment was last written: not for ever.
      world.time.advanceMs(IDLE_MS);
      commitAll();
      int before = known();
      look();
      assertEquals(0, known(), "seed " + seed);
      forgotten += before;
    }
    assertTrue(repeated > 10_000 && forgotten > 200, repeated + " and " + forgotten);
  }

  private void restart(SeededRandom random) {
    if (random.oneIn(3)) {
      world.close(1);
    }
    if (random.oneIn(2)) {
      world.store.crash(random.split());
    } else {
      world.store.kill();
    }
    if (random.oneIn(3)) {
      // Nothing of the dead process may run meanwhile.
      world.time.jumpWall(random.nextInt((int) IDLE_MS / 2));
    }
    world.restart();
    log = open();
  }
}
