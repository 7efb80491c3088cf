package io.kontiki.log.segment;

import java.util.ArrayList;
import java.util.List;
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

  /** Behind the name of a file that compaction is writing. */
  public static final String CLEANED = ".cleaned";

  /** Of a compacted segment that is about to replace others. */
  public static final String SWAP = ".swap";

  private static final int DIGITS = 20;

  private SegmentFiles() {}

  /** The path of a file that is named by an offset: 20 digits and a suffix. */
  public static String path(String directory, long offset, String suffix) {
    return directory + "/" + digits(offset) + suffix;
  }

  private static String digits(long offset) {
    String digits = Long.toString(offset);
    return "0".repeat(DIGITS - digits.length()) + digits;
  }

  /** The path of a compacted segment that replaces all from its base offset to an end. */
  public static String swapPath(String directory, long baseOffset, long endOffset) {
    return path(directory, baseOffset, LOG) + "." + digits(endOffset) + SWAP;
  }

  /** A compacted segment that replaces all from its base offset to an end, by its name. */
  public record Swap(long baseOffset, long endOffset) {}

  /** The compacted segments among names that have not replaced others yet, in their order. */
  public static List<Swap> swaps(List<String> names) {
    List<Swap> found = new ArrayList<>();
    for (String name : names) {
      if (name.length() == 2 * DIGITS + LOG.length() + 1 + SWAP.length()) {
        OptionalLong base = offsetOf(name.substring(0, DIGITS + LOG.length()), LOG);
        OptionalLong end = offsetOf(name.substring(DIGITS + LOG.length() + 1), SWAP);
        if (base.isPresent() && end.isPresent()) {
          found.add(new Swap(base.getAsLong(), end.getAsLong()));
        }
      }
    }
    return found;
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
