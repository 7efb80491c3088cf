package io.kontiki.chaos.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class FailoverTargetTest {
  private static final Map<Integer, Integer> LEADERS = Map.of(0, 2, 1, 3, 2, 1, 3, 2, 4, 3, 5, 1);

  @ParameterizedTest
  @EnumSource
  void theNodeHasTheRolesOfItsEvent(FailoverEvent event) {
    for (int metadataLeader = 1; metadataLeader <= 3; metadataLeader++) {
      for (int round = 0; round < 12; round++) {
        FailoverTarget target = FailoverTarget.choose(event, round, metadataLeader, LEADERS);
        assertFalse(target.partitions().isEmpty());
        boolean leads = target.partitions().stream().anyMatch(p -> LEADERS.get(p) == target.node());
        switch (event) {
          case KILL_LEADER, FREEZE_LEADER -> {
            assertEquals(6, target.partitions().size());
            assertNotEquals(metadataLeader, target.node());
          }
          case KILL_FOLLOWER -> {
            assertFalse(leads);
            assertNotEquals(metadataLeader, target.node());
          }
          case KILL_METADATA_LEADER -> {
            assertFalse(leads);
            assertEquals(metadataLeader, target.node());
          }
          case KILL_BOTH, FREEZE_BOTH -> {
            assertEquals(6, target.partitions().size());
            assertEquals(metadataLeader, target.node());
          }
          case NOTHING, STOP_NODE, RESTART_FSYNC, RESTART_REPLICATED -> {}
        }
      }
    }
  }

  @Test
  void stopsGoRoundNodesAndRoles() {
    Set<Integer> nodes = new HashSet<>();
    Set<String> roles = new HashSet<>();
    for (int round = 0; round < 6; round++) {
      FailoverTarget target = FailoverTarget.choose(FailoverEvent.STOP_NODE, round, 2, LEADERS);
      nodes.add(target.node());
      roles.add(target.roles());
    }
    assertEquals(Set.of(1, 2, 3), nodes);
    assertEquals(Set.of("partition leader", "both leaders", "follower"), roles);
  }
}
