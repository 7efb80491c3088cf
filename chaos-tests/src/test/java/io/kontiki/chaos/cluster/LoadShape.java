package io.kontiki.chaos.cluster;

/**
 * Who uses a topic while something happens to its brokers.
 *
 * @param perSecond records that one producer of the client sends by the clock, over all partitions
 * @param oneByOne producers without the client that send each record when the one before is
 *     acknowledged, to any broker, which forwards it
 * @param readAlong whether each partition has a reader
 */
record LoadShape(int perSecond, int oneByOne, boolean readAlong) {
  /** What is measured: nothing else has the processors. */
  static final LoadShape MEASURED = new LoadShape(500, 0, false);

  /** What is tested: every way to write and to read. */
  static final LoadShape TESTED = new LoadShape(200, 2, true);
}
