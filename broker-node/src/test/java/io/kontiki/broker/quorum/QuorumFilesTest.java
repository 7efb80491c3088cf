package io.kontiki.broker.quorum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SimulatedTime;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What a node keeps of the quorum beside its Raft logs (rules M15, M16, M23). */
class QuorumFilesTest {
  private static final FormingFile.Stored STORED =
      new FormingFile.Stored(new TreeMap<>(Map.of(1, new Uid(7, 1), 2, new Uid(7, 2))), 42);
  private final MemoryFileStore store = new MemoryFileStore();

  private String text(String name) {
    try (FileStore.File file = store.open(name)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) file.size());
      file.read(bytes, 0);
      return StandardCharsets.UTF_8.decode(bytes.flip()).toString();
    }
  }

  private void write(String name, String text) {
    store.delete(name);
    try (FileStore.File file = store.openOrCreate(name)) {
      file.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), 0);
    }
  }

  @Test
  void theFormingSetIsReadAsItWasWritten() {
    assertEquals(Optional.empty(), FormingFile.read(store));
    FormingFile.write(store, STORED);
    assertEquals(Optional.of(STORED), FormingFile.read(store));
    assertTrue(text("forming-set").startsWith("kontiki-forming-set 1\nadmitted 42\n1 "));
    FormingFile.forget(store);
    assertEquals(Optional.empty(), FormingFile.read(store), "it votes no more");
  }

  @Test
  void aDamagedOrNewerFormingSetIsNeverTakenForNone() {
    FormingFile.write(store, STORED);
    String good = text("forming-set");
    for (int length = 0; length < good.length(); length++) {
      write("forming-set", good.substring(0, length));
      assertThrows(StorageException.class, () -> FormingFile.read(store));
    }
    write("forming-set", good.replace("admitted 42", "admitted 43"));
    assertThrows(StorageException.class, () -> FormingFile.read(store));
    write("forming-set", good.replace("set 1", "set 2"));
    StorageException newer = assertThrows(StorageException.class, () -> FormingFile.read(store));
    assertTrue(String.valueOf(newer.getMessage()).contains("version 1 is known"));
  }

  @Test
  void whoVotesIsNoCandidateAnyMoreM23() {
    FormingFile.stand(store);
    assertTrue(FormingFile.isCandidate(store));
    FormingFile.write(store, STORED);
    assertFalse(FormingFile.isCandidate(store));
  }

  @Test
  void whoBeginsToVoteInAClusterOfItsOwnIsNeverTakenForOneThatLostItsLogM23() {
    FormingFile.stand(store);
    FormingFile.write(store, QuorumEngine.GROUP, STORED);
    assertEquals(Optional.of(STORED), FormingFile.read(store));
    assertFalse(store.child(QuorumEngine.GROUP).list("").isEmpty(), "a stop may come now");
    assertFalse(FormingFile.isCandidate(store));
  }

  @Test
  void theVotersThatWereKnownLastAreKeptM23() {
    SimulatedTime time = new SimulatedTime();
    MemoryMetadata metadata = MemoryMetadata.cluster(time.newLoop("control"), 3);
    KnownVoters known = new KnownVoters(store, Runnable::run, KnownVoters.read(store));
    known.onImage(ClusterImage.EMPTY);
    assertEquals(List.of(), store.list(""), "no cluster yet");
    known.onImage(metadata.image());
    metadata.apply(new MetadataCommand.RemoveVoter(0, 3, List.of(1, 2, 3)));
    known.onImage(metadata.image());
    SortedMap<Integer, Endpoint> read = KnownVoters.read(store);
    assertEquals(List.of(1, 2), List.copyOf(read.keySet()));
    assertEquals(metadata.image().voters().get(1).raft(), read.get(1));
    write("voters", "kontiki-voters 1\n1 nowhere\nend 0\n");
    assertEquals(Map.of(), KnownVoters.read(store), "they only say where to ask");
  }
}
