package io.kontiki.tool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.log.LogConfig;
import io.kontiki.log.LogDirectory;
import io.kontiki.log.LogSettings;
import io.kontiki.log.PartitionLog;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.ParserFuzz;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.system.DirectoryLock;
import io.kontiki.runtime.system.DiskFileStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogMainTest {
  private static final PartitionId ORDERS = new PartitionId(new TopicId(7, 1), 0);

  @TempDir Path data;
  private String out = "";
  private String err = "";

  private int run(String... args) {
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    int code =
        LogMain.run(
            List.of(args),
            new PrintStream(outBytes, true, StandardCharsets.UTF_8),
            new PrintStream(errBytes, true, StandardCharsets.UTF_8));
    out = outBytes.toString(StandardCharsets.UTF_8);
    err = errBytes.toString(StandardCharsets.UTF_8);
    return code;
  }

  /** Files of any bytes are printed as far as they make sense, or refused in words. */
  @Test
  void aDumpOfAnyBytesEndsWithAnAnswer() throws IOException {
    Path log = data.resolve("log");
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.walk(log)) {
      all.filter(Files::isRegularFile)
          .filter(path -> path.toString().matches(".*(\\.log|index|checkpoint|epochs)"))
          .forEach(files::add);
    }
    for (Path file : files) {
      byte[] good = Files.readAllBytes(file);
      for (int seed = 0; seed < 150; seed++) {
        SeededRandom random = new SeededRandom(seed);
        Files.write(file, ParserFuzz.mutated(good, random));
        int code =
            random.oneIn(2)
                ? run("dump", file.toString())
                : run("dump", "--records", file.toString());
        if (code != 0 && code != 1) {
          throw new AssertionError(file + ", seed " + seed + ": " + code + " " + err);
        }
      }
      Files.write(file, good);
    }
  }

  /** The directory of a node that was stopped cleanly. */
  @BeforeEach
  void aStoppedNode() {
    DirectoryLock.acquire(data, "kontiki.pid").close();
    SimulatedTime time = new SimulatedTime();
    VirtualLoop loop = time.newLoop("loop");
    LogDirectory directory =
        LogDirectory.open(
            new DiskFileStore(data).child("log"),
            LogConfig.defaults().withJournal(new CommitJournal.Sizes(64 << 10, 4, 1 << 20)),
            time.clock(),
            time.newWorker("commit"),
            time.newWorker("reads"),
            List.of(time.newWorker("syncs")),
            (what, cause) -> {
              throw new AssertionError(what, cause);
            });
    LogSettings settings =
        LogSettings.defaults(Durability.FSYNC)
            .withSegments(4_000, 3_600_000)
            .withIndexInterval(300);
    PartitionLog log =
        loop.call(
            () -> directory.openOrCreate(ORDERS, "orders", settings, loop, new NobodyListening()));
    for (int i = 0; i < 150; i++) {
      int epoch = 1 + i / 15; // more of them than the checkpoint takes: they get a file
      loop.run(() -> log.beginEpoch(epoch));
      RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
      builder.append(1_000 + i, null, ("value " + i).getBytes(StandardCharsets.UTF_8), List.of());
      ByteBuffer batch = builder.build();
      loop.run(() -> log.appendAsLeader(batch, epoch, 1));
      time.runUntilIdle();
    }
    directory.flushAndClose(1, () -> {});
    time.runUntilIdle();
  }

  private static final class NobodyListening implements PartitionLog.Listener {
    @Override
    public void onHeld(long heldEndOffset) {}

    @Override
    public void onDamaged(long offset) {}

    @Override
    public void onOffline(StorageException cause) {}
  }

  private List<Path> files(String suffix) throws IOException {
    try (Stream<Path> all = Files.list(data.resolve("log").resolve(ORDERS.directoryName()))) {
      return all.filter(path -> path.toString().endsWith(suffix)).sorted().toList();
    }
  }

  private static void flip(Path path, long at) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.seek(at);
      int value = file.read();
      file.seek(at);
      file.write(value ^ 4);
    }
  }

  @Test
  void aSoundDirectoryIsGood() {
    for (Path path : List.of(data, data.resolve("log"))) {
      assertEquals(0, run("verify", path.toString()), out + err);
      assertTrue(out.startsWith("good partitions=1 segments=3 "), out);
    }
    assertEquals(0, run("verify", data.toString(), "--output", "json"));
    assertTrue(out.startsWith("{\"kind\":\"good\",\"partitions\":1,"), out);
  }

  @Test
  void aCompactedSegmentThatAStopLeftBeforeItGotItsNameCountsForWhatItReplaces()
      throws IOException {
    List<Path> logs = files(".log");
    String end = logs.get(2).getFileName().toString().replace(".log", "");
    Path swap = logs.get(1).resolveSibling(logs.get(1).getFileName() + "." + end + ".swap");
    Files.move(logs.get(1), swap);
    assertEquals(0, run("verify", data.toString()), out + err);
    assertTrue(out.startsWith("good partitions=1 segments=3 "), out);
    flip(swap, 100);
    assertEquals(1, run("verify", data.toString()), out + err);
    assertTrue(out.contains(end + ".swap"), out);
  }

  @Test
  void everyFlippedByteOfASegmentIsFoundWithItsPlace() throws IOException {
    Random random = new Random(5);
    List<Path> logs = files(".log");
    for (int i = 0; i < 60; i++) {
      Path path = logs.get(random.nextInt(logs.size()));
      long at = random.nextInt((int) Files.size(path));
      flip(path, at);
      assertEquals(1, run("verify", data.toString()), path + " at " + at + ": " + out);
      assertTrue(out.contains("damage file=" + ORDERS.directoryName() + "/"), out);
      flip(path, at);
    }
    assertEquals(0, run("verify", data.toString()));
    flip(logs.get(1), 70);
    flip(logs.get(1), 2_500);
    flip(logs.get(2), 70);
    assertEquals(1, run("verify", data.toString(), "--output", "json"));
    assertEquals(3, out.lines().filter(line -> line.contains("\"damage\"")).count(), out);
    assertTrue(out.contains("\"position\":0,\"offset\":"), out);
  }

  @Test
  void damageOfOtherFilesIsFound() throws IOException {
    for (Path path :
        List.of(
            files(".index").get(0),
            files("leader-epochs").get(0),
            data.resolve("log/checkpoint"))) {
      flip(path, 6);
      assertEquals(1, run("verify", data.toString()), path + ": " + out);
      assertTrue(out.contains("damage file="), out);
      flip(path, 6);
    }
  }

  @Test
  @SuppressWarnings("try") // the lock is held, not used
  void aRunningNodeIsLeftAlone() {
    DirectoryLock held = DirectoryLock.acquire(data, "kontiki.pid");
    try {
      assertEquals(1, run("verify", data.toString()));
      assertTrue(err.contains("is in use"), err);
    } finally {
      held.close();
    }
    assertEquals(1, run("verify", data.resolve("nowhere").toString()));
    assertEquals(1, run("verify", data.resolve("log").resolve(ORDERS.directoryName()).toString()));
    assertTrue(err.contains("is not the data directory"), err);
  }

  @Test
  void filesArePrinted() throws IOException {
    Path log = files(".log").get(1);
    assertEquals(0, run("dump", log.toString(), "--records"));
    assertTrue(out.contains("batch position=0 size="), out);
    assertTrue(out.contains("value=value 60"), out);
    assertEquals(0, run("dump", files(".index").get(0).toString()));
    assertTrue(out.contains("entry lastOffset="), out);
    assertEquals(0, run("dump", files(".timeindex").get(0).toString(), "--output", "json"));
    assertTrue(out.contains("{\"kind\":\"entry\",\"timestamp\":10"), out);
    assertEquals(0, run("dump", files("leader-epochs").get(0).toString()));
    assertTrue(out.contains("epoch epoch=1 startOffset=0"), out);
    assertEquals(0, run("dump", data.resolve("log/checkpoint").toString()));
    assertTrue(out.contains("recoveryPoint=150"), out);
    // A byte of the records: the header's epoch is not under the checksum.
    flip(log, 70);
    assertEquals(1, run("dump", log.toString()));
    assertTrue(out.contains("valid=false"), out);
    flip(log, 16);
    assertEquals(1, run("dump", log.toString()));
    assertTrue(out.contains("damage file="), out);
  }

  @Test
  void wrongWordsAreUsageErrors() {
    assertEquals(2, run("dump"));
    assertEquals(2, run("look", "x"));
    assertEquals(2, run("verify", "x", "--fast"));
    assertEquals(2, run("verify", "x", "--output", "xml"));
    assertEquals(0, run("--help"));
    assertEquals(1, run("dump", data.resolve("kontiki.pid").toString()));
    assertTrue(err.contains("dump knows"), err);
  }
}
