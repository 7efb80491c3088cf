package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.PartitionLog.Damage;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes that change on the disk are never served, and are put right from another replica (D9). */
class DamageTest {
  private static final LogSettings SETTINGS =
      LogWorld.FSYNC.withSegments(2_000, 3_600_000).withIndexInterval(200);
  private static final LogConfig COLD = LogWorld.CONFIG.withHot(0, 0);

  private final TreeMap<Long, ByteBuffer> leader = new TreeMap<>();

  private PartitionLog fill(LogWorld world, int batches, SeededRandom random) {
    PartitionLog log = world.openLog(SETTINGS);
    for (int i = 0; i < batches; i++) {
      if (i % 40 == 0) {
        int epoch = i / 40 + 1;
        world.run(() -> log.beginEpoch(epoch));
      }
      long end = world.call(log::logEndOffset);
      int records = 1 + random.nextInt(4);
      ByteBuffer batch = Batches.plain(records, "v".repeat(random.nextInt(60)), 1_000 + i);
      leader.put(end, Batches.stamped(batch, end, i / 40 + 1));
      world.append(log, batch);
    }
    return log;
  }

  private static List<String> segments(LogWorld world) {
    String directory = LogWorld.ORDERS.directoryName();
    return world.store.list(directory).stream()
        .filter(name -> name.endsWith(".log"))
        .map(name -> directory + "/" + name)
        .toList();
  }

  private static ByteBuffer content(LogWorld world, String path) {
    try (FileStore.File file = world.store.open(path)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
      file.read(bytes, 0);
      return bytes.flip();
    }
  }

  /** Batches of the leader from an offset on, as a follower gets them. */
  private List<ByteBuffer> fetch(long offset, int count) {
    return leader.tailMap(offset).values().stream().limit(count).map(Batches::copy).toList();
  }

  private Optional<Damage> mend(LogWorld world, PartitionLog log, int batchesAtOnce) {
    for (int i = 0; i < 1_000; i++) {
      Optional<Damage> damage = world.call(log::damage);
      if (damage.isEmpty()) {
        return damage;
      }
      AtomicReference<Optional<Damage>> left = new AtomicReference<>();
      List<ByteBuffer> batches = fetch(damage.get().offset(), batchesAtOnce);
      world.run(() -> log.mend(batches, left::set));
      assertTrue(left.get() != null, "mend did not complete");
    }
    return world.call(log::damage);
  }

  /** Reads all; what comes must be what was written. Returns how far it came. */
  private long readAll(LogWorld world, PartitionLog log, String where) {
    long offset = 0;
    long end = world.call(log::logEndOffset);
    while (offset < end) {
      PartitionLog.ReadOutcome read = world.read(log, offset, 700);
      for (ByteBuffer each : read.batches()) {
        assertEquals(leader.get(offset), each, where + ", offset " + offset);
        offset = RecordBatch.at(each).nextOffset();
      }
      if (read.corruptAt().isPresent()) {
        assertTrue(read.corruptAt().getAsLong() <= offset, where);
        return offset;
      }
    }
    return offset;
  }

  @ParameterizedTest(name = "byte {0} of a batch")
  @ValueSource(ints = {0, 4, 6, 7, 23, 25, 26, 56})
  void anOffsetThatRottedDoesNotMoveTheEndOfTheLogAtTheNextStartD2(int ofBatch) {
    int found = 0;
    for (int batches = 100; batches < 130; batches++) {
      leader.clear();
      LogWorld world = new LogWorld(LogWorld.CONFIG);
      PartitionLog before = fill(world, batches, new SeededRandom(batches));
      long end = world.call(before::logEndOffset);
      world.checkpoint();
      List<String> paths = segments(world);
      String path = paths.get(paths.size() - 1);
      ByteBuffer bytes = content(world, path);
      int last = 0;
      int second = RecordBatch.at(bytes).sizeBytes();
      for (int at = 0; at < bytes.limit(); at += new RecordBatch(bytes, at).sizeBytes()) {
        last = at;
      }
      if (last == 0) {
        continue;
      }
      world.store.flip(path, (batches % 2 == 0 ? last : second) + ofBatch, 16);
      world.store.kill();
      world.restart();
      PartitionLog log = world.openLog(SETTINGS);
      long now = world.call(log::logEndOffset);
      assertTrue(now <= end, batches + " batches: " + end + " became " + now);
      found += world.directory.doubtful().size();
    }
    assertTrue(found > 5, "found " + found + " times");
  }

  @Test
  void aLeaderEpochOfALeaderThatRottedIsNotLearntByTheNextStartL2() {
    rottenEpoch(true);
  }

  @Test
  void aLeaderEpochOfAFollowerThatRottedIsNotLearntByTheNextStartL2() {
    rottenEpoch(false);
  }

  private static void rottenEpoch(boolean byLeader) {
    // What goes past the journal is in the segment alone, and no checkpoint has its epoch yet.
    LogWorld world =
        new LogWorld(
            LogWorld.CONFIG.withJournal(new CommitJournal.Sizes(1 << 20, 4, 1 << 20, 1_000)));
    PartitionLog log = world.openLog(LogWorld.FSYNC);
    for (int epoch = 3; epoch <= 5; epoch++) {
      int now = epoch;
      ByteBuffer batch = Batches.plain(1, "x".repeat(2_000), 1_000);
      if (byLeader) {
        world.run(() -> log.beginEpoch(now));
        world.call(() -> log.appendAsLeader(batch, now, 1_000));
      } else {
        ByteBuffer sent = Batches.stamped(batch, now - 3, now);
        assertTrue(world.call(() -> log.appendAsFollower(sent, now)).complete());
      }
    }
    assertEquals(3, world.directory.counters().journalBypasses());
    String path = segments(world).get(0);
    int second = RecordBatch.at(content(world, path)).sizeBytes();
    world.store.flip(path, second + 13, 2);
    world.store.kill();
    world.restart();
    PartitionLog again = world.openLog(LogWorld.FSYNC);
    assertEquals(3, world.call(again::logEndOffset));
    assertEquals(5, world.call(() -> again.epochs().latest()));
    assertEquals(1, world.call(again::damage).orElseThrow().offset());
  }

  @Test
  void whateverByteChangesNothingWrongIsServedAndMendingBringsAllBytesBack() {
    int rounds = Integer.getInteger("kontiki.fuzz.rounds", 60);
    for (long seed = 0; seed < rounds; seed++) {
      SeededRandom random = new SeededRandom(seed);
      leader.clear();
      LogWorld world = new LogWorld(COLD);
      PartitionLog log = fill(world, 120, random);
      Map<String, ByteBuffer> before = new HashMap<>();
      segments(world).forEach(path -> before.put(path, content(world, path)));
      List<String> paths = new ArrayList<>(segments(world));
      for (int i = 0; i < 100; i++) {
        String path = paths.get(random.nextInt(paths.size()));
        long at = random.nextInt(content(world, path).limit());
        world.store.flip(path, at, 1 << random.nextInt(8));
      }
      String where = "seed " + seed;
      long readable = readAll(world, log, where);
      assertTrue(readable < world.call(log::logEndOffset), where);
      assertEquals(world.damaged.isEmpty(), false, where);
      // Each read that comes after it, and each search, stops there.
      assertEquals(
          OptionalLong.of(world.call(() -> log.damage().orElseThrow().offset())),
          world.read(log, world.call(log::logEndOffset) - 1, 100).corruptAt(),
          where);
      assertEquals(Optional.empty(), mend(world, log, 1 + random.nextInt(5)), where);
      assertEquals(world.call(log::logEndOffset), readAll(world, log, where), where);
      before.forEach((path, bytes) -> assertEquals(bytes, content(world, path), where + path));
      assertTrue(
          world.store.list(LogWorld.ORDERS.directoryName()).stream()
              .anyMatch(name -> name.endsWith(".damaged")),
          where);
      // Appends go on, and what was mended is durable.
      world.append(log, Batches.plain(1, "more", 1));
      world.store.crash(random.split());
      world.restart();
      PartitionLog again = world.openLog(SETTINGS);
      leader.put(leader.lastEntry().getValue() == null ? 0 : lastEnd(), content(world, again));
      assertEquals(world.call(again::logEndOffset), readAll(world, again, where), where);
    }
  }

  private long lastEnd() {
    return RecordBatch.at(leader.lastEntry().getValue()).nextOffset();
  }

  private ByteBuffer content(LogWorld world, PartitionLog log) {
    return world.read(log, lastEnd(), 1).batches().get(0);
  }

  @Test
  void whoHasWhatWasDamagedIsGivenWhatIsSoundBehindItD9() {
    LogWorld world = new LogWorld(COLD);
    PartitionLog log = fill(world, 60, new SeededRandom(3));
    List<String> paths = segments(world);
    world.store.flip(paths.get(1), 300, 4);
    world.store.flip(paths.get(3), 300, 4);
    long damaged = readAll(world, log, "");
    long end = world.call(log::logEndOffset);
    long firstOfNext = segmentBase(paths.get(2));
    assertTrue(damaged < firstOfNext);
    assertEquals(OptionalLong.of(damaged), world.read(log, firstOfNext, 100).corruptAt());
    long offset = firstOfNext;
    while (true) {
      PartitionLog.ReadOutcome read = world.readForReplica(log, offset, 700);
      for (ByteBuffer each : read.batches()) {
        assertEquals(leader.get(offset), each);
        offset = RecordBatch.at(each).nextOffset();
      }
      if (read.batches().isEmpty()) {
        assertTrue(read.corruptAt().isPresent());
        break;
      }
    }
    assertTrue(offset >= segmentBase(paths.get(3)) && offset < end, "up to the next damage");
    assertEquals(OptionalLong.of(damaged), world.readForReplica(log, damaged, 700).corruptAt());
    assertEquals(damaged, world.call(() -> log.damage().orElseThrow().offset()));
  }

  private static long segmentBase(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    return Long.parseLong(name.substring(0, name.indexOf('.')));
  }

  @Test
  void aLeaderWithDamageTakesNoBatchesAndAFollowerDoes() {
    LogWorld world = new LogWorld(COLD);
    PartitionLog log = fill(world, 30, new SeededRandom(1));
    world.store.flip(segments(world).get(0), 300, 4);
    readAll(world, log, "");
    PartitionLog.AppendOutcome refused = world.append(log, Batches.plain(1, "x", 1));
    assertEquals(
        ErrorReason.CORRUPT_LOG, ((PartitionLog.AppendOutcome.Refused) refused).error().reason());
    long end = world.call(log::logEndOffset);
    ByteBuffer shipped = Batches.stamped(Batches.plain(1, "x", 1), end, 1);
    assertTrue(world.call(() -> log.appendAsFollower(shipped, 1)).complete());
    assertEquals(end + 1, world.call(log::heldEndOffset));
    assertEquals(1, world.directory.counters().damagedLogs());
    assertEquals(Optional.empty(), mend(world, log, 1));
    assertEquals(0, world.directory.counters().damagedLogs());
    assertTrue(world.directory.counters().mended() > 0);
    world.run(log::clearDoubt);
    assertFalse(world.call(log::doubtful));
  }

  @Test
  void wrongBatchesMendNothing() {
    LogWorld world = new LogWorld(COLD);
    PartitionLog log = fill(world, 30, new SeededRandom(1));
    world.store.flip(segments(world).get(0), 300, 4);
    readAll(world, log, "");
    Damage damage = world.call(log::damage).orElseThrow();
    ByteBuffer good = Batches.copy(leader.get(damage.offset()));
    ByteBuffer wrongEpoch = Batches.stamped(good, damage.offset(), 2);
    ByteBuffer wrongOffset = Batches.stamped(good, damage.offset() + 1, 1);
    ByteBuffer wrongByte = Batches.copy(good);
    wrongByte.put(65, (byte) (wrongByte.get(65) ^ 1));
    ByteBuffer cut = Batches.copy(good).limit(good.limit() - 1);
    for (ByteBuffer wrong :
        List.of(wrongEpoch, wrongOffset, wrongByte, cut, ByteBuffer.allocate(0))) {
      AtomicReference<Optional<Damage>> left = new AtomicReference<>();
      world.run(() -> log.mend(List.of(wrong), left::set));
      assertEquals(Optional.of(damage), left.get());
    }
    assertEquals(Optional.empty(), mend(world, log, 1));
  }

  @Test
  void theScrubberFindsWhatNobodyReads() {
    LogWorld world = new LogWorld(COLD.withScrub(new LogConfig.Scrub(10_000, 1_000)));
    PartitionLog log = fill(world, 60, new SeededRandom(1));
    world.time.advance(30_000_000_000L);
    assertEquals(List.of(), world.damaged);
    long once = world.directory.counters().scrubbedBytes();
    assertTrue(once >= world.call(log::sizeBytes), "scrubbed " + once);
    // Not faster than it may.
    assertTrue(once <= 10_000 * 31 + 2_000, "scrubbed " + once);
    world.store.flip(segments(world).get(2), 7, 1);
    world.time.advance(30_000_000_000L);
    assertEquals(1, world.damaged.size());
    assertTrue(world.call(log::doubtful));
    assertEquals(Optional.empty(), mend(world, log, 2));
    world.time.advance(30_000_000_000L);
    assertEquals(1, world.damaged.size());
  }

  @Test
  void damageBelowTheRecoveryPointIsKeptAsideAndTheLogIsCutThereOnlyWhenTold() {
    LogWorld world = new LogWorld(COLD);
    PartitionLog log = fill(world, 60, new SeededRandom(1));
    long end = world.call(log::logEndOffset);
    world.close(1);
    List<String> paths = segments(world);
    String last = paths.get(paths.size() - 1);
    // The magic of the newest segment's first batch: no walk gets over it.
    world.store.flip(last, 16, 1);
    world.store.kill();
    for (String name : List.copyOf(world.store.list(LogWorld.ORDERS.directoryName()))) {
      if (name.endsWith(".snapshot")) {
        world.store.delete(LogWorld.ORDERS.directoryName() + "/" + name);
      }
    }
    world.restart();
    PartitionLog again = world.openLog(SETTINGS);
    Damage damage = world.call(again::damage).orElseThrow();
    assertFalse(damage.mendable());
    assertTrue(world.call(again::doubtful));
    assertEquals(end, world.call(again::logEndOffset));
    assertEquals(damage.offset(), readAll(world, again, ""));
    assertTrue(
        world.store.list(LogWorld.ORDERS.directoryName()).stream()
            .anyMatch(name -> name.endsWith(".damaged")));
    world.run(() -> again.truncateTo(damage.offset()));
    assertEquals(damage.offset(), world.call(again::logEndOffset));
    assertEquals(Optional.empty(), world.call(again::damage));
    for (ByteBuffer batch : leader.tailMap(damage.offset()).values()) {
      assertTrue(world.call(() -> again.appendAsFollower(Batches.copy(batch), 9)).complete());
    }
    assertEquals(end, readAll(world, again, ""));
    world.store.kill();
    world.restart();
    assertEquals(end, readAll(world, world.openLog(SETTINGS), ""));
  }
}
