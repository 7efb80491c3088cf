package io.kontiki.log.journal;

/**
 * Where a replay begins.
 *
 * @param generation whose records count
 * @param sequence of the first record to be replayed
 * @param slot number of the file to begin with, at its first byte
 * @param slotSequence of the first record in that file; those below {@code sequence} are skipped
 */
public record JournalPosition(long generation, long sequence, int slot, long slotSequence) {}
