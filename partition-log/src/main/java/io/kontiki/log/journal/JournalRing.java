package io.kontiki.log.journal;

import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The files of the journal, zero-filled beforehand and used in turn: the head is written to, the
 * chain behind it is what a replay may need, the others are free. Not thread-safe: the journal's
 * monitor guards the chain; {@code write} and {@code sync} are for the commit worker alone.
 *
 * <pre>
 * journal/slot-000      records one behind the other from byte 0; a SWITCH names the next file
 * journal/slot-001 …
 * </pre>
 */
final class JournalRing {
  static final String DIRECTORY = "journal";

  private static final int ZEROS_BYTES = 1 << 20;

  private final FileStore store;
  private final int slotBytes;
  private final int maxSlots;
  private final Map<Integer, FileStore.File> files = new HashMap<>();
  private final ArrayDeque<JournalFile> chain = new ArrayDeque<>();
  private final TreeSet<Integer> free = new TreeSet<>();
  private int headPosition;
  private boolean ends;

  JournalRing(FileStore store, int slotBytes, int maxSlots) {
    this.store = store;
    this.slotBytes = slotBytes;
    this.maxSlots = maxSlots;
  }

  static String path(int slot) {
    return DIRECTORY
        + "/slot-"
        + "0".repeat(3 - Math.min(3, Integer.toString(slot).length()))
        + slot;
  }

  /** Begins a generation; a checkpoint that names it is durable. */
  void begin(JournalStart start) {
    chain.addAll(start.older());
    chain.add(new JournalFile(start.generation(), start.slot(), start.firstSequence()));
  }

  /** Opens a file, making it if there is none; to be filled before it is added. */
  FileStore.File open(int slot) {
    store.createDirectories(DIRECTORY);
    return store.openOrCreate(path(slot));
  }

  /**
   * Lengthens a file by a piece of zeros; the last time makes it durable with its name.
   *
   * @return whether there is more to do
   */
  boolean fill(FileStore.File file) {
    long at = file.size() - file.size() % ZEROS_BYTES;
    if (at < slotBytes && file.size() < slotBytes) {
      file.write(ByteBuffer.allocate((int) Math.min(ZEROS_BYTES, slotBytes - at)), at);
      return true;
    }
    file.sync();
    store.syncDirectory(DIRECTORY);
    store.syncDirectory("");
    return false;
  }

  void add(int slot, FileStore.File file) {
    files.put(slot, file);
    if (!isInChain(slot)) {
      free.add(slot);
    }
  }

  private boolean isInChain(int slot) {
    return chain.stream().anyMatch(link -> link.slot() == slot);
  }

  /** The number of the next file to prepare, or -1 if there are enough. */
  int nextToPrepare() {
    for (int slot = 0; !ends && free.isEmpty() && slot < maxSlots; slot++) {
      if (!files.containsKey(slot) && !isInChain(slot)) {
        return slot;
      }
    }
    return -1;
  }

  /** Whether a record fits into the head, with room for the SWITCH behind it. */
  boolean fits(int position, int bytes) {
    return position + bytes + JournalEntry.HEADER_BYTES <= slotBytes;
  }

  int headPosition() {
    return headPosition;
  }

  int headSlot() {
    return chain.getLast().slot();
  }

  boolean hasFree() {
    return !free.isEmpty();
  }

  int nextFree() {
    return free.first();
  }

  /** Goes on in the first free file. */
  void advance(long firstSequence) {
    chain.add(new JournalFile(chain.getLast().generation(), free.pollFirst(), firstSequence));
    headPosition = 0;
  }

  FileStore.File headFile() {
    FileStore.File file = files.get(headSlot());
    if (file == null) {
      throw new StorageException(
          StorageException.Kind.IO, path(headSlot()), -1, "the journal file is not open");
    }
    return file;
  }

  void moved(int bytes) {
    headPosition += bytes;
  }

  /** Files of the present generation that no checkpoint has passed. */
  int chainLength() {
    long present = chain.getLast().generation();
    return (int) chain.stream().filter(link -> link.generation() == present).count();
  }

  int maxSlots() {
    return maxSlots;
  }

  /** Where a replay from a sequence begins. */
  JournalPosition positionOf(long sequence) {
    JournalFile found = chain.getFirst();
    for (JournalFile link : chain) {
      if (link.firstSequence() <= sequence) {
        found = link;
      }
    }
    return new JournalPosition(found.generation(), sequence, found.slot(), found.firstSequence());
  }

  /** Frees the files before the one that a durable checkpoint begins with. */
  void free(JournalPosition position) {
    while (chain.size() > 1 && chain.getFirst().slot() != position.slot()) {
      int slot = chain.removeFirst().slot();
      // One of an older generation is not open: it is prepared like a new one when it is needed.
      if (files.containsKey(slot)) {
        free.add(slot);
      }
    }
  }

  /** Removes a file that no replay needs; none is made any more. */
  boolean deleteFree() {
    ends = true;
    Integer slot = free.pollLast();
    if (slot == null) {
      return false;
    }
    FileStore.File file = files.remove(slot);
    if (file != null) {
      file.close();
    }
    store.delete(path(slot));
    return true;
  }

  void close() {
    List<FileStore.File> all = new ArrayList<>(files.values());
    files.clear();
    all.forEach(FileStore.File::close);
  }
}
