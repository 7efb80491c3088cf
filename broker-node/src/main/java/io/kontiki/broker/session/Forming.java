package io.kontiki.broker.session;

import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * How a listed voter with an empty data directory decides whether to start its Raft (rule M15): it
 * asks all other listed voters, again and again, and starts only when all have said that they are
 * empty too, or when one that has started already counts this directory among those it started
 * with. It refuses where it meets a cluster that does not know its directory, or other lists of
 * voters. Belongs to one loop; of use until it has decided.
 *
 * <p>Why all: a voter that starts beside an existing cluster with an empty log could vote away what
 * its lost log had acknowledged.
 */
public final class Forming {
  private final SessionTiming timing;
  private final int self;
  private final String votersText;
  private final TreeSet<Integer> others;
  private final TreeMap<Integer, Uid> empty = new TreeMap<>();
  private final List<Action> out = new ArrayList<>();
  private boolean decided;
  private boolean asked;
  private long lastAsked;

  /** What to do, in order. */
  public sealed interface Action {
    /** Ask; the answer is {@link #onHello}, none is none. */
    record SendHello(int voterId) implements Action {}

    /**
     * Start as a voter.
     *
     * @param formingSet directory id by voter: to be stored first, and to be told to whoever asks
     */
    record Start(SortedMap<Integer, Uid> formingSet) implements Action {}

    /** Do not start. */
    record Refuse(String why) implements Action {}
  }

  /**
   * What a voter answered.
   *
   * @param nodeId who it is
   * @param clusterId {@link Uid#NONE} if it has none
   * @param voters its {@code cluster.voters}, written in one way
   * @param formingSet directory ids that it started with, by voter, or of the voters in its image;
   *     empty: it has not started
   */
  public record Hello(
      int nodeId,
      Uid directoryId,
      Uid clusterId,
      String voters,
      SortedMap<Integer, Uid> formingSet) {
    private boolean isEmpty() {
      return clusterId.equals(Uid.NONE) && formingSet.isEmpty();
    }
  }

  /**
   * @param voters ids of all listed voters, this one among them
   * @param votersText this node's {@code cluster.voters}, written in the same one way
   */
  public Forming(
      SessionTiming timing, int self, Uid directoryId, List<Integer> voters, String votersText) {
    this.timing = timing;
    this.self = self;
    this.votersText = votersText;
    this.others = new TreeSet<>(voters);
    if (!others.remove(self)) {
      throw new IllegalArgumentException("node " + self + " is not among the voters " + voters);
    }
    empty.put(self, directoryId);
  }

  /** Voters that have not said that they are empty, for people. */
  public List<Integer> waitingFor() {
    List<Integer> missing = new ArrayList<>(others);
    missing.removeAll(empty.keySet());
    return missing;
  }

  /** Time has passed; the first call begins. */
  public List<Action> onTick(Now now) {
    if (!decided && waitingFor().isEmpty()) {
      decide(new Action.Start(new TreeMap<>(empty)));
    }
    if (!decided && (!asked || now.nanos() - lastAsked >= timing.retry())) {
      asked = true;
      lastAsked = now.nanos();
      // Also those that have answered: one of them may have started since.
      others.forEach(voter -> out.add(new Action.SendHello(voter)));
    }
    return take();
  }

  /**
   * A voter answered.
   *
   * @param asked the listed voter whose address was asked
   */
  public List<Action> onHello(int asked, Hello hello) {
    if (decided || !others.contains(asked)) {
      return take();
    }
    if (hello.nodeId() != asked) {
      decide(
          new Action.Refuse(
              "the address of voter "
                  + asked
                  + " in cluster.voters answers as node "
                  + hello.nodeId()));
    } else if (!hello.voters().equals(votersText)) {
      decide(
          new Action.Refuse(
              "node "
                  + asked
                  + " has cluster.voters = "
                  + hello.voters()
                  + ", this node has "
                  + votersText
                  + ": they must be equal"));
    } else if (hello.isEmpty()) {
      answeredEmpty(asked, hello);
    } else if (Objects.equals(empty.get(self), hello.formingSet().get(self))) {
      decide(new Action.Start(hello.formingSet()));
    } else {
      decide(
          new Action.Refuse(
              "node "
                  + asked
                  + " belongs to a cluster ("
                  + hello.clusterId()
                  + ") that does not know the data directory of this node: it is new, or its"
                  + " content was lost. A voter cannot start with an empty directory beside an"
                  + " existing cluster (M15)"));
    }
    return take();
  }

  private void answeredEmpty(int voter, Hello hello) {
    empty.remove(voter);
    if (empty.containsValue(hello.directoryId())) {
      decide(
          new Action.Refuse(
              "node "
                  + voter
                  + " has a copy of another voter's data directory ("
                  + hello.directoryId()
                  + ")"));
      return;
    }
    empty.put(voter, hello.directoryId());
    if (waitingFor().isEmpty()) {
      decide(new Action.Start(new TreeMap<>(empty)));
    }
  }

  private void decide(Action action) {
    decided = true;
    out.add(action);
  }

  private List<Action> take() {
    List<Action> actions = List.copyOf(out);
    out.clear();
    return actions;
  }
}
