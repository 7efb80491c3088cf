package io.kontiki.log.segment;

import java.util.OptionalLong;

/** The names of the files of one partition, Kafka's where Kafka has them. */
public final class SegmentFiles {
  /** Of the records. */
  public static final String LOG = ".log";

  /** Of the offset index. */
  public static final String INDEX = ".index";

  /** Of the time index. */
  public static final String TIME_INDEX = ".timeindex";

  /** Of a snapshot of the producer state. */
  public static final String SNAPSHOT = ".snapshot";

  /** Of bytes that recovery cut and kept aside (rule D2). */
  public static final String CUT = ".cut";

  /** Of damaged bytes that were kept aside (rules D2, D9). */
  public static final String DAMAGED = ".damaged";

  /** Of what waits to be removed. */
  public static final String DELETED = ".deleted";

  private static final int DIGITS = 20;

  private SegmentFiles() {}

  /** The path of a file that is named by an offset: 20 digits and a suffix. */
  public static String path(String directory, long offset, String suffix) {
    String digits = Long.toString(offset);
    return directory + "/" + "0".repeat(DIGITS - digits.length()) + digits + suffix;
  }

  /** The offset in a name with this suffix, or empty if it is another kind of name. */
  public static OptionalLong offsetOf(String name, String suffix) {
    if (name.length() != DIGITS + suffix.length() || !name.endsWith(suffix)) {
      return OptionalLong.empty();
    }
    long offset = 0;
    for (int i = 0; i < DIGITS; i++) {
      int digit = name.charAt(i) - '0';
      if (digit < 0 || digit > 9 || offset > (Long.MAX_VALUE - digit) / 10) {
        return OptionalLong.empty();
      }
      offset = offset * 10 + digit;
    }
    return OptionalLong.of(offset);
  }
}
