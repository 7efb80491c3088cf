package io.kontiki.chaos.cluster;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The servers' classes in a file that a process maps instead of parsing them: starts take half the
 * time, and most of these tests are starts. Made by the first cluster of a run, as the launcher of
 * a distribution does; without one everything works, slower.
 */
final class ClassArchive {
  private static final Duration STOP = Duration.ofSeconds(60);
  private static final List<String> QUIET = List.of("-Xlog:cds=off", "-Xlog:cds+dynamic=off");

  private enum State {
    NOT_TRIED,
    /** The next process writes the archive when it stops. */
    TO_BE_WRITTEN,
    BEING_WRITTEN,
    THERE,
    NONE
  }

  private static State state = State.NOT_TRIED;

  private ClassArchive() {}

  /**
   * Options for the JVM of the next server.
   *
   * @param classPath of all servers; with a directory in it there can be no archive
   */
  static synchronized List<String> options(String classPath) {
    if (state == State.NOT_TRIED) {
      make(classPath);
    }
    return switch (state) {
      case TO_BE_WRITTEN -> {
        state = State.BEING_WRITTEN;
        yield with("-XX:ArchiveClassesAtExit=" + file());
      }
      case THERE -> with("-XX:SharedArchiveFile=" + file());
      case NOT_TRIED, BEING_WRITTEN, NONE -> List.of();
    };
  }

  private static List<String> with(String option) {
    return List.of(QUIET.get(0), QUIET.get(1), option);
  }

  private static Path file() {
    return Path.of("target", "server-classes.jsa").toAbsolutePath();
  }

  private static void make(String classPath) {
    if (!Arrays.stream(classPath.split(File.pathSeparator))
        .allMatch(entry -> entry.endsWith(".jar"))) {
      state = State.NONE;
      return;
    }
    state = State.TO_BE_WRITTEN;
    try {
      Files.deleteIfExists(file());
      train();
    } catch (IOException | RuntimeException e) {
      System.out.println("no archive of the servers' classes: " + e);
    } finally {
      state = Files.exists(file()) ? State.THERE : State.NONE;
    }
  }

  /** The classes of a broker that forms a cluster, replicates, and stops. */
  private static void train() throws IOException {
    try (ProcessCluster cluster = ProcessCluster.start("class-archive", 3, Map.of())) {
      cluster.createTopic("warm-up", 3, 3, Map.of());
      try (Load load = Load.start(cluster, "warm-up", 3, 1)) {
        load.awaitAcked(50);
        load.finish();
      }
      cluster.node(1).stop(STOP);
    }
  }
}
