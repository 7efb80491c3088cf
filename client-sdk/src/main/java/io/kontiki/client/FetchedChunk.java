package io.kontiki.client;

import java.nio.ByteBuffer;

/**
 * Batches of one partition between the loop and the poll.
 *
 * @param generation of the partition's position; a seek makes older chunks void
 * @param fromOffset the first record wanted: the first batch may begin before it
 * @param nextOffset behind all of it, what compaction left out included
 * @param records whole batches, perhaps none
 */
record FetchedChunk(
    TopicPartition partition,
    long generation,
    long fromOffset,
    long nextOffset,
    ByteBuffer records) {
  int sizeBytes() {
    return records.remaining();
  }
}
