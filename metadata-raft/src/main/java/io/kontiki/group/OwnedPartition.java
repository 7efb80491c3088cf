package io.kontiki.group;

/**
 * A partition in the hands of a member.
 *
 * @param since epoch in which the member got it, or took it up again from another stream
 * @param revoking it has to go; it stays the member's until released or forced (rule G2)
 * @param fromStart it appeared after the group had subscribed: without a committed offset delivery
 *     begins at the log start, whatever the member asked for (rule G9)
 */
public record OwnedPartition(int since, boolean revoking, boolean fromStart) {}
