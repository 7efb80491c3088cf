package io.kontiki.broker.partition;

/** What a test says of the broker's clock and disk. */
public final class TestConditions implements Conditions {
  /** See {@link Conditions#wallClockTrusted}. */
  public boolean trusted = true;

  /** See {@link Conditions#diskSpace}. */
  public DiskSpace space = DiskSpace.ENOUGH;

  /** A sane broker that looks at its logs once a second. */
  public static Housekeeping housekeeping() {
    return new Housekeeping(new TestConditions(), 1_000_000_000L);
  }

  @Override
  public boolean wallClockTrusted() {
    return trusted;
  }

  @Override
  public DiskSpace diskSpace() {
    return space;
  }
}
