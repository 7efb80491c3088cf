package io.kontiki.runtime.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SimulatedTimeTest {
  private final SimulatedTime time = new SimulatedTime();
  private final List<String> trace = new ArrayList<>();

  @Test
  void turnEndTasksRunAfterAllThatTheTurnBrought() {
    VirtualLoop loop = time.newLoop("a");
    loop.execute(
        () -> {
          loop.atTurnEnd(() -> trace.add("end 1"));
          loop.execute(() -> trace.add("next turn"));
          trace.add("task 1");
        });
    loop.execute(
        () -> {
          loop.atTurnEnd(() -> trace.add("end 2"));
          trace.add("task 2");
        });
    time.runUntilIdle();
    assertEquals(List.of("task 1", "task 2", "end 1", "end 2", "next turn"), trace);
  }

  @Test
  void timersOfSeveralLoopsRunInTheOrderOfTheirTimes() {
    VirtualLoop a = time.newLoop("a");
    VirtualLoop b = time.newLoop("b");
    a.schedule(20, () -> trace.add("a20@" + a.clock().nanoTime()));
    b.schedule(10, () -> trace.add("b10@" + b.clock().nanoTime()));
    EventLoop.Timer cancelled = a.schedule(15, () -> trace.add("never"));
    cancelled.cancel();
    time.advance(19);
    assertEquals(List.of("b10@10"), trace);
    time.advance(1);
    assertEquals(List.of("b10@10", "a20@20"), trace);
  }

  @Test
  void aWorkerTakesItsTimeAndKeepsTheOrder() {
    VirtualWorker worker = time.newWorker("disk");
    worker.taskNanos(() -> 5);
    worker.execute(() -> trace.add("one"));
    worker.execute(() -> trace.add("two"));
    time.advance(5);
    assertEquals(List.of("one"), trace);
    time.advance(5);
    assertEquals(List.of("one", "two"), trace);
  }

  @Test
  void aStoppedLoopDropsWhatWaits() {
    VirtualLoop loop = time.newLoop("a");
    loop.execute(() -> trace.add("lost"));
    loop.schedule(10, () -> trace.add("lost too"));
    loop.stop();
    time.advance(100);
    assertEquals(List.of(), trace);
  }

  @Test
  void aTaskThatThrowsIsAFault() {
    VirtualLoop loop = time.newLoop("a");
    loop.execute(
        () -> {
          throw new IllegalStateException("broken");
        });
    assertThrows(AssertionError.class, time::runUntilIdle);
  }

  @Test
  void runUntilStopsAtTheEventThatMakesItTrue() {
    VirtualLoop loop = time.newLoop("a");
    loop.schedule(10, () -> trace.add("x"));
    loop.schedule(20, () -> trace.add("y"));
    assertTrue(time.runUntil(() -> !trace.isEmpty(), 1000));
    assertEquals(10, time.clock().nanoTime());
    assertFalse(time.runUntil(() -> trace.size() > 2, 1000));
  }

  @Test
  void theWallClockJumpsAndTheMonotonicOneDoesNot() {
    long wall = time.clock().wallMs();
    time.advanceMs(5);
    time.jumpWall(-1000);
    assertEquals(wall + 5 - 1000, time.clock().wallMs());
    assertEquals(5_000_000, time.clock().nanoTime());
  }
}
