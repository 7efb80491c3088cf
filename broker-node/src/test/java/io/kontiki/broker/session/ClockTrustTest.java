package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** P17, 3.9. */
class ClockTrustTest {
  private static final long MINUTE = 60_000;
  private static final long MS = 1_000_000;

  private long nanos = -5;
  private long wall = 1_700_000_000_000L;
  private final ClockTrust trust = new ClockTrust(now());

  private Now now() {
    return new Now(nanos, wall);
  }

  private String pass(long ms) {
    nanos += ms * MS;
    wall += ms;
    return trust.onTick(now());
  }

  @Test
  void anEvenClockIsBelieved() {
    for (int i = 0; i < 1_000; i++) {
      assertEquals("", pass(30 * MINUTE));
      assertEquals("", trust.onOther(wall + 9 * MINUTE, now()));
    }
    assertTrue(trust.trusted());
  }

  @Test
  void aJumpIsDoubtedUntilAnotherClockAgrees() {
    wall += 10L * 365 * 24 * 60 * MINUTE;
    assertTrue(pass(50).contains("jumped by 315360000 s"));
    assertFalse(trust.trusted());
    assertTrue(trust.onOther(1_700_000_000_000L, now()).contains("315360000 s off"));
    assertEquals("", trust.onOther(1_700_000_000_050L, now()));
    wall -= 10L * 365 * 24 * 60 * MINUTE;
    assertTrue(pass(50).contains("jumped by -315360000 s"));
    assertFalse(trust.trusted());
    assertTrue(trust.onOther(wall, now()).contains("goes on"));
    assertTrue(trust.trusted());
  }

  @Test
  void aNodeWithoutAnotherToAskWaitsAnHour() {
    wall -= 11 * MINUTE;
    assertFalse(pass(50).isEmpty());
    assertEquals("", pass(59 * MINUTE));
    assertFalse(trust.trusted());
    assertTrue(pass(MINUTE).contains("evenly"));
    assertTrue(trust.trusted());
  }

  @Test
  void aDifferenceToTheLeaderIsDoubtedAsLongAsItLasts() {
    assertTrue(trust.onOther(wall - 11 * MINUTE, now()).contains("660 s off"));
    assertEquals("", pass(3 * 60 * MINUTE));
    assertFalse(trust.trusted());
    assertFalse(trust.onOther(wall + 9 * MINUTE, now()).isEmpty());
    assertTrue(trust.trusted());
  }
}
