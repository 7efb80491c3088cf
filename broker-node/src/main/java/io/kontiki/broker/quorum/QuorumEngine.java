package io.kontiki.broker.quorum;

import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.Completion;

/**
 * What the quorum runs on beneath its rules: the Raft group of the metadata, and dials of other
 * processes. In a server this is {@link JRaftQuorum}; a simulator brings its own.
 */
public interface QuorumEngine extends Dials, AutoCloseable {
  /** Folder of the group's files, and the group's name. */
  String GROUP = "metadata";

  /**
   * Starts this node's part of the group; may block while its files are read.
   *
   * @param joining this directory was taken in after the cluster had formed: the group waits to be
   *     added (M16)
   */
  RaftGroup start(boolean joining, MetadataStateMachine machine);

  /** Says where a node's Raft listens that is new in the group; thread-safe. */
  void address(int nodeId, Endpoint raft);

  @Override
  void dial(Endpoint raft, Completion<Shown> completion);

  /** Deletes what this node has of the group, which must not run; blocks. */
  void forget();

  /** Ends what connects this node with the others. */
  @Override
  void close();
}
