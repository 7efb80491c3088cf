package io.kontiki.runtime.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class ThreadCrewTest {
  private static final int COUNT = 1_000;

  @Test
  void eachNumberIsHandedOutOnceAndAllAreThroughOnReturn() {
    AtomicIntegerArray times = new AtomicIntegerArray(COUNT);
    new ThreadCrew("crew", 4).each(COUNT, times::incrementAndGet);
    for (int i = 0; i < COUNT; i++) {
      assertEquals(1, times.get(i), "number " + i);
    }
  }

  @Test
  void allThreadsAreAtWorkAtATime() {
    CountDownLatch together = new CountDownLatch(3);
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    new ThreadCrew("crew", 3)
        .each(
            3,
            i -> {
              threads.add(Thread.currentThread());
              together.countDown();
              await(together);
            });
    assertEquals(3, threads.size());
    assertTrue(threads.contains(Thread.currentThread()), "the caller works, too");
  }

  @Test
  void aFailureIsThrownOnceNobodyIsAtWorkAndEndsTheRest() {
    IllegalStateException failure = new IllegalStateException("number 10");
    AtomicInteger atWork = new AtomicInteger();
    AtomicInteger begun = new AtomicInteger();
    RuntimeException thrown =
        assertThrows(
            RuntimeException.class,
            () ->
                new ThreadCrew("crew", 4)
                    .each(
                        Integer.MAX_VALUE,
                        i -> {
                          atWork.incrementAndGet();
                          begun.incrementAndGet();
                          try {
                            if (i == 10) {
                              throw failure;
                            }
                          } finally {
                            atWork.decrementAndGet();
                          }
                        }));
    assertSame(failure, thrown);
    assertEquals(0, atWork.get());
    assertTrue(begun.get() < Integer.MAX_VALUE);
  }

  @Test
  void nobodyIsNoCrew() {
    assertThrows(IllegalArgumentException.class, () -> new ThreadCrew("crew", 0));
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
