package io.kontiki.broker.partition;

/**
 * Judges the room on a disk by its reserve (rule D4): below it leaders refuse, below half of it
 * replicas stop, too; leaders accept again at 1.5 times, replicas at the whole of it. The journal's
 * ring grows into the reserve (rule L9). Belongs to one thread, but for {@link #after}.
 */
public final class DiskReserve {
  private final long reserveBytes;
  private DiskSpace state = DiskSpace.ENOUGH;

  /**
   * With a reserve.
   *
   * @param reserveBytes 0: none, there is always enough
   */
  public DiskReserve(long reserveBytes) {
    this.reserveBytes = reserveBytes;
  }

  /** The smaller of a number of bytes and a share of the disk. */
  public static long bytes(long atMostBytes, int percent, long totalBytes) {
    return Math.min(atMostBytes, totalBytes / 100 * percent);
  }

  /** What is kept free. */
  public long reserveBytes() {
    return reserveBytes;
  }

  /** What a state has become meanwhile with so many bytes left: never better. Any thread. */
  public DiskSpace after(DiskSpace last, long usableBytes) {
    if (reserveBytes > 0 && usableBytes < reserveBytes / 2) {
      return DiskSpace.EXHAUSTED;
    }
    return reserveBytes > 0 && usableBytes < reserveBytes && last == DiskSpace.ENOUGH
        ? DiskSpace.SCARCE
        : last;
  }

  /** The state with so many bytes that may still be written. */
  public DiskSpace judge(long usableBytes) {
    if (usableBytes < reserveBytes / 2) {
      state = DiskSpace.EXHAUSTED;
    } else if (usableBytes < reserveBytes) {
      // Between the half and the whole a replica that stopped does not begin again.
      state = state == DiskSpace.EXHAUSTED ? DiskSpace.EXHAUSTED : DiskSpace.SCARCE;
    } else if (usableBytes >= reserveBytes + reserveBytes / 2) {
      state = DiskSpace.ENOUGH;
    } else if (state == DiskSpace.EXHAUSTED) {
      state = DiskSpace.SCARCE;
    }
    return state;
  }
}
