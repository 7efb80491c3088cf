package io.kontiki.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JournalLayoutTest {
  private final LoggerContext context = new LoggerContext();
  private final JournalLayout layout = new JournalLayout(context);

  private String lines(Level level, String message, Throwable failure) {
    return layout.doLayout(
        new LoggingEvent("", context.getLogger("io.kontiki.Node"), level, message, failure, null));
  }

  @Test
  void everyLineSaysHowImportantItIs() {
    assertEquals("<6>Node is up\n", lines(Level.INFO, "is up", null));
    assertTrue(lines(Level.WARN, "disk is nearly full", null).startsWith("<4>"));
    assertTrue(lines(Level.DEBUG, "detail", null).startsWith("<7>"));
    List<String> trace =
        lines(Level.ERROR, "first\nsecond", new IllegalStateException("broken")).lines().toList();
    assertTrue(trace.size() > 3, trace::toString);
    assertTrue(trace.stream().allMatch(line -> line.startsWith("<3>")), trace::toString);
  }

  @Test
  void onlyWhereTheJournalListens() {
    assertTrue(JournalLayout.wanted(Map.of("JOURNAL_STREAM", "8:4711")));
    assertFalse(JournalLayout.wanted(Map.of("TERM", "xterm")));
  }
}
