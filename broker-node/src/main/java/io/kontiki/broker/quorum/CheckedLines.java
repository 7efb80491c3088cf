package io.kontiki.broker.quorum;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * A small text file that is replaced as a whole: a line {@code HEAD VERSION}, then lines of its
 * own, then a line {@code end CHECKSUM}: CRC32C of all lines before, in hex. Blocks.
 *
 * @param name of the file
 * @param head what its first line begins with
 * @param version that is written, and the only one that is read
 */
record CheckedLines(String name, String head, int version) {
  private static final String END = "end ";
  private static final int MAX_BYTES = 64 << 10;

  /**
   * The lines between the first and the last; empty: there is no such file.
   *
   * @throws StorageException it is of another version, or damaged
   */
  Optional<List<String>> read(FileStore store) {
    if (!store.exists(name)) {
      return Optional.empty();
    }
    String text;
    try (FileStore.File file = store.open(name)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(file.size(), MAX_BYTES));
      file.read(bytes, 0);
      text = StandardCharsets.UTF_8.decode(bytes.flip()).toString();
    }
    List<String> lines = List.of(text.split("\n", -1));
    if (!lines.get(0).equals(head + " " + version)) {
      throw corrupt(0, "it begins with '" + lines.get(0) + "'; version " + version + " is known");
    }
    // Behind the last line there is nothing.
    int count = lines.size() - 1;
    String last = lines.get(Math.max(0, count - 1)) + "\n";
    if (count < 2
        || !lines.get(count).isEmpty()
        || !last.equals(end(text.substring(0, text.length() - last.length())))) {
      throw corrupt(text.length(), "it is cut or changed: its checksum does not match");
    }
    return Optional.of(lines.subList(1, count - 1));
  }

  /** Durable on return. */
  void write(FileStore store, List<String> lines) {
    StringBuilder text = new StringBuilder(head).append(' ').append(version).append('\n');
    lines.forEach(line -> text.append(line).append('\n'));
    text.append(end(text.toString()));
    String fresh = name + ".tmp";
    store.delete(fresh);
    try (FileStore.File file = store.openOrCreate(fresh)) {
      file.write(ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8)), 0);
      file.sync();
    }
    store.rename(fresh, name);
    store.syncDirectory("");
  }

  private static String end(String lines) {
    CRC32C checksum = new CRC32C();
    checksum.update(lines.getBytes(StandardCharsets.UTF_8));
    return END + Long.toHexString(checksum.getValue()) + '\n';
  }

  /** What is wrong with it at a byte. */
  StorageException corrupt(long position, String what) {
    return new StorageException(Kind.CORRUPT, name, position, what);
  }
}
