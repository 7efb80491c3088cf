package io.kontiki.broker;

import io.kontiki.config.Config;
import io.kontiki.config.ConfigException;
import io.kontiki.config.ConfigSources;
import io.kontiki.config.NodeConfig;
import io.kontiki.runtime.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code kontiki server --config FILE [--set KEY=VALUE]...}: one node, in the foreground, until
 * SIGTERM or SIGINT. Exit codes: 0 stopped as asked, 1 refused to start or failed, 2 usage, 70 a
 * broken invariant.
 */
public final class BrokerMain {
  private static final int REFUSED = 1;
  private static final int USAGE = 2;

  private BrokerMain() {}

  /** Runs the node. */
  public static void main(String[] args) {
    // JRaft's generated classes are older than the protobuf runtime; first line, before any is
    // used.
    System.setProperty("com.google.protobuf.use_unsafe_pre22_gencode", "true");
    System.exit(run(args));
  }

  private static int run(String[] args) {
    Arguments arguments;
    try {
      arguments = Arguments.parse(args);
    } catch (IllegalArgumentException e) {
      System.err.println("kontiki server: " + e.getMessage());
      System.err.println("usage: kontiki server --config FILE [--set KEY=VALUE]...");
      return USAGE;
    }
    NodeConfig config;
    Config read;
    try {
      ConfigSources sources = ConfigSources.NONE;
      if (arguments.file != null) {
        sources = sources.withFile(arguments.file);
      }
      read =
          Config.read(
              NodeConfig.keys(),
              sources.withEnvironment(System.getenv()).withOverrides(arguments.overrides));
      config = NodeConfig.from(read);
    } catch (ConfigException e) {
      System.err.println("kontiki server: " + e.getMessage());
      return REFUSED;
    }
    LogConfigurator.level(config.logLevels());
    return serve(config, read);
  }

  private static int serve(NodeConfig config, Config read) {
    Logger log = LoggerFactory.getLogger(BrokerMain.class);
    read.warnings().forEach(log::warn);
    CountDownLatch stop = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    boolean refused = false;
    try (ServiceManager manager =
            ServiceManager.connect(System.getenv(), ProcessHandle.current().pid());
        BrokerServer server =
            new BrokerServer(config, read, new ProcessFaults(), stop::countDown)) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> awaitStop(stop, stopped), "stop"));
      if (Boolean.getBoolean("kontiki.exitOnStdinEof")) {
        stopWhenInputEnds(stop);
      }
      server.start();
      manager.ready(server::standstill);
      stop.await();
      manager.stopping();
      refused = server.refusal() != null;
    } catch (RefusedException | StorageException e) {
      log.error("node {} does not start: {}", config.nodeId(), e.getMessage());
      refused = true;
    } catch (RuntimeException e) {
      // Threads of the parts that had started may be alive: end with an exit code all the same.
      log.error("node {} does not start", config.nodeId(), e);
      refused = true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      stopped.countDown();
    }
    return refused ? REFUSED : 0;
  }

  /** After a signal the JVM waits for this hook, so it ends when the controlled stop has. */
  private static void awaitStop(CountDownLatch stop, CountDownLatch stopped) {
    if (stopped.getCount() == 0) {
      return;
    }
    stop.countDown();
    try {
      stopped.await();
      // Stopped as asked is a success, which the JVM would call 143.
      Runtime.getRuntime().halt(0);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** For a parent that may die without a word: the pipe to it ends with it. */
  private static void stopWhenInputEnds(CountDownLatch stop) {
    Thread reader =
        new Thread(
            () -> {
              try {
                while (System.in.read() >= 0) {
                  // Nothing is expected here.
                }
              } catch (IOException e) {
                // As good as the end.
              }
              stop.countDown();
            },
            "parent");
    reader.setDaemon(true);
    reader.start();
  }

  /** The command line. */
  private record Arguments(@Nullable Path file, List<String> overrides) {
    static Arguments parse(String[] args) {
      Path file = null;
      List<String> overrides = new ArrayList<>();
      for (int i = 0; i < args.length; i++) {
        String name = args[i];
        int equals = name.indexOf('=');
        String value;
        if (name.startsWith("--") && equals > 0) {
          value = name.substring(equals + 1);
          name = name.substring(0, equals);
        } else if (i + 1 < args.length) {
          value = args[++i];
        } else {
          throw new IllegalArgumentException("'" + name + "' is not known, or needs a value");
        }
        switch (name) {
          case "--config" -> file = Path.of(value);
          case "--set" -> overrides.add(value);
          default -> throw new IllegalArgumentException("'" + name + "' is not known");
        }
      }
      return new Arguments(file, overrides);
    }
  }
}
