package io.kontiki.log;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.record.Compression;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.record.RecordReader;
import io.kontiki.runtime.FileStore;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.storage.internals.log.LogSegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Apache Kafka's own tool reads our segments, indexes and time indexes and finds nothing wrong; we
 * read, and recover over, what Kafka's own classes wrote.
 */
class KafkaFilesOracleTest {
  private static final String DIRECTORY = LogWorld.ORDERS.directoryName();
  private static final LogSettings SETTINGS =
      LogWorld.FSYNC.withSegments(24 << 10, 3_600_000).withIndexInterval(512);

  @TempDir Path temporary;

  @Test
  void kafkasDumpToolFindsNothingWrongInOurFiles() throws IOException {
    LogWorld world = new LogWorld(LogWorld.CONFIG.withHot(0, 0));
    long records = fill(world, world.openLog(SETTINGS));
    world.close(1);

    assertEquals(records, checkByKafka(world));
  }

  @Test
  void kafkasDumpToolFindsNothingWrongInWhatACutAndARecoveryLeft() throws IOException {
    LogWorld world = new LogWorld(LogWorld.CONFIG.withHot(0, 0).withCheckpoints(5_000, 6 << 10));
    PartitionLog log = world.openLog(SETTINGS);
    long end = fill(world, log);
    world.run(() -> log.truncateTo(end * 2 / 3));
    fill(world, log);
    world.store.kill();
    world.restart();
    PartitionLog again = world.openLog(SETTINGS);
    long records = world.call(again::logEndOffset);
    assertTrue(records > end);
    world.close(1);

    assertEquals(records, checkByKafka(world));
    world.restart();
    assertTimesAreFound(world, world.openLog(SETTINGS));
  }

  @Test
  void kafkasDumpToolFindsNothingWrongInCompactedSegments() throws IOException {
    LogWorld world =
        new LogWorld(
            LogWorld.CONFIG
                .withHot(0, 0)
                .withCleaner(new LogConfig.Cleaner(1 << 20, 1L << 30, 100)));
    PartitionLog log =
        world.openLog(SETTINGS.withCompaction(new LogSettings.Compaction(0, 86_400_000, 0)));
    long end = fill(world, log, 200);
    world.run(() -> log.noteHighWatermark(end));
    world.time.advanceMs(5_000);
    assertTrue(world.directory.counters().cleanerRuns() > 0);
    world.close(1);

    long records = checkByKafka(world, true);
    assertTrue(records < end / 2 && records >= 200, records + " records of " + end + " are left");
    world.restart();
    assertTimesAreFound(world, world.openLog(SETTINGS));
  }

  @Test
  void theDumpToolWouldSeeAWrongIndex() throws IOException {
    LogWorld world = new LogWorld(LogWorld.CONFIG);
    fill(world, world.openLog(SETTINGS));
    world.close(1);
    Path directory = copyOut(world);
    Path index = files(directory, SegmentFiles.INDEX).get(0);
    byte[] bytes = Files.readAllBytes(index);
    bytes[11] ^= 1;
    Files.write(index, bytes);
    assertTrue(dump(index).contains("Mismatches in"));
    Path log = files(directory, SegmentFiles.LOG).get(0);
    bytes = Files.readAllBytes(log);
    bytes[100] ^= 1;
    Files.write(log, bytes);
    assertTrue(dump(log).contains("isvalid: false"));
  }

  /** The indexes that are on disk lead to the first record of each time (rule L7). */
  private static void assertTimesAreFound(LogWorld world, PartitionLog log) {
    List<Record> records = new ArrayList<>();
    for (ByteBuffer batch : world.readAll(log)) {
      records.addAll(RecordReader.readAll(RecordBatch.at(batch), 1 << 20));
    }
    for (long time = 1_000_000; time < 1_101_000; time += 500) {
      long wanted = time;
      OptionalLong expected =
          records.stream()
              .filter(record -> record.timestampMs() >= wanted)
              .mapToLong(Record::offset)
              .findFirst();
      AtomicReference<PartitionLog.TimeLookup> found = new AtomicReference<>();
      world.run(() -> log.offsetForTime(wanted, Long.MAX_VALUE, found::set));
      assertEquals(expected, found.get().offset(), "time " + wanted);
    }
  }

  /** Returns how many records Kafka's tool saw. */
  private long checkByKafka(LogWorld world) throws IOException {
    return checkByKafka(world, false);
  }

  /**
   * @param compacted whether records are missing, which the tool tells
   */
  private long checkByKafka(LogWorld world, boolean compacted) throws IOException {
    Path directory = copyOut(world);
    long records = 0;
    Set<String> codecs = new TreeSet<>();
    for (Path log : files(directory, SegmentFiles.LOG)) {
      String found = dump(log, "--deep-iteration");
      assertFalse(found.contains("isvalid: false"), found);
      assertFalse(found.contains("invalid bytes"), found);
      assertTrue(compacted || !found.contains("Non-consecutive"), found);
      for (CompressionType codec : CompressionType.values()) {
        if (found.contains("compresscodec: " + codec.name + " ")) {
          codecs.add(codec.name);
        }
      }
      records += found.lines().filter(line -> line.startsWith("| offset: ")).count();
      String name = log.getFileName().toString().replace(SegmentFiles.LOG, "");
      Path index = directory.resolve(name + SegmentFiles.INDEX);
      Path times = directory.resolve(name + SegmentFiles.TIME_INDEX);
      assertTrue(Files.size(index) > 0 || Files.size(log) < 5_000, "no index beside " + log);
      for (Path each : List.of(index, times)) {
        if (Files.size(each) > 0) {
          assertEquals("Dumping " + each, dump(each, "--verify-index-only").strip());
          assertTrue(dump(each, "--index-sanity-check").contains("passed sanity check"));
        }
      }
    }
    assertTrue(files(directory, SegmentFiles.LOG).size() > 3);
    assertEquals(Set.of("none", "gzip", "snappy", "lz4", "zstd"), codecs);
    return records;
  }

  private static String dump(Path file, String... options) {
    List<String> arguments = new ArrayList<>(List.of(options));
    arguments.addAll(List.of("--files", file.toString()));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream lines = new PrintStream(out, true, StandardCharsets.UTF_8);
    PrintStream errors = System.err;
    // What does not fit together is told there.
    System.setErr(lines);
    try {
      scala.Console.withOut(
          lines,
          () -> {
            kafka.tools.DumpLogSegments.main(arguments.toArray(String[]::new));
            return null;
          });
    } finally {
      System.setErr(errors);
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  /** Batches of all codecs, with and without producer; returns the log end. */
  private static long fill(LogWorld world, PartitionLog log) {
    return fill(world, log, 0);
  }

  /** Records without keys, or with so many, some of them tombstones. */
  private static long fill(LogWorld world, PartitionLog log, int keys) {
    Random random = new Random(7);
    int sequence = 0;
    int epoch = Math.max(0, world.call(() -> log.epochs().latest())) + 1;
    world.run(() -> log.beginEpoch(epoch));
    for (int i = 0; i < 300; i++) {
      Compression codec = Compression.values()[i % Compression.values().length];
      RecordBatchBuilder builder = new RecordBatchBuilder(codec);
      int count = 1 + random.nextInt(5);
      for (int j = 0; j < count; j++) {
        byte[] value = new byte[random.nextInt(300)];
        random.nextBytes(value);
        byte[] key =
            keys == 0
                ? null
                : ByteBuffer.allocate(Integer.BYTES).putInt(0, random.nextInt(keys)).array();
        builder.append(
            1_000_000 + i * 300L + random.nextInt(9_000),
            key,
            keys > 0 && random.nextInt(6) == 0 ? null : value,
            List.of());
      }
      boolean idempotent = i % 2 == 0;
      ByteBuffer batch = idempotent ? builder.build(epoch, (short) 0, sequence) : builder.build();
      sequence += idempotent ? count : 0;
      PartitionLog.AppendOutcome outcome = world.append(log, batch);
      assertTrue(outcome instanceof PartitionLog.AppendOutcome.Appended, outcome.toString());
    }
    return world.call(log::logEndOffset);
  }

  @Test
  void weRecoverAndReadTheSegmentsThatKafkaWrote() throws IOException {
    // Of an fsync log a start keeps only what checkpoint and journal know.
    LogSettings copied = LogWorld.REPLICATED.withSegments(24 << 10, 3_600_000);
    assertEquals(5, CompressionType.values().length);
    for (CompressionType codec : CompressionType.values()) {
      Path directory = Files.createDirectories(temporary.resolve(codec.name));
      List<MemoryRecords> written = writeByKafka(directory, codec);
      for (boolean trusted : List.of(false, true)) {
        String what = codec + (trusted ? ", indexes trusted" : ", after a crash");
        LogWorld world = new LogWorld(LogWorld.CONFIG.withHot(0, 0));
        world.openLog(copied);
        world.run(world.directory::checkpoint);
        world.store.kill();
        copyIn(world.store, directory);
        // Scanned from offset 0, since the checkpoint knows nothing of these bytes (rule L3).
        world.restart();
        if (trusted) {
          world.openLog(copied);
          world.close(1);
          world.restart();
        }
        PartitionLog log = world.openLog(copied);
        assertFalse(world.call(log::doubtful), what);
        assertEquals(40, world.call(log::logEndOffset), what);
        assertEquals(4, world.call(() -> log.epochs().epochOf(39)), what);
        List<ByteBuffer> batches = world.readAll(log);
        assertEquals(written.size(), batches.size(), what);
        for (int i = 0; i < written.size(); i++) {
          assertSame(written.get(i), batches.get(i), what);
        }
        AtomicReference<PartitionLog.TimeLookup> found = new AtomicReference<>();
        world.run(() -> log.offsetForTime(5_025, Long.MAX_VALUE, found::set));
        assertEquals(OptionalLong.of(25), found.get().offset(), what);
        // Kafka's producer 9 is known from its batches (rules L8, I2).
        assertTrue(
            world.append(log, Batches.of(9, 0, 38, 2, "again"))
                instanceof PartitionLog.AppendOutcome.Duplicate,
            what);
      }
    }
  }

  private static void assertSame(MemoryRecords kafkas, ByteBuffer ours, String what) {
    assertEquals(kafkas.buffer(), ours, what);
    List<Record> records = RecordReader.readAll(RecordBatch.at(ours), 1 << 20);
    int i = 0;
    for (org.apache.kafka.common.record.Record expected : kafkas.records()) {
      Record record = records.get(i++);
      assertEquals(expected.offset(), record.offset(), what);
      assertEquals(expected.timestamp(), record.timestampMs(), what);
      byte[] value = new byte[expected.valueSize()];
      expected.value().get(value);
      assertArrayEquals(value, record.value(), what);
    }
    assertEquals(i, records.size(), what);
  }

  /** Two segments of ten batches of two records, written with their indexes. */
  private static List<MemoryRecords> writeByKafka(Path directory, CompressionType codec)
      throws IOException {
    org.apache.kafka.storage.internals.log.LogConfig config =
        new org.apache.kafka.storage.internals.log.LogConfig(
            Map.of("index.interval.bytes", 100, "segment.index.bytes", 1024));
    List<MemoryRecords> written = new ArrayList<>();
    for (long base = 0; base < 40; base += 20) {
      try (LogSegment segment =
          LogSegment.open(directory.toFile(), base, config, Time.SYSTEM, 0, false)) {
        for (long offset = base; offset < base + 20; offset += 2) {
          MemoryRecords records = records(codec, offset);
          segment.append(offset + 1, records);
          written.add(records);
        }
        segment.onBecomeInactiveSegment();
        segment.flush();
      }
    }
    for (File other : directory.toFile().listFiles((dir, name) -> name.endsWith(".txnindex"))) {
      Files.delete(other.toPath());
    }
    return written;
  }

  private static MemoryRecords records(CompressionType codec, long offset) {
    MemoryRecordsBuilder builder =
        MemoryRecords.builder(
            ByteBuffer.allocate(1024),
            RecordBatch.MAGIC,
            org.apache.kafka.common.compress.Compression.of(codec).build(),
            TimestampType.CREATE_TIME,
            offset,
            -1,
            9,
            (short) 0,
            (int) offset,
            false,
            offset < 20 ? 3 : 4);
    for (int i = 0; i < 2; i++) {
      byte[] value = ("value " + offset + " ").repeat(8).getBytes(StandardCharsets.UTF_8);
      builder.append(5_000 + offset + i, null, value);
    }
    return builder.build();
  }

  private static void copyIn(FileStore store, Path directory) throws IOException {
    for (Path path : files(directory, "")) {
      try (FileStore.File file = store.openOrCreate(DIRECTORY + "/" + path.getFileName())) {
        file.write(ByteBuffer.wrap(Files.readAllBytes(path)), 0);
      }
    }
  }

  private Path copyOut(LogWorld world) throws IOException {
    Path target = temporary.resolve("orders-0");
    Files.createDirectories(target);
    for (String name : world.store.list(DIRECTORY)) {
      try (FileStore.File file = world.store.open(DIRECTORY + "/" + name)) {
        ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
        file.read(bytes, 0);
        Files.write(target.resolve(name), bytes.array());
      }
    }
    return target;
  }

  private static List<Path> files(Path directory, String suffix) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.filter(path -> path.toString().endsWith(suffix)).sorted().toList();
    }
  }
}
