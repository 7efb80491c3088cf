package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.session.Forming.Action;
import io.kontiki.broker.session.Forming.Hello;
import io.kontiki.broker.session.Forming.Known;
import io.kontiki.model.Uid;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class FormingTest {
  private static final String VOTERS = "1@a:1,2@b:1,3@c:1";
  private static final Uid CLUSTER = new Uid(7, 7);
  private final Forming forming = forming(Uid.NONE);

  private static Forming forming(Uid clusterId) {
    return new Forming(BrokerSessionTest.TIMING, self(clusterId, VOTERS), List.of(1, 2, 3));
  }

  private static Forming.Self self(Uid clusterId, String voters) {
    return new Forming.Self(1, disk(1), process(1), clusterId, voters);
  }

  private static Uid disk(int id) {
    return new Uid(1, id);
  }

  private static Uid process(int id) {
    return new Uid(2, id);
  }

  private static Now at(long ms) {
    return new Now(ms * 1_000_000, ms);
  }

  private static Hello hello(
      int id, Uid cluster, String voters, Map<Integer, Known> set, long imageIndex) {
    return new Hello(
        id, disk(id), process(id), cluster, voters, new TreeMap<>(set), imageIndex, "", false);
  }

  private static Hello empty(int id) {
    return hello(id, Uid.NONE, VOTERS, Map.of(), 0);
  }

  private static Known known(Uid directory) {
    return new Known(directory, true);
  }

  /** A voter of a cluster whose image names this directory for node 1. */
  private static Hello formed(int id, Known own) {
    return hello(id, CLUSTER, VOTERS, Map.of(1, own, 2, known(disk(2)), 3, known(disk(3))), 40);
  }

  private static Hello said(Hello by, String admission, boolean refused) {
    return new Hello(
        by.nodeId(),
        by.directoryId(),
        by.incarnation(),
        by.clusterId(),
        by.votersText(),
        by.formingSet(),
        by.imageIndex(),
        admission,
        refused);
  }

  private static String refusal(List<Action> actions) {
    assertEquals(1, actions.size());
    return ((Action.Refuse) actions.get(0)).why();
  }

  private static SortedMap<Integer, Uid> disks(int... ids) {
    TreeMap<Integer, Uid> disks = new TreeMap<>();
    for (int id : ids) {
      disks.put(id, disk(id));
    }
    return disks;
  }

  private void inItsPlace() {
    assertEquals(List.of(), forming.onHello(1, empty(1), at(0)));
  }

  private static List<Action> questions(boolean seeks) {
    return List.of(
        new Action.SendHello(2, seeks),
        new Action.SendHello(3, seeks),
        new Action.SendHello(1, false));
  }

  @Test
  void aSingleVoterFormsAtOnce() {
    Forming alone = new Forming(BrokerSessionTest.TIMING, self(Uid.NONE, "1@a:1"), List.of(1));
    assertEquals(List.of(new Action.SendHello(1, false)), alone.onTick(at(0)));
    assertEquals(
        List.of(new Action.Start(disks(1), 0)),
        alone.onHello(1, hello(1, Uid.NONE, "1@a:1", Map.of(), 0), at(1)));
    assertEquals(List.of(), alone.onTick(at(1000)));
  }

  @Test
  void aClusterFormsAtOnceWhenAllListedVotersAreEmptyM15() {
    assertEquals(questions(false), forming.onTick(at(0)));
    assertEquals(List.of(), forming.onTick(at(80)));
    assertEquals(List.of(), forming.onHello(1, empty(1), at(80)));
    assertEquals(List.of(), forming.onHello(2, empty(2), at(80)));
    assertTrue(forming.situation().contains("[3]"), forming.situation());
    assertEquals(questions(false), forming.onTick(at(100)));
    assertEquals(
        List.of(new Action.Start(disks(1, 2, 3), 0)), forming.onHello(3, empty(3), at(110)));
    assertEquals(List.of(), forming.onTick(at(500)));
    assertEquals(List.of(), forming.onHello(2, empty(2), at(510)));
  }

  @Test
  void aMajorityOfEmptyVotersFormsAfterThreeSecondsM15() {
    forming.onTick(at(1_000));
    assertEquals(questions(false), forming.onTick(at(3_999)), "no majority, however long");
    assertEquals(List.of(), forming.onHello(2, empty(2), at(3_999)));
    assertEquals(List.of(new Action.Start(disks(1, 2), 0)), forming.onTick(at(4_000)));
  }

  @Test
  void aMinorityNeverFormsM15() {
    for (long ms = 0; ms < 60_000; ms += 25) {
      for (Action action : forming.onTick(at(ms))) {
        assertTrue(action instanceof Action.SendHello, action::toString);
      }
    }
  }

  /**
   * Naive failure: a copy is made of a directory that the cluster knows, and its process votes
   * before it has heard that the original lives.
   */
  @Test
  void nobodyStartsBeforeItsOwnPlaceIsKnownToBeItsOwnR35() {
    Forming copy = forming(Uid.NONE);
    copy.onTick(at(0));
    assertEquals(List.of(), copy.onHello(2, formed(2, known(disk(1))), at(1)));
    Hello original =
        new Hello(1, disk(1), process(8), Uid.NONE, VOTERS, new TreeMap<>(), 0, "", false);
    assertTrue(refusal(copy.onHello(1, original, at(2))).contains("R35"));
    assertEquals(List.of(), copy.onTick(at(5_000)));

    Forming unreachable = forming(Uid.NONE);
    unreachable.onTick(at(7_000));
    assertEquals(List.of(), unreachable.onHello(2, formed(2, known(disk(1))), at(7_001)));
    assertEquals(
        List.of(new Action.Start(disks(1, 2, 3), 0)),
        unreachable.onTick(at(8_000)).stream().filter(Action.Start.class::isInstance).toList());
  }

  /** It was ready to form one, and hears that others did without it before it has begun. */
  @Test
  void whatOneMeetsWhileItWaitsForItsPlaceCountsM16() {
    forming.onTick(at(0));
    assertEquals(List.of(), forming.onHello(2, empty(2), at(1)));
    assertEquals(List.of(), forming.onHello(3, empty(3), at(1)));
    Map<Integer, Known> set = Map.of(2, known(disk(2)), 3, known(disk(3)));
    assertEquals(List.of(), forming.onHello(2, hello(2, Uid.NONE, VOTERS, set, 0), at(2)));
    assertEquals(List.of(), forming.onHello(1, empty(1), at(3)));
    assertTrue(forming.seeking());
  }

  @Test
  void oneThatHasStartedWithThisDirectoryIsEnoughM15() {
    inItsPlace();
    Map<Integer, Known> set = Map.of(1, known(disk(1)), 2, known(disk(2)));
    assertEquals(
        List.of(new Action.Start(disks(1, 2), 0)),
        forming.onHello(2, hello(2, Uid.NONE, VOTERS, set, 0), at(1)));
  }

  @Test
  void oneThatHasStartedWithoutThisDirectoryMakesItWaitM16() {
    forming.onTick(at(0));
    Map<Integer, Known> set = Map.of(2, known(disk(2)), 3, known(disk(3)));
    assertEquals(List.of(), forming.onHello(2, hello(2, Uid.NONE, VOTERS, set, 0), at(1)));
    assertTrue(forming.seeking());
    // Naive failure: it forms with 3, and the two outvote what 2 has acknowledged with the lost
    // disk.
    assertEquals(List.of(), forming.onHello(3, empty(3), at(2)));
    assertEquals(questions(true), forming.onTick(at(10_000)));
  }

  @Test
  void aClusterThatDoesNotKnowThisDirectoryMakesItWaitUntilItDoesM16() {
    forming.onTick(at(0));
    inItsPlace();
    Hello before = formed(2, new Known(new Uid(9, 9), true));
    assertEquals(List.of(), forming.onHello(2, before, at(1)));
    assertEquals(questions(true), forming.onTick(at(400)));
    Hello leader = formed(3, new Known(new Uid(9, 9), true));
    forming.onHello(3, said(leader, "its turn comes", false), at(500));
    assertTrue(forming.situation().contains("its turn comes"), forming.situation());
    assertTrue(forming.situation().contains(new Uid(9, 9).toString()), forming.situation());
    assertEquals(
        List.of(new Action.Start(disks(1, 2, 3), 40)),
        forming.onHello(2, formed(2, new Known(disk(1), false)), at(600)));
  }

  @Test
  void aVoterOfTheClusterFromTheBeginningStartsWithTheListedVotersM15() {
    inItsPlace();
    assertEquals(
        List.of(new Action.Start(disks(1, 2, 3), 0)),
        forming.onHello(2, formed(2, known(disk(1))), at(1)));
  }

  @Test
  void oneThatTheLeaderRefusesGivesUpR35() {
    Hello answer = said(formed(2, new Known(new Uid(9, 9), true)), "node id 1 is in use", true);
    assertEquals("node id 1 is in use", refusal(forming.onHello(2, answer, at(1))));
  }

  @Test
  void differentListsOfVotersRefuseToFormM15() {
    Hello other = hello(2, Uid.NONE, "1@a:1,2@b:1", Map.of(), 0);
    String why = refusal(forming.onHello(2, other, at(1)));
    assertTrue(why.contains("1@a:1,2@b:1,3@c:1") && why.contains("1@a:1,2@b:1,"), why);
  }

  @Test
  void theImageOfAClusterSaysWhoVotesNotTheListsM15() {
    Hello moved = formed(2, new Known(Uid.NONE, false));
    Hello other = hello(2, CLUSTER, "1@x:1,2@b:1,3@c:1", moved.formingSet(), 40);
    assertEquals(List.of(), forming.onHello(2, other, at(1)));
    assertTrue(forming.seeking());
    Hello without = hello(3, CLUSTER, VOTERS, Map.of(2, known(disk(2)), 3, known(disk(3))), 40);
    assertTrue(refusal(forming.onHello(3, without, at(2))).contains("[2, 3]"));
  }

  @Test
  void aWrongAddressOrACopiedDirectoryRefuses() {
    refusal(forming.onHello(2, empty(3), at(1)));
    Hello copy = new Hello(2, disk(1), process(2), Uid.NONE, VOTERS, new TreeMap<>(), 0, "", false);
    refusal(forming(Uid.NONE).onHello(2, copy, at(1)));
  }

  @Test
  void anotherProcessInItsOwnPlaceRefusesR35() {
    assertEquals(List.of(), forming.onHello(1, empty(1), at(1)));
    Hello other =
        new Hello(1, disk(8), process(8), Uid.NONE, VOTERS, new TreeMap<>(), 0, "", false);
    String why = refusal(forming.onHello(1, other, at(2)));
    assertTrue(why.contains("node id 1 is in use") && why.contains(disk(8).toString()), why);
  }

  @Test
  void aDirectoryOfAClusterFormsNoneAndIsRefusedByAnotherM16() {
    Forming bound = forming(CLUSTER);
    bound.onTick(at(0));
    assertEquals(List.of(), bound.onHello(2, empty(2), at(1)));
    assertEquals(List.of(), bound.onHello(3, empty(3), at(1)));
    assertFalse(bound.onTick(at(9_000)).stream().anyMatch(Action.Start.class::isInstance));
    Hello other = formed(2, new Known(Uid.NONE, false));
    String why = refusal(forming(new Uid(8, 8)).onHello(2, other, at(2)));
    assertTrue(why.contains(CLUSTER.toString()) && why.contains(new Uid(8, 8).toString()), why);
    // It voted here, and its raft/ is gone: it must not begin again under the same directory id.
    assertTrue(refusal(bound.onHello(2, formed(2, known(disk(1))), at(3))).contains("raft/"));
  }
}
