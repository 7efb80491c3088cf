package io.kontiki.record;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How the records of a batch are compressed, in the framings that Kafka's clients write and read:
 * gzip, Snappy in blocks with Xerial's header (or one bare block), LZ4 frames of independent
 * blocks, Zstandard frames.
 */
public enum Compression {
  NONE(0, NoCodec.INSTANCE),
  GZIP(1, new GzipCodec()),
  SNAPPY(2, new SnappyCodec()),
  LZ4(3, new Lz4Codec()),
  ZSTD(4, new ZstdCodec());

  private final int id;
  private final Codec codec;

  Compression(int id, Codec codec) {
    this.id = id;
    this.codec = codec;
  }

  /** In the attributes of a batch. */
  public int id() {
    return id;
  }

  /** In configuration: {@code none}, {@code gzip}, … */
  public String configValue() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** By its number in the attributes; null if there is none with it. */
  public static @Nullable Compression byId(int id) {
    return id >= 0 && id < values().length ? values()[id] : null;
  }

  /**
   * By its name in configuration.
   *
   * @throws IllegalArgumentException naming those that exist
   */
  public static Compression parse(String text) {
    for (Compression compression : values()) {
      if (compression.configValue().equals(text)) {
        return compression;
      }
    }
    throw new IllegalArgumentException(
        "'"
            + text
            + "' is none of "
            + Arrays.stream(values())
                .map(Compression::configValue)
                .collect(Collectors.joining(", ")));
  }

  /** Compresses a range of an array into an array of its own. */
  public byte[] compress(byte[] bytes, int offset, int length) {
    return codec.compress(bytes, offset, length);
  }

  /**
   * Decompresses what remains of a buffer; its position does not move. Memory grows with what comes
   * out, never with what a length field claims.
   *
   * @param limitBytes of the output
   * @return ready to read from position 0; a view of the input if nothing was compressed
   * @throws InvalidBatchException if the bytes are malformed, or come to more than the limit
   */
  public ByteBuffer decompress(ByteBuffer compressed, int limitBytes) {
    return codec.decompress(compressed, limitBytes);
  }

  /** One way to compress. */
  interface Codec {
    byte[] compress(byte[] bytes, int offset, int length);

    ByteBuffer decompress(ByteBuffer compressed, int limitBytes);
  }

  private enum NoCodec implements Codec {
    INSTANCE;

    @Override
    public byte[] compress(byte[] bytes, int offset, int length) {
      return Arrays.copyOfRange(bytes, offset, offset + length);
    }

    @Override
    public ByteBuffer decompress(ByteBuffer compressed, int limitBytes) {
      if (compressed.remaining() > limitBytes) {
        throw tooLarge(limitBytes);
      }
      return compressed.slice();
    }
  }

  static InvalidBatchException tooLarge(int limitBytes) {
    return new InvalidBatchException(
        -1, "the records take more than the allowed " + limitBytes + " bytes when decompressed");
  }

  /** The remaining bytes as an array, the buffer's own if it has one and begins with them. */
  static byte[] arrayOf(ByteBuffer buffer) {
    if (buffer.hasArray()
        && buffer.arrayOffset() + buffer.position() == 0
        && buffer.array().length == buffer.remaining()) {
      return buffer.array();
    }
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }
}
