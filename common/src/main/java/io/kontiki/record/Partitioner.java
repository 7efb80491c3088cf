package io.kontiki.record;

/** Which partition a key goes to: the same as with Apache Kafka's Java client. */
public final class Partitioner {
  private static final int SEED = 0x9747b28c;
  private static final int M = 0x5bd1e995;

  private Partitioner() {}

  /** The partition of a key, from 0, of a topic that has {@code partitions} (positive) of them. */
  public static int partition(byte[] key, int partitions) {
    return (murmur2(key) & 0x7fffffff) % partitions;
  }

  /** The 32-bit MurmurHash 2 with Kafka's seed. */
  public static int murmur2(byte[] data) {
    int length = data.length;
    int h = SEED ^ length;
    int at = 0;
    for (; at + 4 <= length; at += 4) {
      int k =
          (data[at] & 0xff)
              | (data[at + 1] & 0xff) << 8
              | (data[at + 2] & 0xff) << 16
              | (data[at + 3] & 0xff) << 24;
      k *= M;
      k ^= k >>> 24;
      k *= M;
      h = h * M ^ k;
    }
    int left = length - at;
    if (left > 0) {
      if (left == 3) {
        h ^= (data[at + 2] & 0xff) << 16;
      }
      if (left >= 2) {
        h ^= (data[at + 1] & 0xff) << 8;
      }
      h ^= data[at] & 0xff;
      h *= M;
    }
    h ^= h >>> 13;
    h *= M;
    return h ^ h >>> 15;
  }
}
