package io.kontiki.group;

import java.util.List;

/**
 * What a member says of itself when it joins.
 *
 * @param clientId free text for operators
 * @param host the client's address
 * @param brokerId that holds its stream
 * @param brokerEpoch of that broker's process: with it the member is fenced
 * @param topics names; empty with a pattern
 * @param pattern that whole names must match; empty with names
 * @param sessionTimeoutMs how long its partitions wait when its stream broke
 * @param revokeTimeoutMs how long it may take to finish with partitions that move away
 */
public record MemberDetails(
    String clientId,
    String host,
    int brokerId,
    long brokerEpoch,
    List<String> topics,
    String pattern,
    Assignor assignor,
    long sessionTimeoutMs,
    long revokeTimeoutMs) {
  public MemberDetails {
    topics = List.copyOf(topics);
  }
}
