package io.kontiki.group;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Bytes that clients tell each other through a group; nobody here reads them. Immutable. */
public final class Opaque {
  /** No bytes. */
  public static final Opaque EMPTY = new Opaque(new byte[0]);

  private final byte[] bytes;

  private Opaque(byte[] bytes) {
    this.bytes = bytes;
  }

  /** A copy of them. */
  public static Opaque of(byte[] bytes) {
    return bytes.length == 0 ? EMPTY : new Opaque(bytes.clone());
  }

  /** A copy. */
  public byte[] toBytes() {
    return bytes.clone();
  }

  /** How many. */
  public int size() {
    return bytes.length;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Opaque same && Arrays.equals(bytes, same.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return bytes.length + " bytes";
  }
}
