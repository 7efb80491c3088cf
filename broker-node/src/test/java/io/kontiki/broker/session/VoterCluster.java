package io.kontiki.broker.session;

import io.kontiki.broker.session.Forming.Hello;
import io.kontiki.broker.session.Forming.Known;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.FormCluster;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Voters with {@link Forming} and {@link Admission} over a small Raft of their own, in virtual
 * time: messages are late and lost, processes stop and start, disks are lost. What has been
 * committed anywhere is remembered, and a different entry at the same index is a violation.
 */
final class VoterCluster {
  private static final String LIST = "the list";
  final Random random;
  final int size;
  final TreeMap<Integer, Node> nodes = new TreeMap<>();

  /** Processes on disks that were replaced: they speak, but nobody calls them. */
  final List<Node> ghosts = new ArrayList<>();

  /** N8: a voter that lost its disk starts at once, as if it had never had one. */
  boolean naive;

  double loss = 0.05;
  long ms;
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final List<Entry> committed = new ArrayList<>();
  private final Map<Long, String> leaders = new HashMap<>();
  private long ids;

  VoterCluster(long seed, int size) {
    this.random = new Random(seed);
    this.size = size;
    for (int id = 1; id <= size; id++) {
      nodes.put(id, new Node(id, new Disk(uid())));
    }
  }

  /** What a promise was broken by. */
  static final class Violation extends AssertionError {
    private static final long serialVersionUID = 1;

    Violation(String what) {
      super(what);
    }
  }

  private record Event(long at, long order, Runnable task) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      int byTime = Long.compare(at, other.at);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  /** With a configuration, a command, or neither. */
  record Entry(
      long term, @Nullable TreeSet<Integer> configuration, @Nullable MetadataCommand command) {}

  /** What survives a stop. */
  static final class Disk {
    final Uid directory;
    final List<Entry> log = new ArrayList<>();
    long term;
    int votedFor;
    @Nullable SortedMap<Integer, Uid> formingSet;
    long admittedIndex;

    Disk(Uid directory) {
      this.directory = directory;
    }
  }

  Uid uid() {
    return new Uid(99, ++ids);
  }

  int majority() {
    return size / 2 + 1;
  }

  private Now now() {
    return new Now(ms * 1_000_000, ms);
  }

  private void at(long delay, Runnable task) {
    events.add(new Event(ms + delay, ++ids, task));
  }

  /** Lets time pass. */
  void run(long untilMs) {
    while (!events.isEmpty() && events.peek().at <= untilMs) {
      Event next = events.remove();
      ms = Math.max(ms, next.at);
      next.task.run();
    }
    ms = untilMs;
  }

  /** The newest image that any voter has applied. */
  ClusterImage newest() {
    ClusterImage newest = ClusterImage.EMPTY;
    for (Node node : nodes.values()) {
      newest = node.image.index() > newest.index() ? node.image : newest;
    }
    return newest;
  }

  /** The last configuration that was committed anywhere. */
  TreeSet<Integer> committedConfiguration() {
    TreeSet<Integer> last = new TreeSet<>();
    for (Entry entry : committed) {
      last = entry.configuration() == null ? last : entry.configuration();
    }
    return last;
  }

  /** Index of the last committed configuration that was not the one before. */
  private int lastChange() {
    TreeSet<Integer> last = new TreeSet<>();
    int change = 1;
    for (int i = 0; i < committed.size(); i++) {
      TreeSet<Integer> found = committed.get(i).configuration();
      if (found != null && !found.equals(last)) {
        last = found;
        change = i + 1;
      }
    }
    return change;
  }

  long committedEntries() {
    return committed.size();
  }

  /**
   * Whether every voter is on record with its disk, belongs to the configuration, and knows that:
   * one that still has the configuration without another does not let that one lead, so the next
   * disk must not be lost before (M16).
   */
  boolean whole() {
    ClusterImage image = newest();
    int change = lastChange();
    return image.formed()
        && committedConfiguration().size() == size
        && nodes.values().stream()
            .allMatch(
                node ->
                    node.disk.log.size() >= change
                        && node.disk.log.get(change - 1).equals(committed.get(change - 1))
                        && node.disk.directory.equals(
                            Objects.requireNonNull(image.voters().get(node.id)).directoryId()));
  }

  private void committed(int index, Entry entry) {
    if (committed.size() < index) {
      committed.add(entry);
    } else if (!committed.get(index - 1).equals(entry)) {
      throw new Violation(
          "at "
              + ms
              + " ms: entry "
              + index
              + " was "
              + committed.get(index - 1)
              + ", now "
              + entry);
    }
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("at " + ms + " ms");
    text.append(", committed configuration ").append(committedConfiguration());
    text.append(", on record ").append(newest().voters().values());
    for (Node node : nodes.values()) {
      text.append("; node ").append(node.id).append(node.up ? "" : " (down)");
      text.append(" of ").append(node.disk.directory).append(" term ").append(node.disk.term);
      text.append(" log ").append(node.disk.log.size()).append(" commit ").append(node.commit);
      text.append(node.leads ? " leads" : "");
      text.append(node.forming == null ? "" : " " + node.forming.situation());
      text.append(", forming set ").append(node.disk.formingSet);
    }
    return text.toString();
  }

  /** One voter's process, or none. */
  final class Node {
    final int id;
    Disk disk;
    boolean up;

    // Of one process.
    private long life;
    private Uid incarnation = Uid.NONE;
    private @Nullable Forming forming;
    private Admission admission;
    boolean leads;
    private boolean led;
    private int commit;
    private int applied;
    ClusterImage image = ClusterImage.EMPTY;
    private long electAt;
    private final TreeSet<Integer> votes = new TreeSet<>();
    private final TreeMap<Integer, Integer> next = new TreeMap<>();
    private final TreeMap<Integer, Integer> match = new TreeMap<>();
    private final TreeMap<Integer, Consumer<Boolean>> waiting = new TreeMap<>();

    Node(int id, Disk disk) {
      this.id = id;
      this.disk = disk;
      this.admission = new Admission(id, disk.directory);
    }

    void start() {
      up = true;
      life = ++ids;
      incarnation = uid();
      forming = null;
      admission = new Admission(id, disk.directory);
      leads = false;
      led = false;
      commit = 0;
      applied = 0;
      image = ClusterImage.EMPTY;
      votes.clear();
      waiting.clear();
      if (naive && disk.formingSet == null && newest().formed()) {
        disk.formingSet = new TreeMap<>(Map.of(id, disk.directory));
      }
      if (disk.formingSet == null) {
        Forming.Self self = new Forming.Self(id, disk.directory, incarnation, Uid.NONE, LIST);
        forming = new Forming(BrokerSessionTest.TIMING, self, List.copyOf(nodes.keySet()));
      }
      electLater();
      tick(life);
    }

    void stop() {
      up = false;
      life = 0;
    }

    private void tick(long ofLife) {
      if (ofLife != life) {
        return;
      }
      if (forming != null) {
        run(forming.onTick(now()));
      } else if (leads) {
        replicate();
        if (led) {
          admit(admission.onTick(configuration(commit), now()));
        }
      } else if (ms >= electAt) {
        stand();
      } else {
        VoterImage own = image.voters().get(id);
        if (own != null && own.directoryId() == null) {
          nodes.keySet().forEach(voter -> hello(voter, true, true, answer -> {}));
        }
      }
      at(20 + random.nextInt(60), () -> tick(ofLife));
    }

    // ---- Messages: lost, late, and void if either process ended meanwhile.

    private <T> void call(int to, java.util.function.Function<Node, T> question, Consumer<T> end) {
      Node there = Objects.requireNonNull(nodes.get(to));
      long from = life;
      if (random.nextDouble() < loss) {
        return;
      }
      at(
          1 + random.nextInt(40),
          () -> {
            if (!there.up) {
              return;
            }
            T answer = question.apply(there);
            if (random.nextDouble() >= loss) {
              at(
                  1 + random.nextInt(40),
                  () -> {
                    if (from == life) {
                      end.accept(answer);
                    }
                  });
            }
          });
    }

    // ---- Forming and admission

    private void hello(int to, boolean seeks, boolean votes, Consumer<Hello> end) {
      Uid directory = disk.directory;
      call(to, there -> there.answer(id, directory, seeks, votes), end);
    }

    private Hello answer(int asker, Uid directory, boolean seeks, boolean asVoter) {
      TreeMap<Integer, Known> known = new TreeMap<>();
      TreeSet<Integer> members = configuration(commit);
      if (image.formed()) {
        image
            .voters()
            .forEach(
                (voter, found) ->
                    known.put(
                        voter,
                        new Known(
                            Objects.requireNonNullElse(found.directoryId(), Uid.NONE),
                            members.contains(voter))));
      } else if (forming == null) {
        disk.formingSet.forEach((voter, found) -> known.put(voter, new Known(found, true)));
      }
      Admission.Answer told = seeks ? admission.onSeek(asker, directory, asVoter, now()) : null;
      return new Hello(
          id,
          disk.directory,
          incarnation,
          image.clusterId(),
          LIST,
          known,
          image.formed() ? image.index() : 0,
          told == null ? "" : told.why(),
          told != null && told.refused());
    }

    private void run(List<Forming.Action> actions) {
      for (Forming.Action action : actions) {
        if (action instanceof Forming.Action.SendHello ask) {
          hello(
              ask.voterId(),
              ask.seeks(),
              false,
              answer -> {
                if (forming != null) {
                  run(forming.onHello(ask.voterId(), answer, now()));
                }
              });
        } else if (action instanceof Forming.Action.Start start) {
          disk.formingSet = start.formingSet();
          disk.admittedIndex = start.admittedIndex();
          forming = null;
          electLater();
        } else if (ghosts.stream().anyMatch(ghost -> ghost.up && ghost.id == id)) {
          stop(); // the old process still leads, and says so
          return;
        } else {
          throw new Violation("node " + id + ": " + action);
        }
      }
    }

    private void admit(List<Admission.Action> actions) {
      for (Admission.Action action : actions) {
        if (action instanceof Admission.Action.Confirm confirm) {
          int voter = confirm.voterId();
          hello(
              voter,
              false,
              false,
              answer ->
                  admit(
                      admission.onConfirmed(
                          confirm.job(),
                          answer.directoryId(),
                          !answer.formingSet().isEmpty(),
                          now())));
          at(1_000, () -> admit(admission.onConfirmed(confirm.job(), null, false, now())));
        } else if (action instanceof Admission.Action.Remove remove) {
          change(remove.voterId(), false, remove.job());
        } else if (action instanceof Admission.Action.Add add) {
          change(add.voterId(), true, add.job());
        } else if (action instanceof Admission.Action.Admit admit) {
          LongConsumer unknown = job -> admit(admission.onProposed(job, false, "unknown", now()));
          if (admit.term() != disk.term) {
            unknown.accept(admit.job());
          } else {
            propose(
                new Entry(disk.term, null, admit.command()),
                done -> admit(admission.onProposed(admit.job(), done, "unknown", now())));
          }
        }
      }
    }

    private void change(int voter, boolean add, long job) {
      TreeSet<Integer> wanted = configuration(disk.log.size());
      boolean changes = add ? wanted.add(voter) : wanted.remove(voter);
      boolean settled = configuration(commit).equals(configuration(disk.log.size()));
      if (!leads || !led || !settled) {
        admit(admission.onChanged(job, false, "under way", now()));
      } else if (!changes) {
        admit(admission.onChanged(job, true, "", now()));
      } else {
        propose(
            new Entry(disk.term, wanted, null),
            done -> admit(admission.onChanged(job, done, "unknown", now())));
      }
    }

    // ---- Raft

    /** As of an index; the listed voters, or nobody, before the log says anything. */
    TreeSet<Integer> configuration(int index) {
      for (int i = Math.min(index, disk.log.size()); i > 0; i--) {
        TreeSet<Integer> found = disk.log.get(i - 1).configuration();
        if (found != null) {
          return new TreeSet<>(found);
        }
      }
      return disk.admittedIndex > 0 ? new TreeSet<>() : new TreeSet<>(nodes.keySet());
    }

    private TreeSet<Integer> configuration() {
      return configuration(disk.log.size());
    }

    private void electLater() {
      electAt = ms + 400 + random.nextInt(600);
    }

    private long lastTerm() {
      return disk.log.isEmpty() ? 0 : disk.log.get(disk.log.size() - 1).term();
    }

    private void follow(long term) {
      if (term > disk.term) {
        disk.term = term;
        disk.votedFor = 0;
      }
      if (leads) {
        leads = false;
        led = false;
        admission.onLeaderStop();
        List<Consumer<Boolean>> ended = List.copyOf(waiting.values());
        waiting.clear();
        ended.forEach(end -> end.accept(false));
      }
    }

    private void stand() {
      electLater();
      TreeSet<Integer> members = configuration();
      if (!members.contains(id)) {
        return;
      }
      disk.term++;
      disk.votedFor = id;
      votes.clear();
      votes.add(id);
      long term = disk.term;
      int last = disk.log.size();
      long lastTerm = lastTerm();
      if (votes.size() > members.size() / 2) {
        lead();
      }
      for (int voter : members) {
        if (voter != id) {
          call(
              voter,
              there -> there.vote(id, term, last, lastTerm),
              granted -> {
                if (granted && disk.term == term && !leads) {
                  votes.add(voter);
                  TreeSet<Integer> counted = configuration();
                  counted.retainAll(votes);
                  if (counted.size() > configuration().size() / 2) {
                    lead();
                  }
                }
              });
        }
      }
    }

    private boolean vote(int candidate, long term, int last, long lastTermThere) {
      if (forming != null || !configuration().contains(candidate) || term < disk.term) {
        return false;
      }
      if (term > disk.term) {
        follow(term);
      }
      boolean newer =
          lastTermThere > lastTerm() || (lastTermThere == lastTerm() && last >= disk.log.size());
      if (!newer || leads || (disk.votedFor != 0 && disk.votedFor != candidate)) {
        return false;
      }
      disk.votedFor = candidate;
      electLater();
      return true;
    }

    private void lead() {
      String other = leaders.put(disk.term, id + "/" + disk.directory);
      if (other != null && !other.equals(id + "/" + disk.directory)) {
        throw new Violation("term " + disk.term + " is led by " + other + " and " + id);
      }
      leads = true;
      next.clear();
      match.clear();
      propose(
          new Entry(disk.term, configuration(), null),
          done -> {
            if (done && leads) {
              led = true;
              admission.onLeaderStart(disk.term, image);
              form();
            }
          });
    }

    private void form() {
      if (image.formed() || !leads) {
        return;
      }
      List<VoterImage> voters = new ArrayList<>();
      nodes
          .keySet()
          .forEach(
              voter ->
                  voters.add(
                      new VoterImage(
                          voter, new Endpoint("host", voter), disk.formingSet.get(voter))));
      propose(new Entry(disk.term, null, new FormCluster(ms, uid(), 1, voters, 1)), done -> form());
    }

    void propose(Entry entry, Consumer<Boolean> end) {
      disk.log.add(entry);
      waiting.put(disk.log.size(), end);
      advance();
    }

    private void replicate() {
      TreeSet<Integer> members = configuration();
      for (int voter : members) {
        if (voter != id) {
          int from = Math.min(next.getOrDefault(voter, disk.log.size() + 1), disk.log.size() + 1);
          List<Entry> entries = List.copyOf(disk.log.subList(from - 1, disk.log.size()));
          long before = from > 1 ? disk.log.get(from - 2).term() : 0;
          long term = disk.term;
          int committedHere = commit;
          call(
              voter,
              there -> there.append(id, term, from - 1, before, entries, committedHere),
              held -> {
                if (held.term() > disk.term) {
                  follow(held.term());
                } else if (leads && disk.term == term) {
                  if (held.done()) {
                    match.merge(voter, held.end(), Math::max);
                    next.put(voter, held.end() + 1);
                    advance();
                  } else {
                    next.put(voter, Math.max(1, Math.min(from - 1, held.end() + 1)));
                  }
                }
              });
        }
      }
    }

    private Held append(
        int leader,
        long term,
        int before,
        long beforeTerm,
        List<Entry> entries,
        int committedThere) {
      if (forming != null || term < disk.term) {
        return new Held(false, disk.term, disk.log.size());
      }
      follow(term);
      electLater();
      if (before > disk.log.size()
          || (before > 0 && disk.log.get(before - 1).term() != beforeTerm)) {
        return new Held(false, disk.term, Math.min(disk.log.size(), before - 1));
      }
      for (int i = 0; i < entries.size(); i++) {
        int index = before + i + 1;
        if (disk.log.size() >= index && disk.log.get(index - 1).term() != entries.get(i).term()) {
          disk.log.subList(index - 1, disk.log.size()).clear();
        }
        if (disk.log.size() < index) {
          disk.log.add(entries.get(i));
        }
      }
      commit = Math.max(commit, Math.min(committedThere, before + entries.size()));
      apply();
      return new Held(true, disk.term, before + entries.size());
    }

    private void advance() {
      TreeSet<Integer> members = configuration();
      for (int index = disk.log.size(); index > commit; index--) {
        int end = index;
        long holders =
            members.stream()
                .filter(voter -> voter == id || match.getOrDefault(voter, 0) >= end)
                .count();
        if (disk.log.get(index - 1).term() == disk.term && holders > members.size() / 2) {
          commit = index;
          break;
        }
      }
      apply();
    }

    private void apply() {
      while (applied < commit) {
        Entry entry = disk.log.get(applied++);
        committed(applied, entry);
        if (entry.command() != null) {
          image = MetadataMachine.apply(image, applied, entry.command()).image();
          admission.onImage(image);
        }
        Consumer<Boolean> end = leads ? waiting.remove(applied) : null;
        if (end != null) {
          end.accept(true);
        }
      }
    }
  }

  private record Held(boolean done, long term, int end) {}
}
