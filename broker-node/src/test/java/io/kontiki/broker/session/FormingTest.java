package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.session.Forming.Action;
import io.kontiki.broker.session.Forming.Hello;
import io.kontiki.model.Uid;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class FormingTest {
  private static final String VOTERS = "1@a:1,2@b:1,3@c:1";
  private final Forming forming =
      new Forming(BrokerSessionTest.TIMING, 1, disk(1), List.of(1, 2, 3), VOTERS);

  private static Uid disk(int id) {
    return new Uid(1, id);
  }

  private static Now at(long ms) {
    return new Now(ms * 1_000_000, ms);
  }

  private static Hello empty(int id) {
    return new Hello(id, disk(id), Uid.NONE, VOTERS, new TreeMap<>());
  }

  private static Hello started(int id, Uid cluster, Map<Integer, Uid> formingSet) {
    return new Hello(id, disk(id), cluster, VOTERS, new TreeMap<>(formingSet));
  }

  private static String refusal(List<Action> actions) {
    assertEquals(1, actions.size());
    return ((Action.Refuse) actions.get(0)).why();
  }

  @Test
  void aSingleVoterFormsAtOnce() {
    Forming alone = new Forming(BrokerSessionTest.TIMING, 1, disk(1), List.of(1), "1@a:1");
    assertEquals(List.of(new Action.Start(new TreeMap<>(Map.of(1, disk(1))))), alone.onTick(at(0)));
    assertEquals(List.of(), alone.onTick(at(1000)));
  }

  @Test
  void aClusterFormsWhenAllListedVotersAreEmptyM15() {
    assertEquals(List.of(new Action.SendHello(2), new Action.SendHello(3)), forming.onTick(at(0)));
    assertEquals(List.of(), forming.onTick(at(80)));
    assertEquals(List.of(), forming.onHello(2, empty(2)));
    assertEquals(List.of(3), forming.waitingFor());
    assertEquals(2, forming.onTick(at(100)).size());
    assertEquals(
        List.of(new Action.Start(new TreeMap<>(Map.of(1, disk(1), 2, disk(2), 3, disk(3))))),
        forming.onHello(3, empty(3)));
    assertEquals(List.of(), forming.onTick(at(500)));
    assertEquals(List.of(), forming.onHello(2, empty(2)));
  }

  @Test
  void oneThatHasStartedWithThisDirectoryIsEnoughM15() {
    TreeMap<Integer, Uid> set = new TreeMap<>(Map.of(1, disk(1), 2, disk(2), 3, disk(3)));
    assertEquals(List.of(new Action.Start(set)), forming.onHello(2, started(2, Uid.NONE, set)));
  }

  @Test
  void aClusterThatDoesNotKnowThisDirectoryIsRefusedM15() {
    Map<Integer, Uid> set = Map.of(1, new Uid(9, 9), 2, disk(2), 3, disk(3));
    String why = refusal(forming.onHello(2, started(2, new Uid(7, 7), set)));
    assertTrue(why.contains("M15"), why);
  }

  @Test
  void differentListsOfVotersRefuseM15() {
    Hello other = new Hello(2, disk(2), Uid.NONE, "1@a:1,2@b:1", new TreeMap<>());
    String why = refusal(forming.onHello(2, other));
    assertTrue(why.contains("1@a:1,2@b:1,3@c:1") && why.contains("1@a:1,2@b:1,"), why);
  }

  @Test
  void aWrongAddressOrACopiedDirectoryRefuses() {
    refusal(forming.onHello(2, empty(3)));
    Forming second = new Forming(BrokerSessionTest.TIMING, 1, disk(1), List.of(1, 2, 3), VOTERS);
    Hello copy = new Hello(2, disk(1), Uid.NONE, VOTERS, new TreeMap<>());
    refusal(second.onHello(2, copy));
  }
}
