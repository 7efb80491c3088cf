package io.kontiki.chaos.model;

/** One record. */
record LogEntry(int epoch, int value) {
  @Override
  public String toString() {
    return value + "e" + epoch;
  }
}
