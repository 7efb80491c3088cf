package io.kontiki.log.journal;

/**
 * A file of the journal in use.
 *
 * @param generation that wrote it
 * @param slot its number
 * @param firstSequence of the first record in it
 */
public record JournalFile(long generation, int slot, long firstSequence) {}
