package io.kontiki.log.clean;

import io.kontiki.log.segment.SealedFile;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;

/**
 * How far a log has been compacted (rule L6).
 *
 * <p>File {@code compacted}, sealed as {@link SealedFile} with kind "KCMP":
 *
 * <pre>
 * offset size field
 *      0    8 cleaned to
 *      8    8 forgotten below
 * </pre>
 *
 * @param cleanedTo below it no record has a later one of its key below it; exclusive. May be lower
 *     than the truth
 * @param forgottenBelow tombstones are missing below it, and nowhere else; exclusive. May be higher
 *     than the truth. What lies between is no sequel to a log that ends below it: that may have
 *     records of which only a missing tombstone tells that they are deleted
 */
public record CleanMark(long cleanedTo, long forgottenBelow) {
  /** Name of the file. */
  public static final String FILE = "compacted";

  /** Never compacted. */
  public static final CleanMark NONE = new CleanMark(0, 0);

  private static final SealedFile FORMAT = SealedFile.of("KCMP", 1, 64);

  /** The log was cut, or began again, at an offset. */
  public CleanMark cutTo(long offset) {
    return new CleanMark(Math.min(cleanedTo, offset), Math.min(forgottenBelow, offset));
  }

  /** The content of the file. */
  public ByteBuffer encode() {
    return FORMAT.seal(ByteBuffer.allocate(16).putLong(cleanedTo).putLong(forgottenBelow).flip());
  }

  /** Replaces the file in one step; its name is durable when the directory is. */
  public void write(FileStore store, String directory) {
    FORMAT.write(
        store,
        directory + "/" + FILE,
        ByteBuffer.allocate(16).putLong(cleanedTo).putLong(forgottenBelow).flip());
  }

  /**
   * Reads the file. One that cannot be believed may have said anything: then nothing is cleaned and
   * any tombstone may be missing.
   */
  public static CleanMark read(FileStore store, String directory) {
    try {
      return FORMAT
          .read(
              store,
              directory + "/" + FILE,
              payload -> new CleanMark(payload.getLong(), payload.getLong()))
          .orElse(NONE);
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.CORRUPT) {
        throw e;
      }
      return new CleanMark(0, Long.MAX_VALUE);
    }
  }
}
