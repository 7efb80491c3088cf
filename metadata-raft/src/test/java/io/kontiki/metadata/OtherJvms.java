package io.kontiki.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Other processes, in which a state machine must come to the same (M1). */
public final class OtherJvms {
  /** What makes processes differ, each as far from the usual as it gets. */
  public static final List<List<String>> OPTIONS =
      List.of(
          List.of(
              "-XX:hashCode=2", // every identity hash is 1
              "-Duser.language=tr",
              "-Duser.country=TR",
              "-Duser.timezone=Pacific/Kiritimati",
              "-Dfile.encoding=UTF-16"),
          List.of(
              "-XX:hashCode=3", // identity hashes count up
              "-Xshare:off",
              "-XX:+UseSerialGC",
              "-Duser.language=ar",
              "-Duser.country=EG",
              "-Duser.timezone=America/St_Johns",
              "-Dfile.encoding=ISO-8859-1"));

  private OtherJvms() {}

  /**
   * Runs a program with two arguments, the input and a file that it writes.
   *
   * @return the lines of that file
   */
  public static List<String> run(Path directory, List<String> options, Class<?> program, Path input)
      throws Exception {
    Path output = directory.resolve("output");
    Path digests = directory.resolve("digests");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+UnlockExperimentalVMOptions");
    command.add("-Dcom.google.protobuf.use_unsafe_pre22_gencode=true");
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(program.getName(), input.toString(), digests.toString()));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertTrue(process.waitFor(2, TimeUnit.MINUTES), "the other process has not ended");
    } finally {
      process.destroyForcibly();
    }
    assertEquals(0, process.exitValue(), () -> printed(output));
    return Files.readAllLines(digests);
  }

  private static String printed(Path output) {
    try {
      return Files.readString(output, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
