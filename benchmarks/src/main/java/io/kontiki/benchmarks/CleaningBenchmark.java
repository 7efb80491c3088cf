package io.kontiki.benchmarks;

import io.kontiki.log.clean.Cleaning;
import io.kontiki.log.clean.Forgetting;
import io.kontiki.log.segment.OpenFiles;
import io.kontiki.log.segment.SegmentFiles;
import io.kontiki.log.segment.SegmentReader;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.system.DiskFileStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A pass of compaction over 64 MB of closed segments of which about two thirds of the records are
 * superseded, without its limit of bytes a second: reads all twice, checks every checksum, writes
 * what stays; next to a plain copy of the same bytes, read once and written whole. Both sync what
 * they wrote. An operation is a megabyte of the log, so the figures are MB/s.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@State(Scope.Benchmark)
public class CleaningBenchmark {
  private static final int MEGABYTES = 64;
  private static final int SEGMENTS = 4;
  private static final int RECORDS = 64;
  private static final int KEYS = 80_000;
  private static final int VALUE_BYTES = 200;
  private static final String DIRECTORY = "log";

  /** Of the batches. */
  @Param({"NONE", "LZ4"})
  Compression codec = Compression.NONE;

  private final List<SegmentReader.View> views = new ArrayList<>();
  private @Nullable Path path;
  private @Nullable FileStore store;
  private @Nullable OpenFiles files;

  /** Writes the segments. */
  @Setup(Level.Trial)
  public void fill() throws IOException {
    path = Files.createTempDirectory("kontiki-cleaning");
    FileStore made = new DiskFileStore(path);
    store = made;
    files = new OpenFiles(made, 16);
    made.createDirectories(DIRECTORY);
    Random random = new Random(1);
    long offset = 0;
    for (int i = 0; i < SEGMENTS; i++) {
      long base = offset;
      long position = 0;
      String file = SegmentFiles.path(DIRECTORY, base, SegmentFiles.LOG);
      while (position < (long) MEGABYTES * 1_000_000 / SEGMENTS) {
        ByteBuffer batch = batch(random, offset);
        int bytes = batch.remaining();
        files().write(file, List.of(batch), position);
        position += bytes;
        offset += RECORDS;
      }
      files().sync(file);
      views.add(
          new SegmentReader.View(DIRECTORY, base, offset, (int) position, null, any -> 1, true));
    }
  }

  private ByteBuffer batch(Random random, long offset) {
    RecordBatchBuilder builder = new RecordBatchBuilder(codec);
    byte[] value = new byte[VALUE_BYTES];
    for (int i = 0; i < RECORDS; i++) {
      // Half of it compresses.
      for (int at = 0; at < VALUE_BYTES / 2; at++) {
        value[at] = (byte) random.nextInt();
      }
      byte[] key = ("key-" + random.nextInt(KEYS)).getBytes(StandardCharsets.US_ASCII);
      builder.append(1_000, key, value.clone(), List.of());
    }
    ByteBuffer bytes = builder.build();
    RecordBatch.at(bytes).stamp(offset, 1);
    return bytes;
  }

  /** Removes them. */
  @TearDown(Level.Trial)
  public void remove() throws IOException {
    files().close();
    JournalTable.remove(Objects.requireNonNull(path));
  }

  private OpenFiles files() {
    return Objects.requireNonNull(files);
  }

  @Benchmark
  @OperationsPerInvocation(MEGABYTES)
  public long clean() {
    Cleaning pass =
        new Cleaning(
            Objects.requireNonNull(store),
            files(),
            new Cleaning.Input(
                DIRECTORY, views, Map.of(), 0, new Forgetting(Long.MAX_VALUE, 0), 1_000_000),
            new Cleaning.Settings(1 << 30, 4_096, 16 << 20, 16 << 20, 86_400_000));
    Cleaning.Status status;
    do {
      status = pass.step();
    } while (status == Cleaning.Status.MORE);
    if (status != Cleaning.Status.READY) {
      throw new IllegalStateException("the pass came to " + status);
    }
    pass.discard();
    return pass.writtenBytes();
  }

  @Benchmark
  @OperationsPerInvocation(MEGABYTES)
  public long cleanFloor() throws IOException {
    Path root = Objects.requireNonNull(path);
    Path copy = root.resolve("copy");
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    long written = 0;
    try (FileChannel to =
        FileChannel.open(copy, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (SegmentReader.View view : views) {
        try (FileChannel from = FileChannel.open(root.resolve(view.path()))) {
          while (from.read(buffer) >= 0) {
            buffer.flip();
            written += to.write(buffer);
            buffer.clear();
          }
        }
      }
      to.force(true);
    }
    Files.delete(copy);
    return written;
  }
}
