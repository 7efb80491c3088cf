package io.kontiki.runtime.memory;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/**
 * Gives a parser bytes that nobody wrote: good ones with changes, cuts, repetitions and noise, the
 * same for the same seed. A parser must give a value or its own kind of refusal, in time, and take
 * no memory that the input does not justify.
 */
public final class ParserFuzz {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final long ALLOCATED_ANYWAY = 4 << 20;
  private static final long ALLOCATED_PER_BYTE = 400;

  private final String what;
  private final List<byte[]> good;
  private final Predicate<Exception> refusal;

  /** Parses bytes; they are the parser's own. */
  @FunctionalInterface
  public interface Parser {
    /** Gives a value or throws. */
    void parse(byte[] bytes) throws Exception;
  }

  /**
   * Of one parser.
   *
   * @param what for the message of a failure
   * @param good what it is given is made of these
   * @param refusal tells the exceptions that say "this cannot be read"
   */
  public ParserFuzz(String what, List<byte[]> good, Predicate<Exception> refusal) {
    this.what = what;
    this.good = List.copyOf(good);
    this.refusal = refusal;
  }

  /**
   * Runs so many inputs, at least a tenth of which must be refused: else nothing is checked at all.
   *
   * @throws AssertionError naming the seed, at anything else than a value or a refusal
   */
  public void run(int rounds, Parser parser) {
    int refused = 0;
    for (int seed = 0; seed < rounds; seed++) {
      SeededRandom random = new SeededRandom(seed);
      byte[] bytes = mutated(good.get(random.nextInt(good.size())), random);
      int size = bytes.length;
      long before = THREADS.getCurrentThreadAllocatedBytes();
      try {
        parser.parse(bytes);
      } catch (Exception e) {
        if (!refusal.test(e)) {
          throw new AssertionError(what + ", seed " + seed + ": " + e, e);
        }
        refused++;
      } catch (StackOverflowError | OutOfMemoryError e) {
        throw new AssertionError(what + ", seed " + seed + ": " + e, e);
      }
      long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      if (allocated > ALLOCATED_ANYWAY + ALLOCATED_PER_BYTE * size) {
        throw new AssertionError(
            what + ", seed " + seed + ": " + size + " bytes took " + allocated + " of the heap");
      }
    }
    if (refused < rounds / 10) {
      throw new AssertionError(what + ": only " + refused + " of " + rounds + " were refused");
    }
  }

  /** Good bytes with up to a few changes; also as they are, now and then. */
  public static byte[] mutated(byte[] good, SeededRandom random) {
    byte[] bytes = good.clone();
    if (random.oneIn(4)) {
      bytes = Arrays.copyOf(bytes, random.nextInt(2 * bytes.length + 1));
    }
    if (random.oneIn(6) && bytes.length > 1) {
      // A part once more, where it does not belong.
      int from = random.nextInt(bytes.length);
      int length = random.nextInt(bytes.length - from) + 1;
      int to = random.nextInt(bytes.length - length + 1);
      System.arraycopy(bytes.clone(), from, bytes, to, length);
    }
    for (int i = random.nextInt(5); i > 0 && bytes.length > 0; i--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> Arrays.fill(bytes, at, Math.min(bytes.length, at + 4), (byte) -1);
        case 2 -> bytes[at] = 0x7f; // the first byte of great lengths
        default -> bytes[at] = (byte) random.nextLong();
      }
    }
    return bytes;
  }
}
