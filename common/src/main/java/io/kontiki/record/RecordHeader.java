package io.kontiki.record;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A header of a record. Equal by content.
 *
 * @param key may occur several times in a record
 * @param value not copied: nobody may change it
 */
public record RecordHeader(String key, byte @Nullable [] value) {
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof RecordHeader that
        && key.equals(that.key)
        && Arrays.equals(value, that.value);
  }

  @Override
  public int hashCode() {
    return Objects.hash(key, Arrays.hashCode(value));
  }

  @Override
  public String toString() {
    return key + "=" + (value == null ? "null" : value.length + " bytes");
  }
}
