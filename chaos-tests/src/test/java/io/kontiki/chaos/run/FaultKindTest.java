package io.kontiki.chaos.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.chaos.run.cluster.Ability;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class FaultKindTest {
  @Test
  void aListNamesKindsByWordAndByTheirBeginning() {
    assertEquals(
        List.of(FaultKind.KILL_LEADER, FaultKind.CUT_NODE),
        FaultKind.parse("kill-leader, cut-node,kill-leader"));
    assertEquals(List.of(FaultKind.POWER_CUT, FaultKind.POWER_CUT_ALL), FaultKind.parse("power-*"));
    assertEquals(List.of(FaultKind.values()), FaultKind.parse("all"));
  }

  @Test
  void anUnknownKindIsNamedTogetherWithThoseThatThereAre() {
    String why =
        assertThrows(IllegalArgumentException.class, () -> FaultKind.parse("kill,quake"))
            .getMessage();
    assertTrue(why.startsWith("there is no fault 'quake'; there are kill, kill-leader,"), why);
  }

  @Test
  void aFaultThatNeedsWhatTheMachineDoesNotHaveIsImpossibleAndSaysWhy() {
    Map<Ability, String> missing = Map.of(Ability.CUT_LANES, "only root may");
    assertEquals("only root may", FaultKind.CUT_ONE_WAY.impossible(missing));
    assertEquals("", FaultKind.KILL.impossible(missing));
  }
}
