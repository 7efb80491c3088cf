package io.kontiki.record;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** RFC 1952. */
final class GzipCodec implements Compression.Codec {
  private static final int STEP = 8192;

  @Override
  public byte[] compress(byte[] bytes, int offset, int length) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(length / 2 + 32);
    try (GZIPOutputStream gzip = new GZIPOutputStream(out, STEP)) {
      gzip.write(bytes, offset, length);
    } catch (IOException e) {
      throw new UncheckedIOException("an array refused bytes", e);
    }
    return out.toByteArray();
  }

  @Override
  public ByteBuffer decompress(ByteBuffer compressed, int limitBytes) {
    byte[] bytes = Compression.arrayOf(compressed);
    GrowingBytes out = new GrowingBytes(Math.max(STEP, 2 * bytes.length), limitBytes);
    try (GZIPInputStream gzip = new GZIPInputStream(new ByteArrayInputStream(bytes), STEP)) {
      while (true) {
        if (out.room() == 0) {
          int more = gzip.read();
          if (more < 0) {
            break;
          }
          out.ensureRoom(1);
          out.array()[out.size()] = (byte) more;
          out.advance(1);
          continue;
        }
        int count = gzip.read(out.array(), out.size(), out.room());
        if (count < 0) {
          break;
        }
        out.advance(count);
      }
    } catch (IOException e) {
      throw new InvalidBatchException(-1, "not gzip: " + e.getMessage());
    }
    return out.toBuffer();
  }
}
