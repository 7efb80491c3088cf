package io.kontiki.runtime;

import java.io.Serial;

/**
 * A file operation failed or a file holds what it may not hold: takes one log directory, or one
 * partition, offline.
 */
public final class StorageException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /** What kind of failure. */
  public enum Kind {
    /** The system refused or failed the operation; a failed sync is never retried (rule D1). */
    IO,
    /** No space left (rule D4). */
    NO_SPACE,
    /** The bytes are not what was written, or of an unknown version. */
    CORRUPT,
    /** The lock is held by another process. */
    LOCKED
  }

  private final Kind kind;
  private final String path;
  private final long position;

  /**
   * @param path of the file, relative to its store
   * @param position of the byte concerned, or -1
   */
  public StorageException(Kind kind, String path, long position, String message) {
    this(kind, path, position, message, null);
  }

  /** With the cause that the system gave. */
  public StorageException(
      Kind kind,
      String path,
      long position,
      String message,
      @org.jspecify.annotations.Nullable Throwable cause) {
    super(path + (position >= 0 ? "@" + position : "") + ": " + message, cause);
    this.kind = kind;
    this.path = path;
    this.position = position;
  }

  /** What kind of failure. */
  public Kind kind() {
    return kind;
  }

  /** Of the file, relative to its store. */
  public String path() {
    return path;
  }

  /** Of the byte concerned, or -1. */
  public long position() {
    return position;
  }
}
