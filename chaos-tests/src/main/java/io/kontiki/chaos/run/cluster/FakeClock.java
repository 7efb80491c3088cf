package io.kontiki.chaos.run.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Year;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Wall clocks of nodes' own, by libfaketime, a library that is loaded before all others. What
 * programs measure durations with is left alone, as it is by a step of a real clock.
 */
final class FakeClock {
  private static final String LIBRARY = "faketime/libfaketime.so.1";

  private static final int PROBE_YEARS = 10;

  private final Path dir;
  private final @Nullable Path library;

  /**
   * @param named where the library is; null: wherever this machine's packages put it
   */
  FakeClock(Path dir, @Nullable Path named) {
    this.dir = dir;
    this.library = named != null ? named : installed(Path.of("/usr"));
  }

  /** Beside other libraries, or beside those of one kind of processor; null: nowhere. */
  static @Nullable Path installed(Path usr) {
    for (String name : List.of("lib64", "lib", "local/lib")) {
      Path libraries = usr.resolve(name);
      List<Path> places = new ArrayList<>(List.of(libraries.resolve(LIBRARY)));
      try (Stream<Path> below = Files.list(libraries)) {
        below.sorted().forEach(one -> places.add(one.resolve(LIBRARY)));
      } catch (IOException e) {
        // There are no such libraries.
      }
      for (Path place : places) {
        if (Files.isReadable(place) && works(place)) {
          return place;
        }
      }
    }
    return null;
  }

  /** Whether a program sees another time with it. What is for other processors is ignored. */
  private static boolean works(Path library) {
    Tools.Result result =
        Tools.tryRun(
            List.of(
                "env", "LD_PRELOAD=" + library, "FAKETIME=+" + PROBE_YEARS + "y", "date", "+%Y"));
    if (result.exitCode() != 0 || !result.output().matches("[0-9]{4}")) {
      return false;
    }
    int year = Year.now(ZoneId.systemDefault()).getValue();
    return Math.abs(Integer.parseInt(result.output()) - year - PROBE_YEARS) <= 1;
  }

  /** Why there is none; empty if there is. */
  String missing() {
    return library == null
        ? "libfaketime is not installed (Debian: package 'libfaketime'), and no --faketime names it"
        : "";
  }

  /** Environment of a node. */
  Map<String, String> environment(int id) {
    if (library == null) {
      return Map.of();
    }
    if (!Files.exists(file(id))) {
      set(id, 0);
    }
    Map<String, String> environment = new TreeMap<>();
    environment.put("LD_PRELOAD", library.toString());
    environment.put("FAKETIME_TIMESTAMP_FILE", file(id).toString());
    environment.put("FAKETIME_CACHE_DURATION", "1");
    // What it does by default for old C libraries makes all timed waits of a JVM end at once.
    environment.put("FAKETIME_FORCE_MONOTONIC_FIX", "0");
    environment.put("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    environment.put("DONT_FAKE_MONOTONIC", "1");
    // Archives of classes are found by the times of files.
    environment.put("NO_FAKE_STAT", "1");
    return environment;
  }

  /**
   * Makes sure that a process has a clock of its own.
   *
   * @throws IllegalStateException if it has not loaded the library
   */
  void check(long pid) {
    try {
      String maps = Files.readString(Path.of("/proc", Long.toString(pid), "maps"));
      if (library == null || !maps.contains(library.toRealPath().toString())) {
        throw new IllegalStateException("process " + pid + " runs without " + library);
      }
    } catch (NoSuchFileException e) {
      // It has died meanwhile.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Takes effect within a second. */
  void set(int id, long seconds) {
    if (library == null) {
      throw new UnsupportedOperationException(missing());
    }
    try {
      Path next = dir.resolve("clock-" + id + ".next");
      Files.writeString(next, (seconds < 0 ? "" : "+") + seconds + "\n");
      Files.move(
          next,
          file(id),
          java.nio.file.StandardCopyOption.ATOMIC_MOVE,
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path file(int id) {
    return dir.resolve("clock-" + id);
  }
}
