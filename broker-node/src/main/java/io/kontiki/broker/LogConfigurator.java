package io.kontiki.broker;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.Layout;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.spi.ContextAwareBase;
import io.kontiki.config.LogLevels;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logging without a configuration file: one line an event on standard output, for systemd's journal
 * if it listens there. {@code -Dlogback.configurationFile} takes precedence. Found by logback
 * through its service file.
 */
public final class LogConfigurator extends ContextAwareBase implements Configurator {
  private static final String PATTERN =
      "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level %logger{0} %msg%n";

  /** Held here: java.util.logging forgets loggers, and their levels, that nobody holds. */
  private static final List<java.util.logging.Logger> JAVA_LOGGERS =
      Stream.of("io.grpc", "io.netty").map(java.util.logging.Logger::getLogger).toList();

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    if (System.getProperty("logback.configurationFile") != null) {
      return ExecutionStatus.INVOKE_NEXT_IF_ANY;
    }
    LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
    encoder.setContext(context);
    encoder.setLayout(layout(context));
    encoder.start();
    ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
    console.setContext(context);
    console.setEncoder(encoder);
    console.start();
    context.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(console);
    context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(Level.WARN);
    context.getLogger("io.kontiki").setLevel(Level.INFO);
    // A dead peer costs several lines a second in these; connection changes have lines of our own.
    context.getLogger("com.alipay.sofa.jraft").setLevel(Level.ERROR);
    context.getLogger("com.alipay.sofa.jraft.core.Replicator").setLevel(Level.OFF);
    context.getLogger("com.alipay.sofa.jraft.core.ReplicatorGroupImpl").setLevel(Level.OFF);
    context.getLogger("com.alipay.sofa.jraft.rpc.impl").setLevel(Level.OFF);
    quieten(JAVA_LOGGERS);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }

  private static Layout<ILoggingEvent> layout(LoggerContext context) {
    if (JournalLayout.wanted(System.getenv())) {
      JournalLayout journal = new JournalLayout(context);
      journal.start();
      return journal;
    }
    PatternLayout pattern = new PatternLayout();
    pattern.setContext(context);
    pattern.setPattern(PATTERN);
    pattern.start();
    return pattern;
  }

  /**
   * gRPC and Netty write to java.util.logging, past all of this: stack traces for what clients do,
   * as messages that are too large and streams that are cancelled. Calls have errors of their own.
   */
  private static void quieten(List<java.util.logging.Logger> loggers) {
    loggers.forEach(logger -> logger.setLevel(java.util.logging.Level.OFF));
  }

  /** Sets the levels that the configuration asks for. */
  static void level(LogLevels levels) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.getLogger("io.kontiki").setLevel(Level.toLevel(levels.root(), Level.INFO));
    levels
        .byLogger()
        .forEach((logger, level) -> context.getLogger(logger).setLevel(Level.toLevel(level)));
  }
}
