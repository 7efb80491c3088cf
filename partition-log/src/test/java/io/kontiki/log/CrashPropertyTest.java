package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.PartitionLog.AppendOutcome;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.memory.VirtualWorker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Random schedules of appends, epochs, truncations, restarts, log starts, retention by time and
 * size, compaction, segments closed by age, checkpoints and clean stops, with the process killed or
 * the power cut between any two file operations, recovery included, also on a disk that runs full
 * or fails. After each start: every held record is there, nothing is invented, epochs and producers
 * fit (rules P1, P15, L3, L4, L9, D1, D2, D8, D10, I1).
 */
class CrashPropertyTest {
  private static final int SEEDS = Integer.getInteger("kontiki.crash.seeds", 900);
  private static final long FIRST_SEED = Long.getLong("kontiki.crash.seed", 1);
  private static final int LIVES = 12;

  @Test
  void everyHeldRecordSurvivesAnyCrashAndNothingIsInvented() {
    runAll(SEEDS, false, false, false);
  }

  @Test
  void aDiskThatRunsFullOrFailsLosesNothingEitherAndGoesOnWhenThereIsRoom() {
    runAll(SEEDS, true, true, false);
  }

  @Test
  void retentionByTimeAndSizeLosesNothingThatItShouldKeepWhateverCrashes() {
    runAll(SEEDS, true, false, false);
  }

  @Test
  void compactionLosesNothingThatIsTheNewestOfItsKeyWhateverCrashes() {
    runAll(SEEDS / 2, false, false, true);
    runAll(SEEDS / 2, true, true, true);
  }

  /**
   * Of the first: an old row for a log that came again (1357), rows of a leaving log (15417, 25951,
   * 4601), cuts of replicated logs that came back (28962, 32283), a later start in an older content
   * (5623), an epoch without a record that was forgotten where segments below the log start had
   * gone in part (2186, 2455; of the second 1612, 2435). Of the second: the old row once more
   * (752), GONE replayed over new files (843), a clean stop amid a deletion (1008, 273), a torn
   * tail that came back (1683, 890), cuts (9357, 11721). With a bad disk: a journal file that was
   * never made (566), a sync that failed and succeeded in the next life (834). With compaction: a
   * log that began within a batch of which the checkpoint knew nothing, whose epoch (207752,
   * 200455, 215743) or producer (203239) was not found again. There, too, but of the model: what
   * came after a cut began like what was cut, with a tombstone of the same key by another producer,
   * and was taken for it (216900, 212709, 210921).
   */
  @Test
  void seedsThatFailedOnceDoNot() {
    for (long seed : new long[] {1357, 15417, 25951, 4601, 28962, 32283, 5623, 13364, 2186, 2455}) {
      runOne(new Run(seed, false, false, false));
    }
    for (long seed : new long[] {752, 843, 890, 1008, 273, 1683, 9357, 11721, 8160, 1612, 2435}) {
      runOne(new Run(seed, true, false, false));
    }
    for (long seed : new long[] {566, 834, 224}) {
      runOne(new Run(seed, true, true, false));
    }
    for (long seed : new long[] {207752, 200455, 215743, 217741}) {
      runOne(new Run(seed, false, false, true));
    }
    for (long seed : new long[] {200428, 203239, 262702, 216900, 212709, 210921}) {
      runOne(new Run(seed, true, true, true));
    }
  }

  /** One seed, for whoever looks for what this test notices; every kind in turn. */
  static void playSeed(long seed) {
    runOne(new Run(seed, seed % 2 == 0, seed % 4 == 2, seed % 8 == 3));
  }

  private static void runAll(int seeds, boolean retention, boolean trouble, boolean compaction) {
    int crashes = 0;
    int retained = 0;
    int begunWithin = 0;
    int records = 0;
    long bypasses = 0;
    int deletions = 0;
    long compactions = 0;
    int full = 0;
    int failures = 0;
    for (long seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
      Run run = new Run(seed, retention, trouble, compaction);
      runOne(run);
      crashes += run.crashes;
      retained += run.retained;
      begunWithin += run.begunWithin;
      records += run.checkedBatches;
      bypasses += run.bypasses;
      deletions += run.deletions;
      compactions += run.compactions;
      full += run.trouble == null ? 0 : run.trouble.timesFull;
      failures += run.trouble == null ? 0 : run.trouble.failures;
    }
    System.out.println(
        crashes
            + " crashes, "
            + records
            + " batches checked, "
            + bypasses
            + " bypasses, "
            + deletions
            + " deletions, "
            + retained
            + " times retention, "
            + full
            + " times a full disk, "
            + failures
            + " failed operations, "
            + compactions
            + " passes of compaction");
    assertTrue(crashes > seeds);
    assertTrue(bypasses > seeds && deletions > seeds / 5, "the schedules leave something out");
    assertTrue(!retention || retained > seeds, "retention is left out");
    assertTrue(begunWithin > seeds / 20, "too few logs began within a batch: " + begunWithin);
    assertTrue(!trouble || (full > seeds && failures > seeds / 2), "the disk was too good");
    assertTrue(!compaction || compactions > seeds, "compaction is left out");
  }

  private static void runOne(Run run) {
    try {
      run.all();
    } catch (RuntimeException | AssertionError e) {
      String how = run.kill ? "kill" : "power cut";
      throw new AssertionError(
          "seed " + run.seed + " life " + run.life + " (" + how + "): " + e, e);
    }
  }

  /** The process is dead from here on. */
  private static final class Dead extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private record Batch(long base, long next, int epoch, ByteBuffer bytes) {}

  /** What may be in a log: one of these, up to some end. */
  private static final class Model {
    final PartitionId id;
    final LogSettings settings;
    final boolean fsync;
    List<Batch> now = new ArrayList<>();
    // Contents before truncations that are not durable yet.
    List<List<Batch>> earlier = new ArrayList<>();
    List<Long> earlierStarts = new ArrayList<>();
    long start;
    long durableStart;
    long emptyEnd;
    long heldFloor;
    // After a kill alone all that a replicated log holds is there, synced or not.
    long returnedEnd;
    long killFloor;
    int epoch;
    // The newest that was begun and is durable since; what cuts may take it back (rules R29, L9).
    int durableEpoch = -1;
    int cuts;
    int generation;
    // Nothing below was ever cut: what is committed is (rule D5), and may be compacted.
    long committed;
    // A deletion may come undone, and with it what was compacted before.
    long committedBeforeDeletion;
    // Its deletion was asked for and is not done.
    boolean leaving;
    final TreeMap<Long, Integer> sequences = new TreeMap<>();
    @Nullable PartitionLog log;

    Model(PartitionId id, LogSettings settings, boolean fsync) {
      this.id = id;
      this.settings = settings;
      this.fsync = fsync;
    }

    /**
     * What the log knows of producers now, as far as its records tell. Of those whose records were
     * deleted it may know more, so their ids are not used again.
     */
    void readSequences() {
      sequences.clear();
      generation += start > 0 ? 1 : 0;
      for (Batch batch : now) {
        RecordBatch header = RecordBatch.at(batch.bytes);
        sequences.put(header.producerId(), header.lastSequence() + 1);
      }
    }

    /** What was begun at the end of the log may go with it. */
    void onCut() {
      cuts++;
      durableEpoch = -1;
    }

    long end() {
      return now.isEmpty() ? emptyEnd : now.get(now.size() - 1).next;
    }
  }

  private static final class Run {
    final long seed;
    final SeededRandom random;
    final boolean retention;
    final boolean compaction;
    final @Nullable DiskTrouble trouble;
    final MemoryFileStore store = new MemoryFileStore();
    final LogConfig config;
    final List<Model> models = new ArrayList<>();
    SimulatedTime time = new SimulatedTime();
    VirtualLoop[] loops = new VirtualLoop[2];
    @Nullable VirtualWorker commit;
    @Nullable VirtualWorker reads;
    @Nullable VirtualWorker cleaner;
    VirtualWorker[] syncs = new VirtualWorker[2];
    @Nullable LogDirectory directory;
    List<Batch> matched = List.of();
    int operationsLeft;
    boolean kill;
    boolean armed;
    boolean cleanlyClosed;
    boolean startsClean;
    boolean closing;
    int life;
    int crashes;
    int retained;
    int begunWithin;
    int checkedBatches;
    long bypasses;
    int deletions;
    long compactions;
    long brokerEpoch;

    Run(long seed, boolean retention, boolean trouble, boolean compaction) {
      this.seed = seed;
      this.retention = retention;
      this.compaction = compaction;
      random = new SeededRandom(seed);
      this.trouble = trouble ? new DiskTrouble(store, random.split()) : null;
      int slot = 2_000 + random.nextInt(6_000);
      LogConfig base =
          LogConfig.defaults()
              .withHot(random.nextInt(4_000), random.nextInt(3_000))
              .withJournal(
                  new CommitJournal.Sizes(
                      slot,
                      2 + random.nextInt(3),
                      20_000,
                      random.oneIn(3) ? Integer.MAX_VALUE : random.nextInt(2_500)))
              .withCheckpoints(1 + random.nextInt(50), 500 + random.nextInt(4_000))
              .withOpenFiles(2 + random.nextInt(10));
      config =
          compaction
              ? base.withCleaner(
                  new LogConfig.Cleaner(
                      24 * (3 + random.nextInt(12)), 1L << 24, 1 + random.nextInt(20)))
              : base;
      for (int i = 0; i < 4; i++) {
        boolean fsync = i != 3;
        LogSettings settings = fsync ? LogWorld.FSYNC : LogWorld.REPLICATED;
        int segmentBytes = 400 + random.nextInt(2_000);
        settings = settings.withSegments(segmentBytes, 3_600_000);
        if (retention) {
          long segmentMs = random.oneIn(2) ? 1 + random.nextInt(60) : 3_600_000;
          settings =
              settings
                  .withSegments(segmentBytes, segmentMs)
                  .withRetention(
                      random.oneIn(2) ? -1 : random.nextInt(60),
                      random.oneIn(2) ? -1 : 500 + random.nextInt(4_000));
        }
        settings = settings.withIndexInterval(random.nextInt(300));
        if (compaction) {
          settings =
              settings.withCompaction(
                  new LogSettings.Compaction(
                      random.oneIn(3) ? random.nextInt(20) : 0,
                      random.nextInt(40),
                      random.nextInt(2) * 0.3));
        }
        models.add(new Model(new PartitionId(new TopicId(5, i), i), settings, fsync));
      }
    }

    void all() {
      for (life = 0; life < LIVES; life++) {
        kill = random.nextInt(3) == 0;
        operationsLeft = 1 + random.nextInt(random.oneIn(3) ? 60 : 700);
        armed = true;
        store.faults(
            (operation, path) -> {
              if (armed && --operationsLeft < 0) {
                throw new Dead();
              }
              return armed && trouble != null ? trouble.before(operation) : null;
            });
        try {
          if (trouble != null) {
            trouble.onStart();
          }
          start();
          check();
          live();
        } catch (Dead dead) {
          crashes++;
        } catch (StorageException e) {
          // Rule L4: offline, and the process stops.
          if (trouble == null || !trouble.failed()) {
            throw e;
          }
        }
        armed = false;
        if (trouble != null) {
          trouble.room();
        }
        stopProcess();
        if (kill) {
          for (Model model : models) {
            model.killFloor = model.fsync || !model.earlier.isEmpty() ? 0 : model.returnedEnd;
          }
          store.kill();
        } else {
          for (Model model : models) {
            model.returnedEnd = 0;
            model.killFloor = 0;
          }
          store.crash(random.split());
        }
      }
      armed = false;
      start();
      check();
    }

    void stopProcess() {
      if (directory != null) {
        bypasses += directory.counters().journalBypasses();
        compactions += directory.counters().cleanerRuns();
        directory = null;
      }
      for (VirtualLoop loop : loops) {
        if (loop != null) {
          loop.stop();
        }
      }
      if (commit != null && reads != null) {
        commit.stop();
        reads.stop();
        for (VirtualWorker worker : syncs) {
          worker.stop();
        }
      }
      if (cleaner != null) {
        cleaner.stop();
      }
    }

    void start() {
      // A start that dies may have taken the marker away already.
      startsClean = cleanlyClosed;
      closing = false;
      cleanlyClosed = false;
      time =
          new SimulatedTime(
              1_767_225_600_000L,
              (what, cause) -> {
                if (cause instanceof RuntimeException runtime) {
                  throw runtime;
                }
                throw (Error) cause;
              });
      loops = new VirtualLoop[] {time.newLoop("a"), time.newLoop("b")};
      commit = time.newWorker("commit");
      reads = time.newWorker("reads");
      for (int i = 0; i < syncs.length; i++) {
        syncs[i] = time.newWorker("sync");
        syncs[i].taskNanos(() -> random.nextInt(300_000));
      }
      commit.taskNanos(() -> random.nextInt(300_000));
      reads.taskNanos(() -> random.nextInt(300_000));
      directory =
          LogDirectory.open(
              store,
              config,
              time.clock(),
              commit,
              reads,
              List.of(syncs[0], syncs[1]),
              compaction ? newCleaner() : reads,
              this::inAnyOrder,
              (what, cause) -> {
                throw new AssertionError(what, cause);
              });
      if (startsClean) {
        assertEquals(brokerEpoch, directory.cleanMarker().orElseThrow().brokerEpoch());
      }
      for (Model model : models) {
        model.leaving = false;
        VirtualLoop loop = loopOf(model);
        model.log = loop.call(() -> open(model));
      }
    }

    /** Logs are recovered side by side: in whatever order, what comes of them is the same. */
    void inAnyOrder(int count, IntConsumer work) {
      List<Integer> order = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        order.add(random.nextInt(i + 1), i);
      }
      order.forEach(work::accept);
    }

    VirtualWorker newCleaner() {
      VirtualWorker made = time.newWorker("cleaner");
      made.taskNanos(() -> random.nextInt(300_000));
      cleaner = made;
      return made;
    }

    PartitionLog open(Model model) {
      return java.util.Objects.requireNonNull(directory)
          .openOrCreate(model.id, "topic", model.settings, loopOf(model), new Holding(model));
    }

    VirtualLoop loopOf(Model model) {
      return loops[model.id.partition() % loops.length];
    }

    PartitionLog log(Model model) {
      return java.util.Objects.requireNonNull(model.log);
    }

    final class Holding implements PartitionLog.Listener {
      private final Model model;

      Holding(Model model) {
        this.model = model;
      }

      @Override
      public void onHeld(long heldEndOffset) {
        if (model.fsync) {
          model.heldFloor = Math.max(model.heldFloor, heldEndOffset);
        } else {
          model.returnedEnd = Math.max(model.returnedEnd, heldEndOffset);
        }
      }

      @Override
      public void onDamaged(long offset) {
        throw new AssertionError("damaged at " + offset);
      }

      @Override
      public void onOffline(StorageException cause) {
        if (trouble == null || !trouble.failed()) {
          throw new AssertionError("offline", cause);
        }
      }
    }

    void live() {
      int turns = random.nextInt(120);
      for (int i = 0; i < turns; i++) {
        if (trouble != null) {
          trouble.maybeChange();
        }
        Model model = models.get(random.nextInt(models.size()));
        loopOf(model)
            .run(
                () -> {
                  for (int n = random.nextInt(5); n >= 0; n--) {
                    act(model);
                  }
                });
        for (int steps = random.nextInt(6); steps > 0; steps--) {
          time.step();
        }
        if (random.oneIn(10)) {
          time.advanceMs(random.nextInt(30));
        }
      }
      if (random.oneIn(4)) {
        brokerEpoch++;
        closing = true;
        AtomicReference<Boolean> done = new AtomicReference<>(false);
        java.util.Objects.requireNonNull(directory)
            .flushAndClose(
                brokerEpoch,
                () -> {
                  done.set(true);
                  // Its name may not be durable: the sync of it may be what failed (224).
                  if (trouble != null && (trouble.failed() || !store.exists(CleanMarker.FILE))) {
                    return;
                  }
                  cleanlyClosed = true;
                  for (Model model : models) {
                    model.heldFloor = model.end();
                    if (!model.leaving) {
                      model.earlier.clear();
                      model.earlierStarts.clear();
                    }
                    model.durableStart = model.start;
                  }
                });
        time.advanceMs(trouble == null ? 200 : 3_000);
        assertTrue(done.get(), "the directory did not close");
      } else if (trouble != null) {
        goOn(trouble);
      }
    }

    /** With room again everything becomes durable without a restart (rule P15). */
    void goOn(DiskTrouble disk) {
      disk.room();
      time.advanceMs(2_000);
      for (Model model : models) {
        if (!disk.failed() && !model.leaving) {
          loopOf(model)
              .run(() -> assertEquals(log(model).logEndOffset(), log(model).heldEndOffset()));
        }
      }
    }

    void act(Model model) {
      if (model.leaving) {
        return;
      }
      PartitionLog log = log(model);
      assertEquals(model.end(), log.logEndOffset());
      switch (random.nextInt(retention ? 22 : 20)) {
        case 0 -> {
          model.epoch++;
          log.beginEpoch(model.epoch);
          if (model.fsync) {
            int begun = model.epoch;
            int cuts = model.cuts;
            log.whenDurable(
                () -> {
                  if (cuts == model.cuts) {
                    model.durableEpoch = begun;
                  }
                });
          }
        }
        case 1 -> {
          if (random.oneIn(2)) {
            truncate(model, log);
          }
        }
        case 2 -> {
          if (random.oneIn(8)) {
            restart(model, log);
          } else if (random.oneIn(8)) {
            delete(model);
          }
        }
        case 3 -> {
          long to = model.start + random.nextInt((int) (model.end() - model.start) + 1);
          if (random.oneIn(3)) {
            log.advanceLogStart(to);
            model.start = to;
            long start = to;
            List<Batch> content = model.now;
            log.whenDurable(
                () -> {
                  if (content == model.now) {
                    model.durableStart = Math.max(model.durableStart, start);
                  }
                });
          }
        }
        case 4 -> {
          long committed = random.nextInt((int) model.end() + 1);
          model.committed = Math.max(model.committed, committed);
          log.noteHighWatermark(committed);
        }
        case 5 -> {
          long end = model.end();
          List<Batch> content = model.now;
          log.whenDurable(
              () -> {
                if (content == model.now) {
                  model.heldFloor = Math.max(model.heldFloor, end);
                  model.earlier.clear();
                  model.earlierStarts.clear();
                }
              });
        }
        case 6, 7, 8 -> appendAsFollower(model, log);
        case 20 -> retain(model, log);
        case 21 -> log.rollIfOld();
        default -> appendAsLeader(model, log);
      }
    }

    /** What retention lets go, below some high watermark, goes (rules L6, D5). */
    void retain(Model model, PartitionLog log) {
      List<Batch> content = model.now;
      long limit = model.start + random.nextInt((int) (model.end() - model.start) + 1);
      log.retainedStart(
          limit,
          random.nextInt(2) == 0,
          start -> {
            if (content != model.now || model.leaving || start <= model.start) {
              return;
            }
            assertTrue(start <= limit, "retention passes the high watermark");
            log.advanceLogStart(start);
            model.start = start;
            retained++;
            log.whenDurable(
                () -> {
                  if (content == model.now) {
                    model.durableStart = Math.max(model.durableStart, start);
                  }
                });
          });
    }

    void truncate(Model model, PartitionLog log) {
      if (model.end() == model.start) {
        return;
      }
      long to =
          random.oneIn(4)
              ? model.end()
              : model.start + random.nextInt((int) (model.end() - model.start));
      long before = model.end();
      if (compaction && to < model.committed) {
        return;
      }
      model.onCut();
      log.truncateTo(to);
      if (log.logEndOffset() == before) {
        model.epoch = Math.max(model.epoch, log.epochs().latest());
        return;
      }
      model.earlier.add(model.now);
      model.earlierStarts.add(model.start);
      List<Batch> cut = new ArrayList<>();
      for (Batch batch : model.now) {
        if (batch.next <= to) {
          cut.add(batch);
        }
      }
      model.now = cut;
      if (log.logEndOffset() == model.start) {
        cut.clear();
      }
      if (cut.isEmpty()) {
        model.emptyEnd = log.logEndOffset();
      }
      assertEquals(log.logEndOffset(), model.end());
      model.returnedEnd = model.end();
      model.heldFloor = Math.min(model.heldFloor, model.end());
      model.readSequences();
    }

    void restart(Model model, PartitionLog log) {
      long at = model.end() + random.nextInt(50);
      model.onCut();
      log.restartAt(at);
      model.earlier.add(model.now);
      model.earlierStarts.add(model.start);
      model.now = new ArrayList<>();
      model.emptyEnd = at;
      model.start = at;
      model.heldFloor = 0;
      model.returnedEnd = at;
      model.sequences.clear();
    }

    /** The topic goes; once that is done it comes again under the same id, as after a move. */
    void delete(Model model) {
      model.leaving = true;
      model.onCut();
      model.earlier.add(model.now);
      model.earlierStarts.add(model.start);
      model.now = new ArrayList<>();
      model.emptyEnd = 0;
      model.start = 0;
      model.durableStart = 0;
      model.heldFloor = 0;
      model.returnedEnd = 0;
      model.committedBeforeDeletion = Math.max(model.committedBeforeDeletion, model.committed);
      model.committed = 0;
      model.sequences.clear();
      java.util.Objects.requireNonNull(directory)
          .delete(
              model.id,
              loopOf(model),
              () -> {
                if (closing) {
                  // Nothing is appended to a directory that closes, and no log is made in it.
                  return;
                }
                deletions++;
                model.leaving = false;
                model.earlier.clear();
                model.earlierStarts.clear();
                model.log = open(model);
              });
    }

    ByteBuffer batch(Model model, int[] producer) {
      int id = random.nextInt(4) + model.generation * 10;
      producer[0] = id;
      int records = 1 + random.nextInt(3);
      String text = "v" + random.nextInt(1_000) + "x".repeat(random.nextInt(200));
      if (compaction) {
        return Batches.keyed(id, model.sequences.getOrDefault((long) id, 0), records, text, random);
      }
      return Batches.of(id, 0, model.sequences.getOrDefault((long) id, 0), records, text);
    }

    void appendAsLeader(Model model, PartitionLog log) {
      int[] producer = new int[1];
      ByteBuffer bytes = batch(model, producer);
      model.epoch = Math.max(model.epoch, log.epochs().latest());
      // Noted before the call: the process may die in it.
      int size = model.now.size();
      TreeMap<Long, Integer> before = new TreeMap<>(model.sequences);
      appended(model, Batches.stamped(bytes, model.end(), model.epoch));
      AppendOutcome outcome = log.appendAsLeader(bytes, model.epoch, 1);
      if (!(outcome instanceof AppendOutcome.Appended)) {
        takeBack(model, size, before);
      }
      if (outcome instanceof AppendOutcome.Appended) {
        assertEquals(model.end(), log.logEndOffset());
        model.returnedEnd = Math.min(model.end(), log.heldEndOffset());
      } else if (outcome instanceof AppendOutcome.Refused refused) {
        assertTrue(
            refused.error().message().contains("durable")
                || refused.error().message().contains("journal")
                || refused.error().message().contains("must be 0")
                || (trouble != null
                    && trouble.full()
                    && refused.error().reason() == ErrorReason.DISK_FULL),
            refused.error().toString());
        if (refused.error().message().contains("must be 0")) {
          // After a restart at a later offset its producers begin anew.
          model.sequences.remove((long) producer[0]);
        }
      } else {
        throw new AssertionError("a false duplicate: " + outcome);
      }
    }

    void appended(Model model, ByteBuffer bytes) {
      RecordBatch header = RecordBatch.at(bytes);
      assertEquals(model.end(), header.baseOffset());
      model.now.add(
          new Batch(
              header.baseOffset(), header.nextOffset(), header.leaderEpoch(), Batches.copy(bytes)));
      model.sequences.put(header.producerId(), header.lastSequence() + 1);
    }

    void appendAsFollower(Model model, PartitionLog log) {
      int count = 1 + random.nextInt(4);
      ByteBuffer all = ByteBuffer.allocate(8_000);
      List<ByteBuffer> each = new ArrayList<>();
      TreeMap<Long, Integer> before = new TreeMap<>(model.sequences);
      long offset = model.end();
      model.epoch = Math.max(model.epoch, log.epochs().latest());
      long end = offset;
      boolean within = model.now.isEmpty() && offset > 3 && random.oneIn(2);
      for (int i = 0; i < count; i++) {
        if (random.oneIn(5)) {
          model.epoch++;
        }
        ByteBuffer content = batch(model, new int[1]);
        int records = RecordBatch.at(content).recordCount();
        if (within && i == 0 && records > 1 && offset >= records) {
          // The log start lies within the first batch (rule R32).
          offset -= 1 + random.nextInt(records - 1);
          model.emptyEnd = offset;
        }
        ByteBuffer bytes = Batches.stamped(content, offset, model.epoch);
        RecordBatch header = RecordBatch.at(bytes);
        model.sequences.put(header.producerId(), header.lastSequence() + 1);
        offset = header.nextOffset();
        each.add(bytes);
        all.put(bytes.duplicate());
      }
      int size = model.now.size();
      each.forEach(bytes -> appended(model, bytes));
      PartitionLog.FollowerAppend outcome = log.appendAsFollower(all.flip(), model.epoch);
      if (within && outcome.endOffset() == end) {
        model.emptyEnd = end; // it was not empty for the storage engine, or there was no room
      } else if (within) {
        begunWithin++;
      }
      if (outcome.complete()) {
        model.returnedEnd = Math.min(model.end(), log.heldEndOffset());
      } else {
        // What went into an earlier segment stays.
        int kept = size;
        while (kept < model.now.size() && model.now.get(kept).next <= outcome.endOffset()) {
          kept++;
        }
        List<Batch> tail = List.copyOf(model.now.subList(size, kept));
        takeBack(model, kept, before);
        for (Batch batch : tail) {
          RecordBatch header = RecordBatch.at(batch.bytes);
          model.sequences.put(header.producerId(), header.lastSequence() + 1);
        }
        if (kept > size) {
          model.returnedEnd = Math.min(model.end(), log.heldEndOffset());
        }
      }
      assertEquals(model.end(), outcome.endOffset(), outcome.fault());
    }

    void takeBack(Model model, int size, TreeMap<Long, Integer> sequences) {
      model.now.subList(size, model.now.size()).clear();
      model.sequences.clear();
      model.sequences.putAll(sequences);
    }

    void check() {
      for (Model model : models) {
        PartitionLog log = log(model);
        VirtualLoop loop = loopOf(model);
        long start = loop.call(log::logStartOffset);
        long end = loop.call(log::logEndOffset);
        List<Batch> found = readAll(model, log, start, end);
        boolean fits = fits(model, model.now, model.start, start, end, found);
        // A later start may be durable although what came between is not. Where compaction took the
        // records, an older content may fit as well: the newest that fits is what is there.
        long startThen = model.start;
        for (int i = model.earlier.size() - 1; i >= 0 && !fits; i--) {
          startThen = Math.max(startThen, model.earlierStarts.get(i));
          fits = fits(model, model.earlier.get(i), startThen, start, end, found);
        }
        assertTrue(
            fits,
            () ->
                model.id
                    + ": found "
                    + start
                    + " to "
                    + end
                    + " "
                    + offsets(found)
                    + ", model "
                    + model.start
                    + " (durable "
                    + model.durableStart
                    + ") to "
                    + model.end()
                    + " "
                    + offsets(model.now)
                    + " held "
                    + model.heldFloor
                    + " kill "
                    + model.killFloor
                    + ", earlier "
                    + model.earlier.stream().map(Run::offsets).toList());
        assertTrue(start >= model.durableStart || !model.earlier.isEmpty());
        checkEpochs(model, log, found, end);
        List<Batch> content =
            compaction ? matched.stream().filter(batch -> batch.next > start).toList() : found;
        adopt(model, log, start, end, content);
        checkProducers(model, log, content, start);
      }
      checkHeldIsDurable();
    }

    static String offsets(List<Batch> batches) {
      StringBuilder text = new StringBuilder();
      batches.forEach(batch -> text.append(batch.base).append('/').append(batch.epoch).append(' '));
      return text.toString();
    }

    List<Batch> readAll(Model model, PartitionLog log, long start, long end) {
      List<Batch> all = new ArrayList<>();
      long offset = start;
      while (offset < end) {
        AtomicReference<PartitionLog.ReadOutcome> read = new AtomicReference<>();
        long from = offset;
        loopOf(model).run(() -> log.read(from, Long.MAX_VALUE, 500, read::set));
        time.runUntil(() -> read.get() != null, 1_000_000_000L);
        assertFalse(
            read.get().batches().isEmpty(),
            () ->
                model.id
                    + ": nothing at "
                    + from
                    + " of "
                    + start
                    + " to "
                    + end
                    + " "
                    + read.get()
                    + dump(model));
        for (ByteBuffer bytes : read.get().batches()) {
          RecordBatch header = RecordBatch.at(bytes);
          all.add(new Batch(header.baseOffset(), header.nextOffset(), header.leaderEpoch(), bytes));
          offset = header.nextOffset();
        }
      }
      checkedBatches += all.size();
      return all;
    }

    /** What lies in a log's directory, for a failure's message. */
    String dump(Model model) {
      StringBuilder text = new StringBuilder();
      String name = model.id.directoryName();
      for (String file : store.list(name)) {
        try (var open = store.open(name + "/" + file)) {
          text.append("; ").append(file).append(' ').append(open.size());
        }
      }
      return text.toString();
    }

    static List<ByteBuffer> bytesOf(List<Batch> batches) {
      return batches.stream().map(Batch::bytes).toList();
    }

    /** Whether what was found is this content up to an end, and no held record is missing. */
    boolean fits(
        Model model,
        List<Batch> content,
        long contentStart,
        long start,
        long end,
        List<Batch> found) {
      if (end < Math.max(model.heldFloor, model.killFloor)
          || start > Math.max(contentStart, model.start)) {
        return false;
      }
      TreeMap<Long, Batch> byBase = new TreeMap<>();
      content.forEach(batch -> byBase.put(batch.base, batch));
      long contentEnd =
          content.isEmpty()
              ? Math.max(contentStart, model.emptyEnd)
              : content.get(content.size() - 1).next;
      if (end > contentEnd) {
        return false;
      }
      if (compaction) {
        boolean compacted = CompactedLog.fits(bytesOf(content), start, end, bytesOf(found));
        if (compacted) {
          matched = content.stream().filter(batch -> batch.next <= end).toList();
        }
        return compacted;
      }
      long due = start;
      for (Batch batch : found) {
        Batch same = byBase.get(batch.base);
        if (same == null || batch.base > due || !same.bytes.equals(batch.bytes)) {
          return false;
        }
        due = batch.next;
      }
      return due == end || found.isEmpty();
    }

    void checkEpochs(Model model, PartitionLog log, List<Batch> found, long end) {
      loopOf(model)
          .run(
              () -> {
                for (Batch batch : found) {
                  assertEquals(
                      batch.epoch,
                      log.epochs().epochOf(Math.max(batch.base, log.logStartOffset())),
                      model.id + ": epoch at " + batch.base);
                }
                assertTrue(log.epochs().endOf(Integer.MAX_VALUE).endOffset() <= end);
                assertTrue(
                    log.epochs().latest() >= model.durableEpoch,
                    () -> model.id + ": epoch " + model.durableEpoch + " has never begun (R29)");
              });
    }

    void checkProducers(Model model, PartitionLog log, List<Batch> found, long start) {
      TreeMap<Long, Batch> last = new TreeMap<>();
      found.forEach(batch -> last.put(RecordBatch.at(batch.bytes).producerId(), batch));
      loopOf(model)
          .run(
              () ->
                  last.values()
                      .forEach(
                          batch -> {
                            ByteBuffer again = Batches.copy(batch.bytes);
                            AppendOutcome outcome =
                                log.appendAsLeader(again, Math.max(0, log.epochs().latest()), 1);
                            assertEquals(
                                new AppendOutcome.Duplicate(batch.base, batch.next - 1, -1),
                                outcome,
                                model.id + ": last batch of a producer");
                          }));
      if (start == 0) {
        loopOf(model).run(() -> assertEquals(last.size(), log.producerCount(), "producers"));
      }
    }

    /** The model goes on from what was found. */
    void adopt(Model model, PartitionLog log, long start, long end, List<Batch> found) {
      model.now = new ArrayList<>();
      for (Batch batch : found) {
        model.now.add(new Batch(batch.base, batch.next, batch.epoch, Batches.copy(batch.bytes)));
      }
      model.emptyEnd = end;
      model.committed = Math.min(Math.max(model.committed, model.committedBeforeDeletion), end);
      model.committedBeforeDeletion = 0;
      model.start = start;
      model.durableStart = start;
      // Rule D10: recovery synced it.
      model.heldFloor = end;
      model.returnedEnd = end;
      model.earlier.clear();
      model.earlierStarts.clear();
      model.epoch = loopOf(model).call(() -> Math.max(model.epoch, log.epochs().latest()));
      model.readSequences();
    }

    void checkHeldIsDurable() {
      for (Model model : models) {
        loopOf(model).run(() -> assertEquals(model.end(), log(model).heldEndOffset()));
      }
    }
  }
}
