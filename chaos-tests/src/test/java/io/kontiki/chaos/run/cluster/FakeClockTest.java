package io.kontiki.chaos.run.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FakeClockTest {
  @Test
  void aFileOfThatNameThatChangesNoClockIsNotTaken(@TempDir Path usr) throws IOException {
    assertNull(FakeClock.installed(usr));
    Path library = usr.resolve("lib/some-processor/faketime/libfaketime.so.1");
    Files.createDirectories(library.getParent());
    Files.writeString(library, "no library");
    assertNull(FakeClock.installed(usr));
  }

  @Test
  void aProcessThatHasNotLoadedItHasNoClockOfItsOwn(@TempDir Path dir) throws IOException {
    Path library = Files.writeString(dir.resolve("libfaketime.so.1"), "no library");
    FakeClock clock = new FakeClock(dir, library);
    long self = ProcessHandle.current().pid();
    String why = assertThrows(IllegalStateException.class, () -> clock.check(self)).getMessage();
    assertTrue(why.contains("process " + self + " runs without"), why);
  }

  @Test
  void whatConnectsNodesIsNamedInLowerCase() {
    assertEquals(Networking.PROXY, Networking.parse("proxy"));
    String why =
        assertThrows(IllegalArgumentException.class, () -> Networking.parse("wifi")).getMessage();
    assertEquals("--network wifi should be auto, namespaces or proxy", why);
  }
}
