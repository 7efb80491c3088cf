package io.kontiki.record;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A record as it was read. Equal by content. Arrays are not copied: nobody may change them.
 *
 * @param offset in the partition
 * @param timestampMs milliseconds since 1970; of the producer or of the append, as the batch says
 * @param key null: none
 * @param value null: none, which a compacted topic takes as a deletion of the key
 * @param headers in their order
 */
public record Record(
    long offset,
    long timestampMs,
    byte @Nullable [] key,
    byte @Nullable [] value,
    List<RecordHeader> headers) {
  public Record {
    headers = List.copyOf(headers);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Record that
        && offset == that.offset
        && timestampMs == that.timestampMs
        && Arrays.equals(key, that.key)
        && Arrays.equals(value, that.value)
        && headers.equals(that.headers);
  }

  @Override
  public int hashCode() {
    return Objects.hash(offset, timestampMs, Arrays.hashCode(key), Arrays.hashCode(value), headers);
  }

  @Override
  public String toString() {
    return "record "
        + offset
        + " (key "
        + (key == null ? "null" : key.length + " bytes")
        + ", value "
        + (value == null ? "null" : value.length + " bytes")
        + ", headers "
        + headers
        + ")";
  }
}
