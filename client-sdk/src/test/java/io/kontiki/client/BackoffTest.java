package io.kontiki.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.memory.SeededRandom;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private static final long MS = 1_000_000;
  private final Backoff backoff = new Backoff(new SeededRandom(7));

  @Test
  void pausesGrowButStayShorterThanAFailover() {
    long now = 0;
    long most = 10;
    for (int failure = 1; failure <= 40; failure++) {
      backoff.pause(now);
      long pause = backoff.leftNanos(now);
      assertTrue(pause >= most * MS / 2 && pause <= most * MS, failure + ": " + pause);
      now += pause;
      assertFalse(backoff.waits(now));
      most = Math.min(100, 2 * most);
    }
    assertTrue(now > 2_000 * MS && now < 5_000 * MS, "down after " + now);
    backoff.pause(now);
    assertTrue(backoff.leftNanos(now) >= 125 * MS && backoff.leftNanos(now) <= 250 * MS);
  }

  @Test
  void fiveRequestsRefusedTogetherAreOneFailure() {
    for (int i = 0; i < 5; i++) {
      backoff.pause(i);
    }
    assertTrue(backoff.leftNanos(0) <= 10 * MS);
  }

  @Test
  void newsEndAPauseAndBeginAnew() {
    for (long now = 0; now < 1_000 * MS; now += 200 * MS) {
      backoff.pause(now);
    }
    backoff.reset();
    assertEquals(0, backoff.leftNanos(1_000 * MS));
    backoff.pause(1_000 * MS);
    assertTrue(backoff.leftNanos(1_000 * MS) <= 10 * MS);
  }

  @Test
  void whatABrokerAsksForIsKept() {
    backoff.pause(0, 300);
    assertEquals(300 * MS, backoff.leftNanos(0));
  }

  @Test
  void twoClientsDoNotComeBackInStep() {
    Backoff other = new Backoff(new SeededRandom(8));
    backoff.pause(0);
    other.pause(0);
    assertNotEquals(backoff.leftNanos(0), other.leftNanos(0));
  }
}
