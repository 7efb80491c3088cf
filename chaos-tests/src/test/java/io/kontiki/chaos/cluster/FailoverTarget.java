package io.kontiki.chaos.cluster;

import java.util.List;
import java.util.Map;

/**
 * Which node an event happens to, and which partitions are written to meanwhile.
 *
 * @param node 0: no single one
 * @param roles of the node, for people
 * @param partitions at least one
 */
record FailoverTarget(int node, String roles, List<Integer> partitions) {
  private static final int NONE = 0;

  /**
   * Chooses for an event; what leaves a choice goes round with the rounds.
   *
   * @param leaders by partition; each of the nodes 1 to 3 leads one at least
   */
  static FailoverTarget choose(
      FailoverEvent event, int round, int metadataLeader, Map<Integer, Integer> leaders) {
    List<Integer> all = List.copyOf(leaders.keySet());
    List<Integer> others =
        List.of(1, 2, 3).stream().filter(node -> node != metadataLeader).toList();
    int other = others.get(round % others.size());
    return switch (event) {
      case KILL_LEADER, FREEZE_LEADER -> new FailoverTarget(other, "partition leader", all);
      case KILL_FOLLOWER -> new FailoverTarget(other, "follower", notLedBy(other, leaders));
      case KILL_METADATA_LEADER ->
          new FailoverTarget(metadataLeader, "metadata leader", notLedBy(metadataLeader, leaders));
      case KILL_BOTH, FREEZE_BOTH -> new FailoverTarget(metadataLeader, "both leaders", all);
      case STOP_NODE ->
          choose(
              List.of(
                      FailoverEvent.KILL_LEADER,
                      FailoverEvent.KILL_BOTH,
                      FailoverEvent.KILL_FOLLOWER)
                  .get(round % 3),
              round / 3,
              metadataLeader,
              leaders);
      case NOTHING -> new FailoverTarget(NONE, "none", all);
      case RESTART_FSYNC, RESTART_REPLICATED -> new FailoverTarget(NONE, "all", all);
    };
  }

  private static List<Integer> notLedBy(int node, Map<Integer, Integer> leaders) {
    return leaders.keySet().stream().filter(partition -> leaders.get(partition) != node).toList();
  }
}
