package io.kontiki.cli.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TimesTest {
  @Test
  void durationsHaveANumberAndAUnit() {
    assertEquals(Duration.ofMillis(500), Times.duration("500ms"));
    assertEquals(Duration.ofSeconds(5), Times.duration("5s"));
    assertEquals(Duration.ofMillis(1500), Times.duration("1.5s"));
    assertEquals(Duration.ofMinutes(2), Times.duration("2m"));
    assertEquals(Duration.ofHours(1), Times.duration("1h"));
    assertEquals(Duration.ZERO, Times.duration("0s"));
  }

  @Test
  void whatIsNoDurationIsRefusedWithTheTextAndAnExample() {
    for (String text : List.of("", "5", "s", "-5s", "5 s", "5d", "1.2.3s", "five", "99999999h")) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> Times.duration(text), text)
              .getMessage();
      assertTrue(message.contains("'" + text + "'"), message);
    }
  }

  @Test
  void timesNeedAZone() {
    Instant noon = Instant.parse("2026-03-01T12:00:00Z");
    assertEquals(noon, Times.instant("2026-03-01T12:00:00Z"));
    assertEquals(noon, Times.instant("2026-03-01T13:00+01:00"));
    assertEquals(noon, Times.instant("2026-03-01T13:00:00+01:00[Europe/Oslo]"));
    assertEquals(noon.plusMillis(5), Times.instant("2026-03-01T12:00:00.005Z"));
    for (String text : List.of("", "yesterday", "2026-03-01", "2026-03-01T12:00:00")) {
      assertThrows(IllegalArgumentException.class, () -> Times.instant(text), text);
    }
  }

  @Test
  void shortTimesAreMilliseconds() {
    assertEquals("850 ms", Times.brief(850));
    assertEquals("2.4 s", Times.brief(2_400));
  }
}
