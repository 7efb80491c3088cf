package io.kontiki.model;

import java.nio.ByteBuffer;
import java.util.Base64;

/**
 * The identity of a topic: 16 bytes, never reused, so that a name made again is another topic.
 *
 * <p>As a string it is the URL-safe base64 of the bytes without padding, 22 characters, as Kafka
 * prints topic ids.
 *
 * @param high the first eight bytes, big-endian
 * @param low the last eight bytes, big-endian
 */
public record TopicId(long high, long low) implements Comparable<TopicId> {
  /** Bytes of the binary form. */
  public static final int BYTES = 16;

  /**
   * Reads the string form.
   *
   * @throws IllegalArgumentException if {@code text} is not the 22 characters that {@link
   *     #toString} gives
   */
  public static TopicId parse(String text) {
    if (text.length() != 22) {
      throw new IllegalArgumentException("topic id '" + text + "' must have 22 characters");
    }
    byte[] bytes = Base64.getUrlDecoder().decode(text);
    TopicId id = of(ByteBuffer.wrap(bytes));
    if (!id.toString().equals(text)) {
      throw new IllegalArgumentException("topic id '" + text + "' is not canonical base64");
    }
    return id;
  }

  /** Reads 16 bytes from the buffer's position and moves it behind them. */
  public static TopicId of(ByteBuffer bytes) {
    return new TopicId(bytes.getLong(), bytes.getLong());
  }

  /**
   * Makes an id from two random numbers.
   *
   * @return an id whose string form does not begin with '-', which would read as an option and is
   *     reserved in directory names
   */
  public static TopicId random(long high, long low) {
    // The first six bits choose the first character; 62 is '-' in the URL-safe alphabet.
    return (high >>> 58) == 62 ? new TopicId(high ^ (1L << 63), low) : new TopicId(high, low);
  }

  /** A fresh array of the 16 bytes. */
  public byte[] toBytes() {
    return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
  }

  @Override
  public int compareTo(TopicId other) {
    int order = Long.compareUnsigned(high, other.high);
    return order != 0 ? order : Long.compareUnsigned(low, other.low);
  }

  @Override
  public String toString() {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(toBytes());
  }
}
