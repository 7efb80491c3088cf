package io.kontiki.kafka.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.FileRange;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.system.DiskFileStore;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.FileRegion;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Parts of files on their way into sockets. */
class RangeRegionTest {
  private static final int START = 1000;
  private static final int BYTES = 200_000;

  @TempDir Path dir;

  private final AtomicInteger givenBack = new AtomicInteger();
  private final byte[] content = new byte[START + BYTES + 500];

  private FileStore.File file(FileStore store) {
    new Random(7).nextBytes(content);
    FileStore.File file = store.openOrCreate("log");
    file.write(ByteBuffer.wrap(content), 0);
    return file;
  }

  private FileRange range(FileStore.@Nullable File file) {
    return new FileRange() {
      @Override
      public int bytes() {
        return BYTES;
      }

      @Override
      public boolean current() {
        return file != null;
      }

      @Override
      public @Nullable Lent lend() {
        return file == null ? null : new Lent(file, START, givenBack::incrementAndGet);
      }
    };
  }

  private byte[] expected() {
    return Arrays.copyOfRange(content, START, START + BYTES);
  }

  /** Takes a part of what it is given, and now and then nothing. */
  private static final class Taker implements WritableByteChannel {
    private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
    private int calls;

    @Override
    public int write(ByteBuffer from) {
      int count = ++calls % 3 == 0 ? 0 : Math.min(from.remaining(), 10_007);
      for (int i = 0; i < count; i++) {
        taken.write(from.get());
      }
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  private static byte[] drain(FileRegion region) throws IOException {
    Taker to = new Taker();
    while (RangeRegion.left(region) > 0) {
      region.transferTo(to, region.transferred());
    }
    return to.taken.toByteArray();
  }

  @Test
  void aFileOfTheMachineGoesOutInTheKindOfRegionThatTheSystemSends() throws IOException {
    try (FileStore.File file = file(new DiskFileStore(dir))) {
      FileRegion region = RangeRegion.of(range(file));
      assertInstanceOf(DefaultFileRegion.class, region);
      assertArrayEquals(expected(), drain(region));
      assertEquals(0, givenBack.get());
      assertTrue(region.release());
      assertEquals(1, givenBack.get());
      assertEquals(10, file.read(ByteBuffer.allocate(10), 0), "it is still open for others");
    }
  }

  @Test
  void whatIsInMemoryIsCopied() throws IOException {
    FileRegion region = RangeRegion.of(range(file(new MemoryFileStore())));
    assertFalse(region instanceof DefaultFileRegion);
    assertArrayEquals(expected(), drain(region));
    assertTrue(region.release());
    assertEquals(1, givenBack.get());
  }

  @Test
  void aCutFileEndsTheConnectionInsteadOfSendingForEver() {
    FileStore.File file = file(new MemoryFileStore());
    FileRegion region = RangeRegion.of(range(file));
    file.truncate(START + 10);
    assertThrows(IOException.class, () -> drain(region));
  }

  @Test
  void whatWasReplacedIsNotSent() {
    assertThrows(IllegalStateException.class, () -> RangeRegion.of(range(null)));
  }
}
