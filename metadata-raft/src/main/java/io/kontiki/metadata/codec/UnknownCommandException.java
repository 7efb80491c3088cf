package io.kontiki.metadata.codec;

import java.io.Serial;

/**
 * A committed command that this software does not know (rule M17). Whoever applies the log stops
 * the node: skipping it would make this node's state differ from the others'.
 */
public final class UnknownCommandException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final long index;
  private final int type;
  private final int level;

  /**
   * An entry that asks for more than this software has.
   *
   * @param known highest feature level that this software can apply
   */
  public UnknownCommandException(long index, int type, int level, int known) {
    super(
        "entry "
            + index
            + " holds a command of type "
            + type
            + " that needs feature level "
            + level
            + "; this software has level "
            + known
            + ": install a newer version on this node");
    this.index = index;
    this.type = type;
    this.level = level;
  }

  /** Raft index of the entry. */
  public long index() {
    return index;
  }

  /** Field number of the command in its entry; 0: none was there. */
  public int type() {
    return type;
  }

  /** Feature level that the command asks for. */
  public int level() {
    return level;
  }
}
