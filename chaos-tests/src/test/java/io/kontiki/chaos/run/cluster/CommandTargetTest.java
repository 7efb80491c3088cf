package io.kontiki.chaos.run.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CommandTargetTest {
  @TempDir private Path dir;

  private CommandTarget target(String... more) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int id = 1; id <= 3; id++) {
      text.append("node.").append(id).append(".grpc = 10.0.0.").append(id).append(":7600\n");
      text.append("node.").append(id).append(".http = 10.0.0.").append(id).append(":7602\n");
      for (String word : List.of("start", "kill", "freeze", "thaw")) {
        text.append("node.").append(id).append('.').append(word);
        text.append(" = echo ").append(word).append(id).append(" >> ").append(told()).append('\n');
      }
    }
    for (String line : more) {
      text.append(line).append('\n');
    }
    Path file = dir.resolve("cluster.conf");
    Files.writeString(file, text.toString());
    return CommandTarget.of(file);
  }

  private Path told() {
    return dir.resolve("told");
  }

  @Test
  void whatIsDoneIsDoneByTheNodesOwnCommand() throws IOException {
    CommandTarget target = target();
    assertEquals(List.of(1, 2, 3), target.ids());
    assertEquals("10.0.0.1:7600,10.0.0.2:7600,10.0.0.3:7600", target.bootstrap());
    target.kill(List.of(2, 3));
    assertFalse(target.isAlive(2));
    target.start(2);
    assertTrue(target.isAlive(2));
    assertEquals(List.of("kill2", "kill3", "start2"), Files.readAllLines(told()));
  }

  @Test
  void closingUndoesWhatIsStillBeingDone() throws IOException {
    CommandTarget target = target();
    target.kill(List.of(1));
    target.freeze(2);
    target.close();
    target.close();
    assertEquals(List.of("kill1", "freeze2", "thaw2", "start1"), Files.readAllLines(told()));
  }

  @Test
  void whatNoCommandIsGivenForIsMissingAndSaysWhichOne() throws IOException {
    CommandTarget target = target("node.1.wipe = true");
    assertEquals("not every node has a command 'wipe'", target.missing().get(Ability.WIPE));
    assertTrue(target.missing().containsKey(Ability.POWER_CUT));
    assertFalse(target.missing().containsKey(Ability.FREEZE));
    assertThrows(UnsupportedOperationException.class, () -> target.wipe(2));
  }

  @Test
  void aCommandThatFailsIsToldWithWhatItSaid() throws IOException {
    CommandTarget target = target("node.3.stop = echo no such unit; exit 5");
    String why = assertThrows(IllegalStateException.class, () -> target.stop(3)).getMessage();
    assertTrue(why.contains("5") && why.contains("no such unit"), why);
  }

  @Test
  void aLineWithoutMeaningIsRefused() {
    String why =
        assertThrows(IllegalArgumentException.class, () -> target("node.1.explode = now"))
            .getMessage();
    assertTrue(why.contains("'node.1.explode' should be node.ID.WHAT"), why);
  }
}
