package io.kontiki.log.journal;

import io.kontiki.model.PartitionId;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;

/**
 * What a journal has from a checkpoint on, by partition: read once, in order, so that each log can
 * be brought back by itself, with its files open once. Keeps the places of the records, not their
 * bytes.
 */
public final class JournalScan implements AutoCloseable {
  private final JournalReader reader;
  private final TreeMap<PartitionId, List<Found>> records = new TreeMap<>();
  private final Map<Integer, FileStore.File> files = new HashMap<>();

  /** A record: what it says, and where its payload lies. */
  public record Found(
      JournalEntry.Kind kind,
      long a,
      long b,
      long sequence,
      int slot,
      long position,
      int payloadBytes) {}

  /**
   * Reads the journal.
   *
   * @param generations as {@link LogCheckpoint#positions} says
   */
  public JournalScan(FileStore store, List<JournalPosition> generations) {
    this.reader = new JournalReader(store, generations);
    reader.replay(
        (entry, sequence) ->
            records
                .computeIfAbsent(entry.partition(), any -> new ArrayList<>(4))
                .add(
                    new Found(
                        entry.kind(),
                        entry.a(),
                        entry.b(),
                        sequence,
                        reader.takenSlot(),
                        reader.takenPosition() + JournalEntry.HEADER_BYTES,
                        entry.payload().remaining())));
    reader.writeAgain();
    for (JournalFile file : reader.files()) {
      files.computeIfAbsent(file.slot(), slot -> store.open(JournalRing.path(slot)));
    }
  }

  /** The partitions that have records, sorted, with those in order. */
  public TreeMap<PartitionId, List<Found>> records() {
    return records;
  }

  /** How many records. */
  public long count() {
    return records.values().stream().mapToLong(List::size).sum();
  }

  /** See {@link JournalReader#nextSequence}. */
  public long nextSequence() {
    return reader.nextSequence();
  }

  /** See {@link JournalReader#damaged}. */
  public boolean damaged() {
    return reader.damaged();
  }

  /** See {@link JournalReader#files}. */
  public List<JournalFile> files() {
    return reader.files();
  }

  /** See {@link JournalReader#slots}. */
  public SortedSet<Integer> slots() {
    return reader.slots();
  }

  /** Reads a record's payload; it was checked when it was found. Thread-safe. */
  public ByteBuffer payload(Found found) {
    return payloads(List.of(found), found.payloadBytes);
  }

  /**
   * Reads the payloads of some records, one behind the other. Thread-safe.
   *
   * @param sizeBytes of all of them
   */
  public ByteBuffer payloads(List<Found> some, int sizeBytes) {
    ByteBuffer bytes = ByteBuffer.allocate(sizeBytes);
    for (Found found : some) {
      bytes.limit(bytes.position() + found.payloadBytes);
      read(found, bytes);
    }
    return bytes.flip();
  }

  private void read(Found found, ByteBuffer into) {
    FileStore.File file = files.get(found.slot);
    if (found.payloadBytes > 0
        && (file == null || file.read(into, found.position) < found.payloadBytes)) {
      throw new StorageException(
          StorageException.Kind.IO,
          JournalRing.path(found.slot),
          found.position,
          "a record cannot be read again");
    }
  }

  /** Closes the files. */
  @Override
  public void close() {
    files.values().forEach(FileStore.File::close);
    files.clear();
  }
}
