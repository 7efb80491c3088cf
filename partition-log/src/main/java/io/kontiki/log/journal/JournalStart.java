package io.kontiki.log.journal;

import java.util.List;

/**
 * Where a journal begins to be written.
 *
 * @param generation a new one
 * @param firstSequence of its first record
 * @param slot number of its first file
 * @param older files of generations before it that no checkpoint has passed yet, in order: they
 *     stay as they are until one has (rule D10)
 */
public record JournalStart(long generation, long firstSequence, int slot, List<JournalFile> older) {
  /** Copies. */
  public JournalStart {
    older = List.copyOf(older);
  }

  /** Where a replay of the new generation begins. */
  public JournalPosition position() {
    return new JournalPosition(generation, firstSequence, slot, firstSequence);
  }
}
