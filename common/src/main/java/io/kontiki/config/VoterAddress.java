package io.kontiki.config;

import io.kontiki.model.Endpoint;

/**
 * A voter of the metadata quorum as {@code cluster.voters} names it.
 *
 * @param nodeId positive
 * @param raft where its Raft service listens
 */
public record VoterAddress(int nodeId, Endpoint raft) {
  /**
   * Reads {@code ID@HOST:PORT}.
   *
   * @throws IllegalArgumentException if the text has another form
   */
  public static VoterAddress parse(String text) {
    int at = text.indexOf('@');
    try {
      int nodeId = at < 0 ? 0 : Integer.parseInt(text.substring(0, at));
      if (nodeId > 0) {
        return new VoterAddress(nodeId, Endpoint.parse(text.substring(at + 1)));
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("'" + text + "' is not ID@HOST:PORT", e);
    }
    throw new IllegalArgumentException("'" + text + "' is not ID@HOST:PORT, ID from 1");
  }

  @Override
  public String toString() {
    return nodeId + "@" + raft;
  }
}
