package io.kontiki.benchmarks;

import io.kontiki.log.segment.OffsetIndex;
import io.kontiki.record.RecordBatch;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A look-up in the offset index of a full segment (1 GiB, an entry every 4 KiB) next to a binary
 * search in a bare array; the check of a batch of 16 KiB next to the JDK's checksum of the bytes.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
@State(Scope.Thread)
public class LookupBenchmark {
  private static final int ENTRIES = 1 << 18;
  private static final int STEP = 4096;
  private static final int BATCH_BYTES = 16 << 10;
  private static final int CRC_COVERS_FROM = 21;

  private final OffsetIndex index = new OffsetIndex(0);
  private final long[] bare = new long[ENTRIES];
  private final RecordBatch batch = RecordBatch.at(BenchNode.batch(BATCH_BYTES));
  private int next;

  /** Fills both. */
  public LookupBenchmark() {
    for (int i = 0; i < ENTRIES; i++) {
      index.append(i * 40L + 39, i * STEP);
      bare[i] = i * 40L + 39;
    }
  }

  private long offset() {
    next = next * 1_103_515_245 + 12_345;
    return Integer.toUnsignedLong(next) % (ENTRIES * 40L);
  }

  @Benchmark
  public int indexLookup() {
    return index.before(offset()).position();
  }

  @Benchmark
  public int indexLookupFloor() {
    return Arrays.binarySearch(bare, offset());
  }

  @Benchmark
  public long crc() {
    return batch.computeCrc();
  }

  @Benchmark
  public long crcFloor() {
    ByteBuffer bytes = batch.bytes().duplicate();
    CRC32C crc = new CRC32C();
    crc.update(bytes.position(bytes.position() + CRC_COVERS_FROM));
    return crc.getValue();
  }
}
