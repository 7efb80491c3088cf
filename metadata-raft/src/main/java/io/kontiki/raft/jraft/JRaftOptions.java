package io.kontiki.raft.jraft;

import io.kontiki.model.Endpoint;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How one group runs on this node.
 *
 * @param group its name, the same on all nodes
 * @param nodeId this node, one of the voters
 * @param voters node ids and Raft endpoints with which the group forms; once it has a log, the log
 *     says who is a voter, and this only says where the nodes listen
 * @param electionTimeoutMs without word from the leader before a voter stands; 500 is the least
 *     that was stable on busy machines
 * @param snapshotEntries a snapshot is taken after so many entries (rule M18). The log is kept back
 *     to the snapshot before the newest, for voters that lag
 * @param snapshotBytes or after so many bytes of commands
 * @param readTimeoutMs until {@code readIndex} gives up
 * @param fastElection whether proof of the leader's death starts an election at once (rule M13)
 * @param joining with an empty log: this node belongs to no configuration until a leader adds it,
 *     and neither stands nor votes; else the voters are the first configuration (rule M16)
 */
public record JRaftOptions(
    String group,
    int nodeId,
    SortedMap<Integer, Endpoint> voters,
    int electionTimeoutMs,
    long snapshotEntries,
    long snapshotBytes,
    long readTimeoutMs,
    boolean fastElection,
    boolean joining) {
  public JRaftOptions {
    voters = Collections.unmodifiableSortedMap(new TreeMap<>(voters));
    if (!voters.containsKey(nodeId)) {
      throw new IllegalArgumentException(
          "node " + nodeId + " is not one of the voters " + voters.keySet());
    }
    if (electionTimeoutMs <= 0 || snapshotEntries <= 0 || snapshotBytes <= 0) {
      throw new IllegalArgumentException("election timeout and snapshot limits are positive");
    }
  }

  /** The settings of a server. */
  public static JRaftOptions of(String group, int nodeId, Map<Integer, Endpoint> voters) {
    return new JRaftOptions(
        group, nodeId, new TreeMap<>(voters), 500, 10_000, 64L << 20, 5_000, true, false);
  }

  /** The same with a snapshot after other numbers of entries and bytes. */
  public JRaftOptions withSnapshotAfter(long entries, long bytes) {
    return new JRaftOptions(
        group,
        nodeId,
        voters,
        electionTimeoutMs,
        entries,
        bytes,
        readTimeoutMs,
        fastElection,
        joining);
  }

  /** The same with another election timeout. */
  public JRaftOptions withElectionTimeoutMs(int timeoutMs) {
    return new JRaftOptions(
        group,
        nodeId,
        voters,
        timeoutMs,
        snapshotEntries,
        snapshotBytes,
        readTimeoutMs,
        fastElection,
        joining);
  }

  /** The same for a node that waits to be added to a configuration, or does not. */
  public JRaftOptions withJoining(boolean on) {
    return new JRaftOptions(
        group,
        nodeId,
        voters,
        electionTimeoutMs,
        snapshotEntries,
        snapshotBytes,
        readTimeoutMs,
        fastElection,
        on);
  }

  /** The same with rule M13 on or off. */
  public JRaftOptions withFastElection(boolean on) {
    return new JRaftOptions(
        group,
        nodeId,
        voters,
        electionTimeoutMs,
        snapshotEntries,
        snapshotBytes,
        readTimeoutMs,
        on,
        joining);
  }

  /** The same with another deadline of reads. */
  public JRaftOptions withReadTimeoutMs(long timeoutMs) {
    return new JRaftOptions(
        group,
        nodeId,
        voters,
        electionTimeoutMs,
        snapshotEntries,
        snapshotBytes,
        timeoutMs,
        fastElection,
        joining);
  }
}
