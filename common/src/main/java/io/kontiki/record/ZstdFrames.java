package io.kontiki.record;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The borders of Zstandard frames and blocks (RFC 8878), little-endian:
 *
 * <pre>
 * frame = magic (4), descriptor (1), window (0 or 1), dictionary id (0 to 4), content size (0 to 8),
 *         blocks, checksum (0 or 4)
 * block = 3 bytes (bit 0 last, bits 1-2 type: 0 raw, 1 one byte repeated, 2 compressed; then size),
 *         content
 * </pre>
 *
 * <p>No block makes more than 128 KiB, so that the number of blocks bounds what a decoder may need:
 * the compressed length alone would allow 30,000 times itself.
 */
final class ZstdFrames {
  private static final int MAGIC = 0xFD2FB528;
  private static final int SKIPPABLE = 0x184D2A50;
  private static final int BLOCK_BYTES = 128 * 1024;
  private static final int[] DICTIONARY_BYTES = {0, 1, 2, 4};
  private static final int[] SIZE_BYTES = {0, 2, 4, 8};

  private final ByteBuffer in;
  private long most;

  private ZstdFrames(byte[] bytes) {
    in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * What the frames make at most.
   *
   * @throws InvalidBatchException if they are not whole
   */
  static long mostBytes(byte[] bytes) {
    ZstdFrames frames = new ZstdFrames(bytes);
    while (frames.in.hasRemaining()) {
      frames.frame();
    }
    return frames.most;
  }

  private void frame() {
    require(5);
    int magic = in.getInt();
    if ((magic & 0xfffffff0) == SKIPPABLE) {
      require(4);
      skip(Integer.toUnsignedLong(in.getInt()));
      return;
    }
    if (magic != MAGIC) {
      throw new InvalidBatchException(in.position() - 4, "not a Zstandard frame");
    }
    int descriptor = in.get();
    boolean single = (descriptor & 0x20) != 0;
    int sizeFlag = descriptor >> 6 & 3;
    skip(DICTIONARY_BYTES[descriptor & 3] + (single ? 0 : 1));
    skip(sizeFlag == 0 && single ? 1 : SIZE_BYTES[sizeFlag]);
    boolean last;
    do {
      last = block();
    } while (!last);
    skip((descriptor & 0x04) != 0 ? 4 : 0);
  }

  private boolean block() {
    require(3);
    int header = in.getShort() & 0xffff | (in.get() & 0xff) << 16;
    int type = header >> 1 & 3;
    int size = header >> 3;
    if (type == 3 || size > BLOCK_BYTES) {
      throw new InvalidBatchException(
          in.position() - 3, "a Zstandard block of type " + type + " and " + size + " bytes");
    }
    skip(type == 1 ? 1 : size);
    most += type == 2 ? BLOCK_BYTES : size;
    return (header & 1) != 0;
  }

  private void skip(long bytes) {
    require(bytes);
    in.position(in.position() + (int) bytes);
  }

  private void require(long bytes) {
    if (bytes > in.remaining()) {
      throw new InvalidBatchException(in.position(), "a Zstandard frame is cut off");
    }
  }
}
