package io.kontiki.broker.quorum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.quorum.FormingFile.Stored;
import io.kontiki.model.Uid;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.ParserFuzz;
import io.kontiki.runtime.system.DiskFileStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FormingFileTest {
  private static final SortedMap<Integer, Uid> SET =
      new TreeMap<>(Map.of(1, new Uid(10, 11), 2, new Uid(20, 21), 3, new Uid(30, 31)));

  private static final Stored ALL = new Stored(SET, 0);

  @TempDir Path path;
  private FileStore store;
  private Path file;

  @BeforeEach
  void open() {
    store = new DiskFileStore(path);
    file = path.resolve("forming-set");
  }

  @Test
  void whatIsWrittenIsRead() {
    assertEquals(Optional.empty(), FormingFile.read(store));
    FormingFile.write(store, ALL);
    assertEquals(Optional.of(ALL), FormingFile.read(store));
    Stored less = new Stored(SET.headMap(3), 4711);
    FormingFile.write(store, less);
    assertEquals(Optional.of(less), FormingFile.read(store));
  }

  @Test
  void aNewerVersionIsRefusedAndNamed() throws IOException {
    FormingFile.write(store, ALL);
    String text = Files.readString(file).replace("kontiki-forming-set 1", "kontiki-forming-set 2");
    Files.writeString(file, text);
    StorageException refused = assertThrows(StorageException.class, () -> FormingFile.read(store));
    assertTrue(String.valueOf(refused.getMessage()).contains("forming-set 2"));
  }

  @Test
  void anyBytesAreReadAsWrittenOrRefusedWithTheirPlace() throws IOException {
    FormingFile.write(store, ALL);
    byte[] good = Files.readAllBytes(file);
    new ParserFuzz(
            "forming set",
            java.util.List.of(good, new byte[] {'\n'}, new byte[] {'\n', '\n'}),
            e -> e instanceof StorageException refused && refused.position() >= 0)
        .run(
            2_000,
            bytes -> {
              Files.write(file, bytes);
              assertEquals(Optional.of(ALL), FormingFile.read(store));
            });
  }

  @Test
  void everyCutIsRefused() throws IOException {
    FormingFile.write(store, ALL);
    byte[] bytes = Files.readAllBytes(file);
    for (int length = 0; length < bytes.length; length++) {
      Files.write(file, java.util.Arrays.copyOf(bytes, length));
      assertThrows(
          StorageException.class, () -> FormingFile.read(store), "cut to " + length + " bytes");
    }
  }

  @Test
  void everyChangedByteIsRefused() throws IOException {
    FormingFile.write(store, ALL);
    byte[] bytes = Files.readAllBytes(file);
    for (int at = 0; at < bytes.length; at++) {
      byte[] changed = bytes.clone();
      changed[at] ^= 1;
      Files.write(file, changed);
      assertThrows(StorageException.class, () -> FormingFile.read(store), "byte " + at);
    }
  }
}
