package io.kontiki.model;

import java.nio.ByteBuffer;
import java.util.Base64;

/**
 * A random 128-bit id: of a cluster, of a data directory, of a process start (incarnation). As a
 * string the 22 characters of URL-safe base64 without padding.
 */
public record Uid(long high, long low) implements Comparable<Uid> {
  /** Nobody's. */
  public static final Uid NONE = new Uid(0, 0);

  /** Bytes of the binary form. */
  public static final int BYTES = 16;

  /**
   * Reads the string form.
   *
   * @throws IllegalArgumentException if it is not one
   */
  public static Uid parse(String text) {
    byte[] bytes = Base64.getUrlDecoder().decode(text);
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("'" + text + "' is not an id of 22 characters");
    }
    return of(ByteBuffer.wrap(bytes));
  }

  /** Reads 16 bytes from the buffer's position and moves it behind them. */
  public static Uid of(ByteBuffer bytes) {
    return new Uid(bytes.getLong(), bytes.getLong());
  }

  /** A fresh array of the 16 bytes. */
  public byte[] toBytes() {
    return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
  }

  @Override
  public int compareTo(Uid other) {
    int order = Long.compareUnsigned(high, other.high);
    return order != 0 ? order : Long.compareUnsigned(low, other.low);
  }

  @Override
  public String toString() {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(toBytes());
  }
}
