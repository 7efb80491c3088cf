package io.kontiki.log.segment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TailCacheTest {
  private static final int OVERHEAD_BYTES = 128;

  @Test
  void whatIsKeptIsTheNewestOfAllLogsWithoutAGap() {
    for (long seed = 0; seed < 300; seed++) {
      new Run(seed).play();
    }
  }

  @Test
  void memoryIsUsedAgainAndStaysBounded() {
    int most = 64 << 10;
    CopyRing ring = new CopyRing(most);
    Random random = new Random(1);
    byte[] bytes = new byte[3_000];
    byte[] out = new byte[bytes.length];
    for (int round = 0; round < 5_000; round++) {
      random.nextBytes(bytes);
      int length = 1 + random.nextInt(bytes.length);
      long place = ring.add(ByteBuffer.wrap(bytes, 0, length));
      ring.release(Math.max(0, ring.end() - most), most);
      ring.copy(place, out, 0, length);
      assertEquals(
          ByteBuffer.wrap(bytes, 0, length), ByteBuffer.wrap(out, 0, length), "round " + round);
      assertTrue(ring.heldBytes() <= most + (8 << 10), "round " + round + ": " + ring.heldBytes());
    }
  }

  /** A batch as the model knows it; {@code number} is its place in the order of all appends. */
  private record Known(long baseOffset, long nextOffset, byte[] bytes, int number) {}

  private static final class Run {
    private final long seed;
    private final Random random;
    private final int maxBytes;
    private final TailCache cache;
    private final List<TailCache.Tail> tails = new ArrayList<>();
    private final List<List<Known>> known = new ArrayList<>();
    private final long[] ends = new long[3];
    private int appends;

    Run(long seed) {
      this.seed = seed;
      this.random = new Random(seed);
      this.maxBytes = 200 + random.nextInt(5_000);
      this.cache = new TailCache(maxBytes);
      for (int i = 0; i < ends.length; i++) {
        tails.add(cache.newTail());
        known.add(new ArrayList<>());
      }
    }

    void play() {
      for (int step = 0; step < 300; step++) {
        int log = random.nextInt(ends.length);
        if (random.nextInt(12) == 0) {
          truncate(log, random.nextInt(4) == 0 ? 0 : ends[log] - random.nextInt(6));
        } else {
          append(log);
        }
        check("seed " + seed + ", step " + step);
      }
    }

    private void append(int log) {
      byte[] bytes = new byte[1 + random.nextInt(200)];
      random.nextBytes(bytes);
      long next = ends[log] + 1 + random.nextInt(3);
      byte[] received = bytes.clone();
      tails.get(log).add(ends[log], next, ByteBuffer.wrap(received));
      Arrays.fill(received, (byte) 0); // copies are kept: a request's memory is free at once
      known.get(log).add(new Known(ends[log], next, bytes, appends++));
      ends[log] = next;
      while (bytesKnown() > maxBytes) {
        List<Known> oldest = null;
        for (List<Known> each : known) {
          boolean older =
              !each.isEmpty() && (oldest == null || each.get(0).number() < oldest.get(0).number());
          oldest = older ? each : oldest;
        }
        if (oldest != null) {
          oldest.remove(0);
        }
      }
    }

    private void truncate(int log, long offset) {
      tails.get(log).truncate(offset);
      known.get(log).removeIf(batch -> batch.nextOffset() > offset);
      List<Known> left = known.get(log);
      ends[log] = left.isEmpty() ? Math.max(0, offset) : left.get(left.size() - 1).nextOffset();
    }

    private long bytesKnown() {
      long sum = 0;
      for (List<Known> each : known) {
        for (Known batch : each) {
          sum += batch.bytes().length + OVERHEAD_BYTES;
        }
      }
      return sum;
    }

    private void check(String where) {
      assertEquals(bytesKnown(), cache.sizeBytes(), where);
      for (int log = 0; log < ends.length; log++) {
        List<Known> expected = known.get(log);
        long first = expected.isEmpty() ? ends[log] : expected.get(0).baseOffset();
        for (long offset = Math.max(0, first - 2); offset <= ends[log]; offset++) {
          boolean has = offset >= first && offset < ends[log];
          assertEquals(has, tails.get(log).has(offset), where + ", offset " + offset);
          if (has) {
            checkRead(log, offset, where);
          }
        }
      }
    }

    private void checkRead(int log, long offset, String where) {
      long limit = offset + random.nextInt(8);
      int most = random.nextInt(600);
      List<ByteBuffer> expected = new ArrayList<>();
      int total = 0;
      for (Known batch : known.get(log)) {
        if (batch.nextOffset() <= offset) {
          continue;
        }
        if (batch.nextOffset() > limit
            || (!expected.isEmpty() && total + batch.bytes().length > most)) {
          break;
        }
        expected.add(ByteBuffer.wrap(batch.bytes()));
        total += batch.bytes().length;
      }
      List<ByteBuffer> read = tails.get(log).read(offset, limit, most);
      assertEquals(expected, read, where + ", offset " + offset);
      read.forEach(bytes -> assertTrue(bytes.isReadOnly(), where));
    }
  }
}
