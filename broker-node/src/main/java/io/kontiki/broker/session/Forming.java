package io.kontiki.broker.session;

import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How a listed voter that has never voted with its data directory decides whether to start its Raft
 * (rules M15, M16). It asks all other listed voters, again and again, and
 *
 * <ul>
 *   <li>starts with the listed voters when all others have said that they are empty too, or after 3
 *       s when a majority of all did, itself among them;
 *   <li>starts when a voter that has started counts this directory among those it started with, or
 *       has it on record;
 *   <li>once it has met a voter that has started without it, forms nothing any more: it waits until
 *       the metadata leader has taken it in ({@link Admission}), and does not vote until then;
 *   <li>refuses where it meets another cluster, a cluster or list of voters without it, or another
 *       process in its own place.
 * </ul>
 *
 * <p>However it comes to that, it does not start before it has answered to itself at its own
 * address, or nobody has for a second: with a copy of a directory that others know, another process
 * of this node would vote beside the first one (R35).
 *
 * <p>Two voters may decide on different sets at the same time. All who start this way have the same
 * list and have never voted, so it is one Raft group whatever sets they saw, and it commits one
 * {@code FormCluster}. Who takes part and is not in the set that was committed has itself put on
 * record ({@link Admission}); until then nothing is decided by its being unknown, because a
 * directory is only ever replaced after a configuration without that voter was committed.
 *
 * <p>Belongs to one loop; of use until it has decided.
 */
public final class Forming {
  /** A voter that is down from the start is not waited for longer than this (M15). */
  static final long ALL_NANOS = 3_000_000_000L;

  /** Who does not answer at the own address within this is not there. */
  public static final long PLACE_NANOS = 1_000_000_000L;

  /** Where a voter is looked for. */
  static final String LISTED = "its address in cluster.voters";

  /** Between two questions of one that waits to be taken in. */
  private static final long SEEK_NANOS = 300_000_000;

  /** The word of a metadata leader is given again after this, if it still holds. */
  private static final long WORD_NANOS = 3_000_000_000L;

  private final SessionTiming timing;
  private final Self self;
  private final List<Integer> voters;
  private final TreeSet<Integer> others;
  private final TreeMap<Integer, Uid> empty = new TreeMap<>();
  private final List<Action> out = new ArrayList<>();
  private boolean decided;
  private boolean asked;
  private long began;
  private long lastAsked;
  private long lastWord;
  private @Nullable String waitsFor;
  private String word = "";
  private boolean placeIsOwn;
  private Action.@Nullable Start ready;

  /** What to do, in order. */
  public sealed interface Action {
    /**
     * Ask; the answer is {@link #onHello}, none is none.
     *
     * @param voterId a listed voter; the own id: whoever answers at the own listed address
     * @param seeks whether this node wants to be taken in
     */
    record SendHello(int voterId, boolean seeks) implements Action {}

    /**
     * Start as a voter.
     *
     * @param formingSet directory id by voter: to be stored first, and to be told to whoever asks
     * @param admittedIndex a metadata index at which this directory was on record, with a Raft
     *     configuration that this node must be added to; 0: start with the listed voters
     */
    record Start(SortedMap<Integer, Uid> formingSet, long admittedIndex) implements Action {}

    /** Do not start. */
    record Refuse(String why) implements Action {}
  }

  /**
   * This process.
   *
   * @param clusterId that its directory belongs to, {@link Uid#NONE} if to none yet
   * @param votersText its {@code cluster.voters}, written in one way
   */
  public record Self(
      int nodeId, Uid directoryId, Uid incarnation, Uid clusterId, String votersText) {}

  /**
   * A voter as another one knows it.
   *
   * @param directoryId {@link Uid#NONE}: on record without one
   * @param inConfiguration whether it belongs to the Raft configuration
   */
  public record Known(Uid directoryId, boolean inConfiguration) {}

  /**
   * What a voter answered.
   *
   * @param nodeId who it is
   * @param clusterId {@link Uid#NONE} if it has none
   * @param votersText its {@code cluster.voters}
   * @param formingSet what it started with, or the voters of its image; empty: it has not started
   * @param imageIndex of that image, 0: none of a cluster that has formed
   * @param admission what the metadata leader still waits for; empty: not told
   * @param refused whether the metadata leader will not take this node in, for that reason
   */
  public record Hello(
      int nodeId,
      Uid directoryId,
      Uid incarnation,
      Uid clusterId,
      String votersText,
      SortedMap<Integer, Known> formingSet,
      long imageIndex,
      String admission,
      boolean refused) {
    private boolean isEmpty() {
      return clusterId.equals(Uid.NONE) && formingSet.isEmpty();
    }

    private boolean formed() {
      return imageIndex > 0;
    }
  }

  /**
   * @param voters ids of all listed voters, this one among them
   */
  public Forming(SessionTiming timing, Self self, List<Integer> voters) {
    this.timing = timing;
    this.self = self;
    this.voters = List.copyOf(voters);
    this.others = new TreeSet<>(voters);
    if (!others.remove(self.nodeId())) {
      throw new IllegalArgumentException(
          "node " + self.nodeId() + " is not among the voters " + voters);
    }
    empty.put(self.nodeId(), self.directoryId());
  }

  /** What this node is waiting for, one sentence for people. */
  public String situation() {
    if (waitsFor == null) {
      List<Integer> missing = new ArrayList<>(others);
      missing.removeAll(empty.keySet());
      return "waits for the other voters before the cluster forms (M15); no answer yet from "
          + missing;
    }
    String told = word.isEmpty() ? "no metadata leader has answered yet" : word;
    return "does not vote and waits to be taken in (M16): " + waitsFor + ". Now: " + told;
  }

  /** Whether it has met a cluster that must take it in; changes once at most. */
  public boolean seeking() {
    return waitsFor != null;
  }

  /** Time has passed; the first call begins. */
  public List<Action> onTick(Now now) {
    if (!asked) {
      began = now.nanos();
    }
    if (now.nanos() - lastWord >= WORD_NANOS) {
      word = "";
    }
    formIfReady(now);
    long pause = seeking() ? SEEK_NANOS : timing.retry();
    if (!decided && (!asked || now.nanos() - lastAsked >= pause)) {
      asked = true;
      lastAsked = now.nanos();
      // Also those that have answered: one of them may have started since.
      others.forEach(voter -> out.add(new Action.SendHello(voter, seeking())));
      out.add(new Action.SendHello(self.nodeId(), false));
    }
    return take(now);
  }

  /**
   * A voter answered.
   *
   * @param asked the listed voter whose address was asked
   */
  public List<Action> onHello(int asked, Hello hello, Now now) {
    if (decided || !voters.contains(asked)) {
      return take(now);
    }
    if (hello.nodeId() != asked) {
      refuse(
          "the address of voter " + asked + " in cluster.voters answers as node " + hello.nodeId());
    } else if (asked == self.nodeId()) {
      if (!hello.incarnation().equals(self.incarnation())) {
        refuse(idInUse(asked, LISTED, hello.directoryId()));
      }
      placeIsOwn = true;
    } else if (hello.directoryId().equals(self.directoryId())) {
      refuse(
          "node "
              + asked
              + " has a copy of this data directory ("
              + self.directoryId()
              + "), or"
              + " this one is the copy");
    } else if (hello.formed()) {
      metCluster(asked, hello, now);
    } else if (!hello.votersText().equals(self.votersText())) {
      refuse(
          "node "
              + asked
              + " has cluster.voters = "
              + hello.votersText()
              + ", this node has "
              + self.votersText()
              + ": they must be equal");
    } else if (hello.isEmpty()) {
      answeredEmpty(asked, hello, now);
    } else {
      metVoter(asked, hello);
    }
    return take(now);
  }

  /** Why a directory must not vote that is on record and has nothing that it voted with. */
  public static String lostContent(Uid clusterId) {
    return "this data directory has voted in cluster "
        + clusterId
        + ", and its part raft/ has lost its content: put it back, or empty data.dir as a whole"
        + " (M16)";
  }

  /** Why a process must not run whose node id belongs to another one. */
  public static String idInUse(int nodeId, String address, Uid directoryId) {
    return "node id "
        + nodeId
        + " is in use: another process answers at "
        + address
        + ", with data directory "
        + directoryId
        + " (R35)";
  }

  private void answeredEmpty(int voter, Hello hello, Now now) {
    empty.remove(voter);
    if (empty.containsValue(hello.directoryId())) {
      refuse(
          "node "
              + voter
              + " has a copy of another voter's data directory ("
              + hello.directoryId()
              + ")");
      return;
    }
    empty.put(voter, hello.directoryId());
    formIfReady(now);
  }

  private void formIfReady(Now now) {
    // A directory that belonged to a cluster does not make another one.
    if (decided || ready != null || seeking() || !self.clusterId().equals(Uid.NONE)) {
      return;
    }
    boolean majority = empty.size() > voters.size() / 2;
    boolean waited = asked && now.nanos() - began >= ALL_NANOS;
    if (empty.size() == voters.size() || (majority && waited)) {
      ready = new Action.Start(new TreeMap<>(empty), 0);
    }
  }

  /** A voter that has started, and knows no cluster yet. */
  private void metVoter(int voter, Hello hello) {
    Known own = hello.formingSet().get(self.nodeId());
    if (own != null && own.directoryId().equals(self.directoryId())) {
      start(hello, 0);
    } else {
      seek("node " + voter + " has begun to form a cluster without this data directory");
    }
  }

  private void metCluster(int voter, Hello hello, Now now) {
    Known own = hello.formingSet().get(self.nodeId());
    if (!self.clusterId().equals(Uid.NONE) && !self.clusterId().equals(hello.clusterId())) {
      refuse(
          "the data directory belongs to cluster "
              + self.clusterId()
              + ", but voter "
              + voter
              + " belongs to cluster "
              + hello.clusterId());
    } else if (own == null) {
      refuse(
          "cluster.voters lists this node, but the voters of cluster "
              + hello.clusterId()
              + " are "
              + hello.formingSet().keySet()
              + ": take it out of the list; 'kontiki quorum add' makes a broker a voter");
    } else if (own.directoryId().equals(self.directoryId())) {
      if (self.clusterId().equals(Uid.NONE)) {
        start(hello, own.inConfiguration() ? 0 : hello.imageIndex());
      } else {
        refuse(lostContent(hello.clusterId()));
      }
    } else {
      seek(
          own.directoryId().equals(Uid.NONE)
              ? "cluster " + hello.clusterId() + " has formed without this node"
              : "cluster "
                  + hello.clusterId()
                  + " knows this node with data directory "
                  + own.directoryId()
                  + ", this one is "
                  + self.directoryId());
    }
    if (!decided && hello.refused()) {
      refuse(hello.admission());
    } else if (!hello.admission().isEmpty()) {
      word = hello.admission();
      lastWord = now.nanos();
    }
  }

  private void start(Hello hello, long admittedIndex) {
    TreeMap<Integer, Uid> known = new TreeMap<>();
    hello
        .formingSet()
        .forEach(
            (id, voter) -> {
              if (!voter.directoryId().equals(Uid.NONE)) {
                known.put(id, voter.directoryId());
              }
            });
    ready = new Action.Start(known, admittedIndex);
  }

  private void seek(String why) {
    ready = null;
    waitsFor = why;
  }

  private void refuse(String why) {
    decide(new Action.Refuse(why));
  }

  private void decide(Action action) {
    decided = true;
    out.add(action);
  }

  private List<Action> take(Now now) {
    boolean alone = placeIsOwn || (asked && now.nanos() - began >= PLACE_NANOS);
    if (ready != null && alone && !decided) {
      decide(ready);
    }
    List<Action> actions = List.copyOf(out);
    out.clear();
    return actions;
  }
}
