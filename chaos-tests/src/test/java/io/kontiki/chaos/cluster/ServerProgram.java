package io.kontiki.chaos.cluster;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How a server is started: {@code bin/kontiki} of the distribution that {@code -Dkontiki.home}
 * names, else the main class on this JVM's class path.
 */
final class ServerProgram {
  private static final String MAIN_CLASS = "io.kontiki.broker.BrokerMain";

  /** Makes a server stop when its standard input ends, as it does when the tests' JVM dies. */
  private static final String EXIT_WITH_PARENT = "-Dkontiki.exitOnStdinEof=true";

  private static final String HOME = System.getProperty("kontiki.home", "");

  /** More options for the servers' JVMs, separated by blanks. */
  private static final String JVM_OPTS = System.getProperty("kontiki.server.jvm.opts", "");

  private ServerProgram() {}

  /** Whether servers start in a third of the time, as those of a distribution do. */
  static boolean hasClassArchive() {
    return !HOME.isEmpty();
  }

  /**
   * A process that is not started yet; nothing of this JVM's configuration reaches it.
   *
   * @param overrides {@code key=value}, stronger than the file
   */
  static ProcessBuilder processBuilder(Path config, List<String> overrides) {
    ProcessBuilder builder = new ProcessBuilder(command(config, overrides));
    builder.environment().keySet().removeIf(name -> name.startsWith("KONTIKI_"));
    if (!HOME.isEmpty()) {
      builder.environment().put("KONTIKI_JVM_OPTS", EXIT_WITH_PARENT + " " + JVM_OPTS);
    }
    return builder;
  }

  private static List<String> command(Path config, List<String> overrides) {
    List<String> words = new ArrayList<>();
    if (HOME.isEmpty()) {
      words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      words.addAll(
          List.of(
              "-Xms32m",
              "-Xmx256m",
              "-Xss512k",
              "-XX:+UseSerialGC",
              "-XX:MaxDirectMemorySize=128m",
              "-XX:+ExitOnOutOfMemoryError",
              "-Dcom.google.protobuf.use_unsafe_pre22_gencode=true",
              "-Dio.netty.jfr.enabled=false",
              EXIT_WITH_PARENT));
      words.addAll(Arrays.stream(JVM_OPTS.split(" ")).filter(option -> !option.isEmpty()).toList());
      words.addAll(ClassArchive.options(classPath()));
      words.addAll(List.of("-cp", classPath(), MAIN_CLASS));
    } else {
      words.add(Path.of(HOME, "bin", "kontiki").toString());
      words.add("server");
    }
    words.add("--config");
    words.add(config.toString());
    for (String override : overrides) {
      words.add("--set");
      words.add(override);
    }
    return words;
  }

  /** Without the tests' own folders: of their log configuration and classes a server knows none. */
  private static String classPath() {
    Path own = Path.of("target").toAbsolutePath();
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> !Path.of(entry).toAbsolutePath().getParent().equals(own))
        .collect(Collectors.joining(File.pathSeparator));
  }
}
