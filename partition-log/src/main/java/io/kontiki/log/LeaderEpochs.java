package io.kontiki.log;

/**
 * The history of a log's leader epochs: which began where (KIP-101, KIP-279). A live, read-only
 * view of the log that it belongs to.
 */
public interface LeaderEpochs {
  /** No epoch yet. */
  int NONE = -1;

  /** The newest epoch entered, with or without a record, or {@link #NONE}. */
  int latest();

  /** Epoch of the record at an offset below the log end, or {@link #NONE}. */
  int epochOf(long offset);

  /**
   * Where the history of an asked epoch ends here: the largest known epoch not greater than {@code
   * epoch}, and the exclusive end of its records (the log end for the newest). Rule R28.
   *
   * @return (NONE, log start) if every known epoch is greater
   */
  EpochEnd endOf(int epoch);

  /** An epoch and the exclusive end of its records. */
  record EpochEnd(int epoch, long endOffset) {}
}
