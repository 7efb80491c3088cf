package io.kontiki.config;

import io.kontiki.model.Endpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Readers of values. Each throws IllegalArgumentException, naming the value and what would be
 * right.
 */
public final class Parsers {
  private static final long SECOND = 1000;
  private static final long KIBI = 1024;

  private Parsers() {}

  /** A text that is not empty. */
  public static String text(String value) {
    if (value.isEmpty()) {
      throw new IllegalArgumentException("must not be empty");
    }
    return value;
  }

  /** An int from {@code min} to {@code max}, both inclusive. */
  public static Function<String, Integer> integer(int min, int max) {
    return value -> (int) number(value, value, 1, min, max, "a whole number");
  }

  /** A long from {@code min} to {@code max}, both inclusive. */
  public static Function<String, Long> longInteger(long min, long max) {
    return value -> number(value, value, 1, min, max, "a whole number");
  }

  /**
   * Milliseconds, or a number with ms, s, m, h or d behind it; bounds inclusive, in milliseconds.
   */
  public static Function<String, Long> durationMs(long min, long max) {
    return value -> {
      String text = value.toLowerCase(Locale.ROOT);
      String[] units = {"ms", "s", "m", "h", "d", ""};
      long[] factors = {1, SECOND, 60 * SECOND, 3600 * SECOND, 86_400 * SECOND, 1};
      return withUnit(
          value, text, units, factors, min, max, "milliseconds, or a number with ms, s, m, h or d");
    };
  }

  /** Bytes, or a number with k, m or g (1024 each) behind it; bounds inclusive, in bytes. */
  public static Function<String, Long> bytes(long min, long max) {
    return value -> {
      String text = value.toLowerCase(Locale.ROOT);
      String[] units = {"k", "m", "g", ""};
      long[] factors = {KIBI, KIBI * KIBI, KIBI * KIBI * KIBI, 1};
      return withUnit(value, text, units, factors, min, max, "bytes, or a number with k, m or g");
    };
  }

  /** {@link #bytes} that fit an int. */
  public static Function<String, Integer> intBytes(int min, int max) {
    return bytes(min, max).andThen(Long::intValue);
  }

  /** A number from 0 to 1, both inclusive, with a decimal point. */
  public static Function<String, Double> ratio() {
    return value -> {
      if (value.matches("[01](\\.[0-9]{1,15})?")) {
        double ratio = Double.parseDouble(value);
        if (ratio <= 1) {
          return ratio;
        }
      }
      throw new IllegalArgumentException("'" + value + "' is no number from 0 to 1");
    };
  }

  /** {@code true} or {@code false}. */
  public static boolean bool(String value) {
    if (value.equals("true") || value.equals("false")) {
      return value.equals("true");
    }
    throw new IllegalArgumentException("'" + value + "' is neither true nor false");
  }

  /** One of several values by a name of its own; upper and lower case count. */
  public static <T> Function<String, T> oneOf(T[] values, Function<T, String> name) {
    return text ->
        Arrays.stream(values)
            .filter(value -> name.apply(value).equals(text))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "'"
                            + text
                            + "' is none of "
                            + Arrays.stream(values).map(name).collect(Collectors.joining(", "))));
  }

  /** Voters as {@code 1@host:7601,2@host:7601}; empty: none. Ids are positive and occur once. */
  public static List<VoterAddress> voters(String value) {
    List<VoterAddress> voters = new ArrayList<>();
    for (String part : value.isEmpty() ? new String[0] : value.split(",", -1)) {
      VoterAddress voter = VoterAddress.parse(part.strip());
      if (voters.stream().anyMatch(other -> other.nodeId() == voter.nodeId())) {
        throw new IllegalArgumentException("node " + voter.nodeId() + " is listed twice");
      }
      voters.add(voter);
    }
    if (!voters.isEmpty() && voters.size() != 1 && voters.size() != 3 && voters.size() != 5) {
      throw new IllegalArgumentException(voters.size() + " voters; 1, 3 or 5 are possible");
    }
    return List.copyOf(voters);
  }

  /** {@code HOST:PORT,HOST:PORT}; not empty. */
  public static List<Endpoint> endpoints(String value) {
    return Arrays.stream(text(value).split(",", -1))
        .map(part -> Endpoint.parse(part.strip()))
        .toList();
  }

  private static long withUnit(
      String value, String text, String[] units, long[] factors, long min, long max, String what) {
    for (int i = 0; i < units.length; i++) {
      if (text.endsWith(units[i])) {
        String digits = text.substring(0, text.length() - units[i].length()).strip();
        return number(value, digits, factors[i], min, max, what);
      }
    }
    throw new IllegalArgumentException("'" + value + "' is not " + what);
  }

  private static long number(
      String value, String digits, long factor, long min, long max, String what) {
    long result;
    try {
      result = Math.multiplyExact(Long.parseLong(digits), factor);
    } catch (NumberFormatException | ArithmeticException e) {
      throw new IllegalArgumentException("'" + value + "' is not " + what, e);
    }
    if (result < min || result > max) {
      throw new IllegalArgumentException("'" + value + "' is not between " + min + " and " + max);
    }
    return result;
  }
}
