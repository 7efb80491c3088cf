package io.kontiki.record;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import net.jpountz.xxhash.XXHash32;
import net.jpountz.xxhash.XXHashFactory;

/**
 * LZ4 frames (format 1.6.x) of independent blocks; as Kafka writes them: blocks of at most 64 KiB,
 * no checksums but the header's.
 *
 * <pre>
 *  0  4  0x184D2204               (little-endian, as all numbers here)
 *  4  1  FLG: version 01, independent blocks, block checksums, content size, content checksum
 *  5  1  BD: greatest block size: 4 = 64 KiB, 5 = 256 KiB, 6 = 1 MiB, 7 = 4 MiB
 *  6  8  content size, if FLG says so
 *  …  1  second byte of XXH32 over FLG to here
 *  …     blocks: length (4 bytes, highest bit: not compressed), bytes, checksum (4, if FLG says so)
 *  …  4  0: end; then the content checksum (4, if FLG says so)
 * </pre>
 */
final class Lz4Codec implements Compression.Codec {
  private static final int MAGIC = 0x184D2204;
  private static final int FLG = 0x60;
  private static final int BD_64K = 0x40;
  private static final int BLOCK_BYTES = 64 * 1024;
  private static final int STORED = 0x80000000;

  // A byte of an LZ4 block makes at most 255.
  private static final int MAX_RATIO = 255;

  @Override
  public byte[] compress(byte[] bytes, int offset, int length) {
    int blocks = (length + BLOCK_BYTES - 1) / BLOCK_BYTES;
    int most = 11 + blocks * (4 + Library.COMPRESSOR.maxCompressedLength(BLOCK_BYTES));
    GrowingBytes out = new GrowingBytes(most, most);
    out.putIntLittleEndian(MAGIC);
    byte[] descriptor = {FLG, BD_64K, 0};
    descriptor[2] = headerChecksum(descriptor, 0, 2);
    out.put(descriptor, 0, 3);
    for (int at = 0; at < length; at += BLOCK_BYTES) {
      int part = Math.min(BLOCK_BYTES, length - at);
      int count =
          Library.COMPRESSOR.compress(bytes, offset + at, part, out.array(), out.size() + 4);
      if (count < part) {
        out.putIntLittleEndian(count);
        out.advance(count);
      } else {
        out.putIntLittleEndian(part | STORED);
        out.put(bytes, offset + at, part);
      }
    }
    out.putIntLittleEndian(0);
    return out.toArray();
  }

  @Override
  public ByteBuffer decompress(ByteBuffer compressed, int limitBytes) {
    byte[] bytes = Compression.arrayOf(compressed);
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    GrowingBytes out = new GrowingBytes(2 * bytes.length, limitBytes);
    require(in, 7, "frame header");
    if (in.getInt() != MAGIC) {
      throw new InvalidBatchException(0, "not an LZ4 frame");
    }
    int flags = in.get();
    int greatestBlock = greatestBlock(in.get());
    if ((flags & 0xc0) != 0x40 || (flags & 0x20) == 0 || (flags & 0x03) != 0) {
      throw new InvalidBatchException(
          4, "LZ4 frame flags " + (flags & 0xff) + ": not version 1 with independent blocks");
    }
    if ((flags & 0x08) != 0) {
      require(in, 9, "content size");
      in.getLong();
    }
    if (in.get() != headerChecksum(bytes, 4, in.position() - 5)) {
      throw new InvalidBatchException(in.position() - 1, "LZ4 header checksum does not match");
    }
    blocks(in, flags, greatestBlock, out);
    return out.toBuffer();
  }

  private static void blocks(ByteBuffer in, int flags, int greatestBlock, GrowingBytes out) {
    boolean hasChecksums = (flags & 0x10) != 0;
    while (true) {
      require(in, 4, "block length");
      int word = in.getInt();
      if (word == 0) {
        break;
      }
      int length = word & ~STORED;
      if (length > greatestBlock) {
        throw new InvalidBatchException(
            in.position(), "LZ4 block of " + length + " bytes; the frame allows " + greatestBlock);
      }
      require(in, length + (hasChecksums ? 4 : 0), "block");
      int at = in.position();
      if ((word & STORED) != 0) {
        out.put(in.array(), at, length);
      } else {
        block(in.array(), at, length, greatestBlock, out);
      }
      in.position(at + length);
      if (hasChecksums && in.getInt() != Library.HASH.hash(in.array(), at, length, 0)) {
        throw new InvalidBatchException(at, "LZ4 block checksum does not match");
      }
    }
    if ((flags & 0x04) != 0) {
      require(in, 4, "content checksum");
      if (in.getInt() != Library.HASH.hash(out.array(), 0, out.size(), 0)) {
        throw new InvalidBatchException(in.position() - 4, "LZ4 content checksum does not match");
      }
    }
    if (in.hasRemaining()) {
      throw new InvalidBatchException(in.position(), "bytes behind the LZ4 frame");
    }
  }

  private static void block(byte[] bytes, int at, int length, int greatestBlock, GrowingBytes out) {
    int most = (int) Math.min(greatestBlock, (long) MAX_RATIO * length);
    // What the ratio allows may be above the limit although the block makes less.
    int room = Math.max(out.room(), Math.min(most, out.roomToLimit()));
    out.ensureRoom(room);
    try {
      int count =
          Library.DECOMPRESSOR.decompress(
              bytes, at, length, out.array(), out.size(), Math.min(room, most));
      out.advance(count);
    } catch (LZ4Exception e) {
      if (room < most) {
        throw new InvalidBatchException(
            at, "the records are malformed LZ4, or more than the allowed bytes");
      }
      throw new InvalidBatchException(at, "malformed LZ4 block");
    }
  }

  private static byte headerChecksum(byte[] bytes, int offset, int length) {
    return (byte) (Library.HASH.hash(bytes, offset, length, 0) >> 8);
  }

  private static int greatestBlock(int descriptor) {
    int code = descriptor >> 4 & 0x07;
    if (code < 4 || (descriptor & 0x8f) != 0) {
      throw new InvalidBatchException(5, "LZ4 block descriptor " + (descriptor & 0xff));
    }
    return 1 << 2 * code + 8;
  }

  private static void require(ByteBuffer in, int bytes, String what) {
    if (in.remaining() < bytes) {
      throw new InvalidBatchException(in.position(), "LZ4 " + what + " is cut off");
    }
  }

  /** Loaded with the first batch in LZ4: the library unpacks native code. */
  private static final class Library {
    static final LZ4Compressor COMPRESSOR = LZ4Factory.fastestInstance().fastCompressor();
    // What faces bytes from outside runs with the JVM's own bounds checks.
    static final LZ4SafeDecompressor DECOMPRESSOR = LZ4Factory.safeInstance().safeDecompressor();
    static final XXHash32 HASH = XXHashFactory.safeInstance().hash32();
  }
}
