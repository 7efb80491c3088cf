package io.kontiki.chaos.run.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Wall clocks of nodes' own, by libfaketime, a library that is loaded before all others. What
 * programs measure durations with is left alone, as it is by a step of a real clock.
 */
final class FakeClock {
  private final Path dir;
  private final @Nullable Path library;

  /**
   * @param named where the library is; null: no clocks of nodes' own
   */
  FakeClock(Path dir, @Nullable String named) {
    this.dir = dir;
    this.library = named != null && Files.exists(Path.of(named)) ? Path.of(named) : null;
  }

  /** Why there is none; empty if there is. */
  String missing() {
    return library == null ? "it needs --faketime with the place of libfaketime.so.1" : "";
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
    return environment;
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
