package io.kontiki.broker.quorum;

import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Who this process is.
 *
 * @param directoryId of its data directory
 * @param incarnation of this process start
 * @param voters as configured, by id; Raft addresses
 */
public record NodeIdentity(
    int nodeId, Uid directoryId, Uid incarnation, SortedMap<Integer, Endpoint> voters) {
  public NodeIdentity {
    voters = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(voters));
  }

  /** Whether this node is listed as a voter. */
  public boolean voter() {
    return voters.containsKey(nodeId);
  }

  /** The list of voters as text, the same for equal lists: {@code 1@host:port,2@host:port}. */
  public String votersText() {
    return voters.entrySet().stream()
        .map(voter -> voter.getKey() + "@" + voter.getValue())
        .collect(Collectors.joining(","));
  }
}
