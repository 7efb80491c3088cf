package io.kontiki.chaos.run.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs of the machine that make faults. Each call ends within a minute. */
final class Tools {
  private static final long PATIENCE_SECONDS = 60;

  private Tools() {}

  /** How a program ended, and the first bytes of what it said. */
  record Result(int exitCode, String output) {}

  /**
   * Runs one and waits.
   *
   * @throws IllegalStateException if it cannot be started, or does not end
   */
  static Result tryRun(List<String> words) {
    try {
      Process process =
          new ProcessBuilder(words)
              .redirectErrorStream(true)
              .redirectInput(Redirect.from(new java.io.File("/dev/null")))
              .start();
      try (InputStream out = process.getInputStream()) {
        String said = new String(out.readNBytes(64 * 1024), StandardCharsets.UTF_8).strip();
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
          throw new IllegalStateException(words + " did not end");
        }
        return new Result(process.exitValue(), said);
      } finally {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      throw new IllegalStateException(words + ": " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(words + " was interrupted", e);
    }
  }

  /**
   * Runs one.
   *
   * @return what it said
   * @throws IllegalStateException if it fails
   */
  static String run(String... words) {
    Result result = tryRun(List.of(words));
    if (result.exitCode() != 0) {
      throw new IllegalStateException(
          String.join(" ", words) + " ended with " + result.exitCode() + ": " + result.output());
    }
    return result.output();
  }

  /** Runs one of which it does not matter how it ends. */
  static void attempt(String... words) {
    try {
      tryRun(List.of(words));
    } catch (IllegalStateException e) {
      // As if it had failed.
    }
  }

  /** Whether a program is there. */
  static boolean has(String program) {
    return tryRun(List.of("sh", "-c", "command -v " + program)).exitCode() == 0;
  }

  /** Whether this is the user who may do everything. */
  static boolean isRoot() {
    return tryRun(List.of("id", "-u")).output().equals("0");
  }
}
