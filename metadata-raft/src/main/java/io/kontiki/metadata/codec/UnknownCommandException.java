package io.kontiki.metadata.codec;

import java.io.Serial;

/**
 * A committed command that this software does not know (rule M17). Whoever applies the log stops
 * the node: skipping it would make this node's image differ from the others'.
 */
public final class UnknownCommandException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final long index;
  private final int type;
  private final int level;

  UnknownCommandException(long index, int type, int level) {
    super(
        "entry "
            + index
            + " holds a command of type "
            + type
            + " that needs feature level "
            + level
            + "; this software has level "
            + MetadataCommandCodec.LEVEL
            + ": install a newer version on this node");
    this.index = index;
    this.type = type;
    this.level = level;
  }

  /** Raft index of the entry. */
  public long index() {
    return index;
  }

  /** Field number of the command in MetadataEntry; 0: none was there. */
  public int type() {
    return type;
  }

  /** Feature level that the command asks for. */
  public int level() {
    return level;
  }
}
