package io.kontiki.chaos.run;

import io.kontiki.chaos.run.cluster.Ability;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What is done to a cluster. */
enum FaultKind {
  KILL("SIGKILL of any node", Ability.KILL),
  KILL_LEADER("SIGKILL of the leader of a partition", Ability.KILL),
  KILL_METADATA_LEADER("SIGKILL of the leader of the metadata", Ability.KILL),
  KILL_TWO("SIGKILL of two nodes at once", Ability.KILL),
  KILL_ALL("SIGKILL of all nodes at once", Ability.KILL),
  KILL_STARTING("SIGKILL of a node that is just starting", Ability.KILL),
  KILL_WHILE_CREATING("SIGKILL of the metadata leader while it creates a topic", Ability.KILL),
  KILL_WHILE_WRITING_SNAPSHOT(
      "SIGKILL of a node that is writing a snapshot of the metadata", Ability.KILL, Ability.FILES),
  FREEZE_SHORT("SIGSTOP and SIGCONT within the lease", Ability.FREEZE),
  FREEZE_LONG("SIGSTOP of a leader for longer than its session", Ability.FREEZE),
  RESTART("a stop in order, and a start", Ability.STOP),
  RESTART_ROLLING("all nodes restarted in order, one after the other", Ability.STOP),
  WIPE("deletion of one node's data, which comes back empty", Ability.KILL, Ability.WIPE),
  WIPE_WHILE_ONE_IS_DOWN(
      "the same while another node is down: it waits, and does not vote (M16)",
      Ability.KILL,
      Ability.WIPE),
  CUT_NODE("a node off the network", Ability.CUT),
  CUT_FROM_QUORUM("a leader that does not reach the quorum, only followers", Ability.CUT_LANES),
  CUT_FROM_FOLLOWERS("a leader that does not reach followers, only the quorum", Ability.CUT_LANES),
  CUT_ONE_WAY("a node that hears and is not heard, or the reverse", Ability.CUT_LANES),
  CUT_PAIR("two nodes that do not reach each other", Ability.CUT_LANES),
  SLOW_NETWORK("a node's network with little throughput", Ability.SLOW_NETWORK),
  LOSSY_NETWORK("a node's network with delay and loss", Ability.LOSSY_NETWORK),
  DISK_FULL("no room on a node's disk", Ability.FULL_DISK),
  POWER_CUT("a node loses everything that it had not synced", Ability.POWER_CUT),
  POWER_CUT_ALL("all nodes lose at once what they had not synced", Ability.POWER_CUT),
  CLOCK_JUMP("a node's wall clock jumps", Ability.CLOCK),
  FSYNC_SLOW("a node's disk takes a third of a second to sync", Ability.SYSTEM_CALLS),
  FSYNC_FAILS("a node's disk refuses to sync; it is restarted", Ability.SYSTEM_CALLS, Ability.KILL);

  /** In lists of kinds: all of them. */
  static final String ALL = "all";

  private final String meaning;
  private final Set<Ability> needs;

  FaultKind(String meaning, Ability... needs) {
    this.meaning = meaning;
    this.needs = Set.of(needs);
  }

  /** As in options and reports. */
  String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  String meaning() {
    return meaning;
  }

  /** Why it cannot be made; empty if it can. */
  String impossible(Map<Ability, String> missing) {
    return new TreeSet<>(needs)
        .stream().map(missing::get).filter(why -> why != null).findFirst().orElse("");
  }

  /**
   * Whether every replica must be in sync before: what it takes away may otherwise be all that
   * there is of a record, which no cluster survives.
   */
  boolean needsWhole() {
    return switch (this) {
      case WIPE, WIPE_WHILE_ONE_IS_DOWN, POWER_CUT, POWER_CUT_ALL -> true;
      default -> false;
    };
  }

  /**
   * Kinds by their words, separated by commas; a word that ends with {@code *} stands for all that
   * begin with it.
   *
   * @throws IllegalArgumentException if one is none
   */
  static List<FaultKind> parse(String list) {
    List<FaultKind> kinds = new ArrayList<>();
    for (String word : list.split(",", -1)) {
      List<FaultKind> found =
          Arrays.stream(values()).filter(kind -> kind.isMeantBy(word.strip())).toList();
      if (found.isEmpty()) {
        throw new IllegalArgumentException(
            "there is no fault '"
                + word.strip()
                + "'; there are "
                + String.join(", ", Arrays.stream(values()).map(FaultKind::word).toList())
                + " and "
                + ALL);
      }
      found.stream().filter(kind -> !kinds.contains(kind)).forEach(kinds::add);
    }
    return kinds;
  }

  private boolean isMeantBy(String word) {
    return word.equals(ALL)
        || word.equals(word())
        || word.endsWith("*") && word().startsWith(word.substring(0, word.length() - 1));
  }
}
