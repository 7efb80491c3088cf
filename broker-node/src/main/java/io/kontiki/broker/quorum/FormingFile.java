package io.kontiki.broker.quorum;

import io.kontiki.model.Uid;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.StorageException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * The forming set of rule M15, written before the voter's Raft starts for the first time. Its being
 * there says that this directory votes.
 *
 * <p>File {@code forming-set}: a line {@code kontiki-forming-set 1}, a line {@code admitted INDEX}
 * (see {@link Stored}), then one line {@code NODE DIRECTORY} for each voter, then a line {@code end
 * CHECKSUM}: CRC32C of all lines before, in hex.
 */
final class FormingFile {
  private static final String FILE = "forming-set";
  private static final String HEAD = "kontiki-forming-set ";
  private static final int VERSION = 1;
  private static final String ADMITTED = "admitted ";
  private static final String END = "end ";

  /**
   * How this directory came to vote.
   *
   * @param formingSet directory id by voter, as it was known then
   * @param admittedIndex a metadata index at which it was on record after it had been taken in by a
   *     cluster (rule M16); 0: it has voted since the cluster was formed
   */
  record Stored(SortedMap<Integer, Uid> formingSet, long admittedIndex) {}

  private FormingFile() {}

  /** What was written; empty: this directory has never voted. */
  static Optional<Stored> read(FileStore store) {
    if (!store.exists(FILE)) {
      return Optional.empty();
    }
    String text;
    try (FileStore.File file = store.open(FILE)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(file.size(), 64 << 10));
      file.read(bytes, 0);
      text = StandardCharsets.UTF_8.decode(bytes.flip()).toString();
    }
    String[] lines = text.split("\n", -1);
    if (!lines[0].equals(HEAD + VERSION)) {
      throw corrupt(0, "it begins with '" + lines[0] + "'; version " + VERSION + " is known");
    }
    // Behind the last line there is nothing.
    int count = lines.length - 1;
    String last = lines[Math.max(0, count - 1)] + "\n";
    if (count < 3
        || !lines[count].isEmpty()
        || !last.equals(end(text.substring(0, text.length() - last.length())))) {
      throw corrupt(text.length(), "it is cut or changed: its checksum does not match");
    }
    long admitted = admitted(lines[1]);
    SortedMap<Integer, Uid> set = new TreeMap<>();
    for (int i = 2; i < count - 1; i++) {
      String[] words = lines[i].split(" ");
      try {
        set.put(Integer.parseInt(words[0]), Uid.parse(words[1]));
      } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
        throw corrupt(text.indexOf(lines[i]), "line '" + lines[i] + "' is not NODE DIRECTORY");
      }
    }
    return Optional.of(new Stored(set, admitted));
  }

  private static long admitted(String line) {
    try {
      if (line.startsWith(ADMITTED)) {
        return Long.parseLong(line.substring(ADMITTED.length()));
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw corrupt(HEAD.length(), "line '" + line + "' is not " + ADMITTED + "INDEX");
  }

  private static String end(String lines) {
    CRC32C checksum = new CRC32C();
    checksum.update(lines.getBytes(StandardCharsets.UTF_8));
    return END + Long.toHexString(checksum.getValue()) + '\n';
  }

  private static StorageException corrupt(long position, String what) {
    return new StorageException(Kind.CORRUPT, FILE, position, what);
  }

  /** Durable on return. */
  static void write(FileStore store, Stored stored) {
    StringBuilder text = new StringBuilder(HEAD).append(VERSION).append('\n');
    text.append(ADMITTED).append(stored.admittedIndex()).append('\n');
    stored
        .formingSet()
        .forEach((id, directory) -> text.append(id).append(' ').append(directory).append('\n'));
    text.append(end(text.toString()));
    String fresh = FILE + ".tmp";
    store.delete(fresh);
    try (FileStore.File file = store.openOrCreate(fresh)) {
      file.write(ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8)), 0);
      file.sync();
    }
    store.rename(fresh, FILE);
    store.syncDirectory("");
  }
}
