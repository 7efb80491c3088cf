package io.kontiki.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kontiki.metadata.OtherJvms;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One log of a shard's commands gives the same answers, images and snapshots in every process, as
 * that of the metadata does (M1).
 */
final class GroupsInTwoJvmsTest {
  private static final int ENTRIES = 400;

  @TempDir Path directory;

  @Test
  void theSameCommandsGiveTheSameDigestsInEveryJvmM1() throws Exception {
    long seed = System.nanoTime();
    byte[] log = log(seed);
    Path file = Files.write(directory.resolve("commands"), log);
    List<String> here = AppliedGroupsLog.apply(new ByteArrayInputStream(log));
    assertEquals(ENTRIES, here.size());
    for (List<String> options : OtherJvms.OPTIONS) {
      assertEquals(
          here,
          OtherJvms.run(directory, options, AppliedGroupsLog.class, file),
          () -> "seed " + seed + ", " + options);
    }
  }

  /** Entries of one to four commands, good, late and senseless ones. */
  private static byte[] log(long seed) throws IOException {
    Random random = new Random(seed);
    RandomGroupCommands commands = new RandomGroupCommands(random);
    GroupMachine machine = new GroupMachine();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < ENTRIES; i++) {
      List<GroupCommand> entry = new ArrayList<>();
      for (int left = 1 + random.nextInt(4); left > 0; left--) {
        GroupCommand command = commands.next(machine);
        machine.apply(List.of(command));
        entry.add(command);
      }
      AppliedGroupsLog.write(entry, out);
    }
    return out.toByteArray();
  }
}
