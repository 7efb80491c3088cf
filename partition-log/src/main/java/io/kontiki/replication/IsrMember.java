package io.kontiki.replication;

/**
 * A member of a proposed in-sync set.
 *
 * @param brokerEpoch of the incarnation that the leader meant when it decided (rules R13, R15)
 */
public record IsrMember(int brokerId, long brokerEpoch) {}
