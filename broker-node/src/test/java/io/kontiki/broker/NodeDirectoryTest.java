package io.kontiki.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.Uid;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.SeededRandom;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeDirectoryTest {
  private static final String META = "directory.meta";

  private final SeededRandom random = new SeededRandom(3);
  @TempDir Path parent;

  private Path path() {
    return parent.resolve("data");
  }

  private NodeDirectory open(int nodeId) {
    return NodeDirectory.open(path(), nodeId, random);
  }

  private Uid made() {
    try (NodeDirectory directory = open(1)) {
      return directory.directoryId();
    }
  }

  private String refusal() {
    RuntimeException refused = assertThrows(RefusedException.class, () -> open(1).close());
    return String.valueOf(refused.getMessage());
  }

  @Test
  void aDirectoryKeepsItsIdAndCluster() {
    Uid id = made();
    Uid cluster = new Uid(4, 5);
    try (NodeDirectory directory = open(1)) {
      assertEquals(id, directory.directoryId());
      assertEquals(Uid.NONE, directory.clusterId());
      assertFalse(directory.boundTo(cluster));
      directory.bindTo(cluster);
      assertTrue(directory.boundTo(cluster));
      assertThrows(StorageException.class, () -> directory.bindTo(new Uid(6, 7)));
    }
    try (NodeDirectory directory = open(1)) {
      assertTrue(directory.boundTo(cluster));
    }
  }

  @Test
  void aSecondProcessIsRefusedAndMayComeAfterTheFirst() {
    NodeDirectory first = open(1);
    assertThrows(StorageException.class, () -> open(1));
    first.close();
    open(1).close();
  }

  @Test
  void anotherNodesDirectoryIsRefusedAndTheLockGivenBack() {
    made();
    StorageException refused = assertThrows(StorageException.class, () -> open(2));
    assertTrue(String.valueOf(refused.getMessage()).contains("node 1"), refused.getMessage());
    open(1).close();
  }

  @Test
  void aDirectoryThatLostOneHalfIsRefused() throws IOException {
    made();
    Files.delete(path().resolve("raft").resolve(META));
    assertTrue(refusal().contains("raft"), refusal());
  }

  @Test
  void aDirectoryThatLostItsLogWhileItsRaftHasDataIsRefused() throws IOException {
    made();
    Files.writeString(path().resolve("raft").resolve("forming-set"), "x");
    Files.delete(path().resolve("log").resolve(META));
    assertTrue(refusal().contains("log"), refusal());
  }

  @Test
  void dataWithoutAnyMarkIsNotTakenForAnEmptyDirectory() throws IOException {
    made();
    Files.delete(path().resolve("raft").resolve(META));
    Files.delete(path().resolve("log").resolve(META));
    Files.writeString(path().resolve("raft").resolve("forming-set"), "x");
    assertTrue(refusal().contains(META), refusal());
  }

  @Test
  void aFirstStartThatWasCutShortGoesOn() throws IOException {
    Uid id = made();
    Files.delete(path().resolve("log").resolve(META));
    assertEquals(id, made());
  }

  @Test
  void aBrokersDirectoryWithoutItsLogIsNotTakenForAFirstStartThatWasCutShort() throws IOException {
    made();
    try (NodeDirectory directory = open(1)) {
      directory.bindTo(new Uid(4, 5));
    }
    Files.delete(path().resolve("log").resolve(META));
    assertTrue(refusal().contains("log"), refusal());
  }

  @Test
  void halvesOfDifferentAgesAreRefused() throws IOException {
    made();
    Path other = parent.resolve("other");
    NodeDirectory.open(other, 1, random).close();
    Files.copy(
        other.resolve("log").resolve(META),
        path().resolve("log").resolve(META),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertTrue(refusal().contains("different"), refusal());
  }
}
