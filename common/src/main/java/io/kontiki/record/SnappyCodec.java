package io.kontiki.record;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.xerial.snappy.Snappy;

/**
 * Snappy as Kafka has it: the stream format of snappy-java.
 *
 * <pre>
 *  0  8  0x82 'S' 'N' 'A' 'P' 'P' 'Y' 0x00
 *  8  4  version, 1          (big-endian)
 * 12  4  compatible from, 1
 * 16  …  blocks: length (4 bytes), then so many bytes of one Snappy block
 * </pre>
 *
 * Some clients write one bare Snappy block without any header; that is read, too.
 */
final class SnappyCodec implements Compression.Codec {
  private static final byte[] MAGIC = {(byte) 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
  private static final int HEADER_BYTES = 16;
  private static final int BLOCK_BYTES = 32 * 1024;

  // Three bytes of a Snappy block make at most 64; what claims more is no Snappy.
  private static final int MAX_RATIO = 22;

  @Override
  public byte[] compress(byte[] bytes, int offset, int length) {
    int blocks = (length + BLOCK_BYTES - 1) / BLOCK_BYTES;
    int most = HEADER_BYTES + blocks * (4 + Snappy.maxCompressedLength(BLOCK_BYTES));
    GrowingBytes out = new GrowingBytes(most, most);
    out.put(MAGIC, 0, MAGIC.length);
    out.putInt(1);
    out.putInt(1);
    try {
      for (int at = 0; at < length; at += BLOCK_BYTES) {
        int part = Math.min(BLOCK_BYTES, length - at);
        int count = Snappy.compress(bytes, offset + at, part, out.array(), out.size() + 4);
        out.putInt(count);
        out.advance(count);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Snappy refused to compress", e);
    }
    return out.toArray();
  }

  @Override
  public ByteBuffer decompress(ByteBuffer compressed, int limitBytes) {
    byte[] bytes = Compression.arrayOf(compressed);
    GrowingBytes out = new GrowingBytes(2 * bytes.length, limitBytes);
    if (!hasHeader(bytes)) {
      block(bytes, 0, bytes.length, out);
      return out.toBuffer();
    }
    int at = HEADER_BYTES;
    ByteBuffer lengths = ByteBuffer.wrap(bytes);
    while (at < bytes.length) {
      int length = bytes.length - at < 4 ? -1 : lengths.getInt(at);
      if (length < 0 || length > bytes.length - at - 4) {
        throw new InvalidBatchException(at, "a Snappy block is cut off or longer than the batch");
      }
      block(bytes, at + 4, length, out);
      at += 4 + length;
    }
    return out.toBuffer();
  }

  private static boolean hasHeader(byte[] bytes) {
    return bytes.length >= HEADER_BYTES
        && Arrays.equals(bytes, 0, MAGIC.length, MAGIC, 0, MAGIC.length);
  }

  private static void block(byte[] bytes, int at, int length, GrowingBytes out) {
    try {
      int claimed = Snappy.uncompressedLength(bytes, at, length);
      if (claimed < 0 || claimed > (long) MAX_RATIO * length) {
        throw new InvalidBatchException(at, "a Snappy block claims " + claimed + " bytes");
      }
      // Room for what it claims, which the ratio bounds; the decoder checks every copy against it.
      out.ensureRoom(claimed);
      out.advance(Snappy.uncompress(bytes, at, length, out.array(), out.size()));
    } catch (IOException | RuntimeException e) {
      if (e instanceof InvalidBatchException invalid) {
        throw invalid;
      }
      throw new InvalidBatchException(at, "not a Snappy block: " + e.getMessage());
    }
  }
}
