package io.kontiki.raft;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * What a Raft group replicates. Called by one thread at a time (the group's apply thread).
 *
 * <p>Apply is total (rule M17): a command that cannot be decided is a typed rejection inside the
 * returned answer; an exception stops the group on this node and is a bug or damage (rule M11).
 */
public interface StateMachine {
  /**
   * Applies one committed command.
   *
   * @param index of the entry; grows, not always by one
   * @param command read-only; valid during the call only
   * @return the answer for whoever proposed it on this node; nobody else sees it
   */
  Object apply(long index, ByteBuffer command);

  /**
   * Everything up to {@code index} has been applied; once per batch of entries, before their
   * proposers get their answers, and once after {@link #restore}.
   */
  void onApplied(long index);

  /**
   * Takes an immutable picture of the state as of the last applied entry; {@link
   * SnapshotSource#writeTo} is called later, on another thread.
   */
  SnapshotSource snapshot();

  /** Replaces the whole state by a snapshot (rule M8). */
  void restore(InputStream snapshot) throws IOException;

  /** This node leads the term, and has applied every entry of earlier terms. */
  void onLeaderStart(long term);

  /** This node leads no more. */
  void onLeaderStop(long term);

  /**
   * This node follows, or knows no leader.
   *
   * @param leaderId node id, or -1 if none is known
   */
  void onFollowing(int leaderId, long term);

  /** A picture of the state. */
  interface SnapshotSource {
    /** Writes it; the group adds length and checksum around it. */
    void writeTo(OutputStream out) throws IOException;
  }
}
