package io.kontiki.broker.group;

import io.kontiki.group.GroupState;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A group as its coordinator sees it.
 *
 * @param coordinatorId the broker that leads its shard
 * @param lastSeenMs by member id: milliseconds since 1970 when the client last spoke or answered a
 *     ping
 * @param attached by member id: whether a broker holds its stream
 */
public record GroupReport(
    GroupState state,
    int coordinatorId,
    SortedMap<String, Long> lastSeenMs,
    SortedMap<String, Boolean> attached) {
  public GroupReport {
    lastSeenMs = Collections.unmodifiableSortedMap(new TreeMap<>(lastSeenMs));
    attached = Collections.unmodifiableSortedMap(new TreeMap<>(attached));
  }
}
