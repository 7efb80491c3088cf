package io.kontiki.runtime;

import org.jspecify.annotations.Nullable;

/** Bytes where they lie in a file, which can be sent from there. Thread-safe. */
public interface FileRange {
  /** How many. */
  int bytes();

  /** Whether they are still there as they were found; never again once they are not. */
  boolean current();

  /**
   * Keeps them as they are until they are given back.
   *
   * @return null: they are not there any more
   */
  @Nullable Lent lend();

  /**
   * A file that somebody has a part of.
   *
   * @param position of the part
   * @param giveBack may be called again
   */
  record Lent(FileStore.File file, long position, Runnable giveBack) implements AutoCloseable {
    @Override
    public void close() {
      giveBack.run();
    }
  }
}
