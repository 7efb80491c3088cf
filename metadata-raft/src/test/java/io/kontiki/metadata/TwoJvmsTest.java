package io.kontiki.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One log of commands gives the same answers, images and snapshots in every process (M1): whatever
 * the locale, the time zone, the encoding, the identity hashes, and the salt with which {@code
 * Set.of} is iterated, which each process draws for itself.
 */
final class TwoJvmsTest {
  private static final int ENTRIES = 2_000;

  @TempDir Path directory;

  @Test
  void theSameCommandsGiveTheSameDigestsInEveryJvm() throws Exception {
    long seed = System.nanoTime();
    byte[] log = log(seed);
    Path file = Files.write(directory.resolve("commands"), log);
    List<String> here = AppliedLog.apply(Cluster.formed(3).image(), new ByteArrayInputStream(log));
    assertEquals(ENTRIES, here.size());
    // what makes processes differ, each as far from the usual as it gets
    List<List<String>> jvms =
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
    for (List<String> options : jvms) {
      assertEquals(here, elsewhere(options, file), () -> "seed " + seed + ", " + options);
    }
  }

  private static byte[] log(long seed) throws IOException {
    Random random = new Random(seed);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ClusterImage image = Cluster.formed(3).image();
    for (int i = 0; i < ENTRIES; i++) {
      MetadataCommand command = RandomCommands.next(image, random);
      long index = image.index() + 1;
      AppliedLog.write(index, command, out);
      image = MetadataMachine.apply(image, index, command).image();
    }
    return out.toByteArray();
  }

  private List<String> elsewhere(List<String> options, Path log) throws Exception {
    Path output = directory.resolve("output");
    Path digests = directory.resolve("digests");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+UnlockExperimentalVMOptions");
    command.add("-Dcom.google.protobuf.use_unsafe_pre22_gencode=true");
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(AppliedLog.class.getName(), log.toString(), digests.toString()));
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
