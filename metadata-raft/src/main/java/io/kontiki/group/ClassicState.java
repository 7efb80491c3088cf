package io.kontiki.group;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a group of Kafka's classic protocol has beyond others: whom its last completed join found,
 * and what their leader has assigned. Immutable.
 *
 * @param protocolType what members are, "consumer" mostly
 * @param protocol that all of them support, and most prefer
 * @param leader id of the member that assigns
 * @param assigned whether it has done so in this generation
 * @param members by id; without any the group is of no kind
 */
public record ClassicState(
    String protocolType,
    String protocol,
    String leader,
    boolean assigned,
    SortedMap<String, ClassicMember> members) {
  /** No members. */
  public static final ClassicState NONE =
      new ClassicState("", "", "", false, Collections.emptySortedMap());

  public ClassicState {
    members = Collections.unmodifiableSortedMap(new TreeMap<>(members));
  }

  /** Bytes that clients made it keep. */
  int bytes() {
    int bytes = 0;
    for (ClassicMember member : members.values()) {
      bytes += member.bytes();
    }
    return bytes;
  }
}
