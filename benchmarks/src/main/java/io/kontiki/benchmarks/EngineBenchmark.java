package io.kontiki.benchmarks;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Appends and hot reads of one log, per batch, next to plain writes and reads of the same bytes.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class EngineBenchmark {
  @Benchmark
  @OperationsPerInvocation(EngineState.BATCHES)
  public long append(EngineState state) {
    return state.append();
  }

  @Benchmark
  @OperationsPerInvocation(EngineState.BATCHES)
  public long appendFloor(EngineState state) throws IOException {
    return state.write();
  }

  @Benchmark
  @OperationsPerInvocation(EngineState.BATCHES)
  public long read(EngineState state) {
    return state.read();
  }

  @Benchmark
  @OperationsPerInvocation(EngineState.BATCHES)
  public long readFloor(EngineState state) throws IOException {
    return state.readFile();
  }
}
