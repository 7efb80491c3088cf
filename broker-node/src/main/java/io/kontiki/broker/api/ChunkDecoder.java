package io.kontiki.broker.api;

import io.kontiki.record.InvalidBatchException;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.Worker;

/**
 * Takes what a session fetched apart: compressed batches by the worker, one task at a time, all
 * else in place. Lives on one loop.
 */
public final class ChunkDecoder {
  private final EventLoop loop;
  private final Worker worker;
  private boolean busy;

  /**
   * @param worker its queue must take as many tasks as there may be sessions
   */
  public ChunkDecoder(EventLoop loop, Worker worker) {
    this.loop = loop;
    this.worker = worker;
  }

  /** Whether the worker has a task: nothing may be handed in. */
  public boolean busy() {
    return busy;
  }

  /**
   * Makes the next pieces.
   *
   * @param maxBytes after which no more are made
   * @param completion on the loop; at once if nothing is compressed
   */
  public void decode(ChunkReader reader, int maxBytes, Completion<ChunkReader.Decoded> completion) {
    if (!compressed(reader)) {
      completion.complete(reader.read(maxBytes));
      return;
    }
    busy = true;
    worker.execute(
        () -> {
          ChunkReader.Decoded decoded = reader.read(maxBytes);
          loop.execute(
              () -> {
                busy = false;
                completion.complete(decoded);
              });
        });
  }

  private static boolean compressed(ChunkReader reader) {
    try {
      return reader.compressed();
    } catch (InvalidBatchException e) {
      return false; // read() tells the same as an error
    }
  }
}
