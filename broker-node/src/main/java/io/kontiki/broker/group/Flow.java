package io.kontiki.broker.group;

/**
 * How many bytes may be on their way to a client: a window over what is delivered and not
 * committed, or credit that the client gives. Lives on one loop.
 */
final class Flow {
  private static final int GRAINS = 512;

  private final long windowBytes;
  private final long smallCredit;
  private long outstanding;
  private long credit;

  /**
   * @param windowBytes 0: by credit
   * @param creditBytes at the beginning
   */
  Flow(long windowBytes, long creditBytes) {
    this.windowBytes = windowBytes;
    this.smallCredit = Math.max(1, creditBytes);
    this.credit = creditBytes;
  }

  boolean windowed() {
    return windowBytes > 0;
  }

  /** Ledger of a new partition. */
  Uncommitted ledger() {
    return new Uncommitted(windowed() ? windowBytes / GRAINS : Long.MAX_VALUE / 4);
  }

  /** Whether anything may go at all. */
  boolean open() {
    return windowed() ? outstanding < windowBytes || outstanding == 0 : credit > 0;
  }

  /** Most bytes that one of so many partitions may have on their way while others want some. */
  long share(int partitions) {
    return windowed() ? windowBytes / Math.max(1, partitions) : Long.MAX_VALUE;
  }

  /**
   * Whether a record may go now: one that is larger than the window goes alone, one that is larger
   * than the first credit as soon as that much is there.
   */
  boolean admits(long recordBytes) {
    if (windowed()) {
      return outstanding == 0 || recordBytes <= windowBytes - outstanding;
    }
    return credit > 0 && (recordBytes <= credit || credit >= smallCredit);
  }

  void delivered(long recordBytes) {
    outstanding += recordBytes;
    credit -= recordBytes;
  }

  /** Bytes were committed, or nobody waits for their commit any more. */
  void freed(long bytes) {
    outstanding -= bytes;
  }

  /** The client takes more. */
  void add(long bytes) {
    credit = Math.min(Long.MAX_VALUE / 4, credit + Math.min(bytes, Long.MAX_VALUE / 4));
  }

  /** Delivered and not committed. */
  long outstandingBytes() {
    return outstanding;
  }
}
