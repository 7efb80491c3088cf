package io.kontiki.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
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
    for (List<String> options : OtherJvms.OPTIONS) {
      assertEquals(
          here,
          OtherJvms.run(directory, options, AppliedLog.class, file),
          () -> "seed " + seed + ", " + options);
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
}
