package io.kontiki.cli.local;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ServerProgramTest {
  @Test
  void moreOptionsOfTheJvmComeBehindTheOthersOfTheLauncher() {
    ServerProgram program =
        ServerProgram.ofEnvironment(
            Map.of("KONTIKI_LAUNCHER", "bin/kontiki", "KONTIKI_JVM_OPTS", "-Xmx1g"));
    ServerProgram more = program.withJvmOptions(List.of("-Da=b", "-Dc=d"));
    assertEquals(List.of("bin/kontiki", "server"), more.command());
    assertEquals(
        "-Xmx1g " + ServerProgram.EXIT_WITH_PARENT + " -Da=b -Dc=d",
        more.env().get("KONTIKI_JVM_OPTS"));
  }

  @Test
  void withoutALauncherTheyStandBeforeTheClassPath() {
    ServerProgram more = ServerProgram.ofEnvironment(Map.of()).withJvmOptions(List.of("-Da=b"));
    List<String> words = more.command();
    assertEquals(words.indexOf("-cp") - 1, words.indexOf("-Da=b"));
    assertTrue(words.indexOf("-Xmx256m") < words.indexOf("-Da=b"), words::toString);
  }

  @Test
  void noOptionsChangeNothing() {
    ServerProgram program = ServerProgram.ofEnvironment(Map.of());
    assertEquals(program, program.withJvmOptions(List.of()));
  }
}
