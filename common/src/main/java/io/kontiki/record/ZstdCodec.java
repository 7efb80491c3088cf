package io.kontiki.record;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Zstandard frames. Decompressed in one go into an array, because a streaming decoder allocates the
 * window that the frame claims, up to 128 MiB for a few bytes.
 */
final class ZstdCodec implements Compression.Codec {
  private static final int LEVEL = 3;
  private static final int FIRST_BYTES = 16 * 1024;

  @Override
  public byte[] compress(byte[] bytes, int offset, int length) {
    byte[] out = new byte[Math.toIntExact(Zstd.compressBound(length))];
    long count = Zstd.compressByteArray(out, 0, out.length, bytes, offset, length, LEVEL);
    if (Zstd.isError(count)) {
      throw new IllegalStateException("Zstandard refused: " + Zstd.getErrorName(count));
    }
    return Arrays.copyOf(out, (int) count);
  }

  @Override
  public ByteBuffer decompress(ByteBuffer compressed, int limitBytes) {
    byte[] bytes = Compression.arrayOf(compressed);
    long most = ZstdFrames.mostBytes(bytes);
    long limit = Math.min(limitBytes, most);
    long room = Math.min(limit, Math.max(FIRST_BYTES, 8L * bytes.length));
    while (true) {
      byte[] out = new byte[(int) room];
      try {
        long count = Zstd.decompressByteArray(out, 0, out.length, bytes, 0, bytes.length);
        if (!Zstd.isError(count)) {
          return ByteBuffer.wrap(out, 0, (int) count).slice();
        }
        if (Zstd.getErrorCode(count) != Zstd.errDstSizeTooSmall()) {
          throw new InvalidBatchException(-1, "malformed Zstandard: " + Zstd.getErrorName(count));
        }
      } catch (ZstdException e) {
        if (e.getErrorCode() != Zstd.errDstSizeTooSmall()) {
          throw new InvalidBatchException(-1, "malformed Zstandard: " + e.getMessage());
        }
      }
      if (room >= limitBytes) {
        throw Compression.tooLarge(limitBytes);
      }
      if (room >= limit) {
        throw new InvalidBatchException(-1, "malformed Zstandard: more than its blocks can make");
      }
      // What did fit was decoded for nothing; four times as much each time keeps that below a
      // third.
      room = Math.min(limit, 4 * room);
    }
  }
}
