package io.kontiki.broker;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Context;
import ch.qos.logback.core.LayoutBase;
import java.util.Map;

/**
 * Lines for systemd's journal: each begins with its priority in angle brackets (sd-daemon(3)),
 * those of a stack trace too; the journal adds the time itself.
 */
final class JournalLayout extends LayoutBase<ILoggingEvent> {
  private static final int ERROR = 3;
  private static final int WARNING = 4;
  private static final int INFO = 6;
  private static final int DEBUG = 7;

  private final PatternLayout lines = new PatternLayout();

  JournalLayout(Context context) {
    setContext(context);
    lines.setContext(context);
    lines.setPattern("%logger{0} %msg%n");
    lines.start();
  }

  /** Whether this process writes to the journal: systemd says so in the environment. */
  static boolean wanted(Map<String, String> environment) {
    return environment.containsKey("JOURNAL_STREAM");
  }

  @Override
  public String doLayout(ILoggingEvent event) {
    String prefix = "<" + priority(event.getLevel()) + ">";
    StringBuilder text = new StringBuilder();
    lines.doLayout(event).lines().forEach(line -> text.append(prefix).append(line).append('\n'));
    return text.toString();
  }

  private static int priority(Level level) {
    if (level.isGreaterOrEqual(Level.ERROR)) {
      return ERROR;
    }
    if (level.isGreaterOrEqual(Level.WARN)) {
      return WARNING;
    }
    return level.isGreaterOrEqual(Level.INFO) ? INFO : DEBUG;
  }
}
