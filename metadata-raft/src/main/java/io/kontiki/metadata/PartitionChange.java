package io.kontiki.metadata;

import io.kontiki.metadata.BrokerImage.State;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * One partition's entry while a command changes it. Not thread-safe; lives as long as the command.
 *
 * <p>Keeps, at every {@link #build}: ISR, ELR and lastKnownElr are disjoint; ELR and lastKnownElr
 * are empty when ISR >= min ISR (R18); a leader is in the ISR; whoever leaves an ISR that is below
 * min ISR becomes a candidate, so that an ISR never empties without one (R19).
 */
final class PartitionChange {
  private final PartitionImage before;
  private int minIsr;
  private List<Integer> replicas;
  private List<Integer> adding;
  private List<Integer> removing;
  private List<Integer> original;
  private List<Integer> isr;
  private List<Integer> elr;
  private List<Integer> lastKnownElr;
  private int leader;
  private boolean burnt;
  private boolean newEpoch;
  private boolean recovered;

  /** The leader was replaced at its own wish: it is not to be put back, who leads now may drain. */
  private boolean resigned;

  PartitionChange(PartitionImage before, int minIsr) {
    this.before = before;
    this.minIsr = minIsr;
    this.replicas = before.replicas();
    this.adding = before.adding();
    this.removing = before.removing();
    this.original = before.original();
    this.isr = before.isr();
    this.elr = before.elr();
    this.lastKnownElr = before.lastKnownElr();
    this.leader = before.leader();
  }

  /** A new in-sync set; who leaves it below min ISR goes to the ELR (R18). */
  void setIsr(List<Integer> members) {
    List<Integer> next = sorted(members);
    List<Integer> candidates = new ArrayList<>(elr);
    candidates.addAll(isr);
    candidates.removeAll(next);
    isr = next;
    elr = sorted(candidates);
    lastKnownElr = without(lastKnownElr, next);
    settle();
  }

  /** These cannot read all of their logs: no election trusts them (D9). */
  void notEligible(List<Integer> damaged) {
    elr = without(elr, damaged);
  }

  /** The broker is fenced: it leaves the ISR, whatever else happens (R2). */
  void leaveIsr(int broker) {
    if (isr.contains(broker)) {
      setIsr(without(isr, List.of(broker)));
    }
  }

  /** The broker may have lost bytes: its ELR place becomes one in lastKnownElr (R3). */
  void leaveElr(int broker) {
    if (elr.contains(broker)) {
      elr = without(elr, List.of(broker));
      List<Integer> more = new ArrayList<>(lastKnownElr);
      more.add(broker);
      lastKnownElr = sorted(more);
    }
  }

  /** The broker's disk is gone: it is no candidate any more (R35). */
  void forget(int broker) {
    List<Integer> gone = List.of(broker);
    leaveIsr(broker);
    elr = without(elr, gone);
    lastKnownElr = without(lastKnownElr, gone);
  }

  /** Only the partition epoch grows: no other copy of a refused change can be applied (R17). */
  void burnEpoch() {
    burnt = true;
  }

  /**
   * Another min ISR counts from now on. A leader that knows a lower one would go on alone where the
   * ELR trusts that nobody does (R18): the present leader gets a new epoch, in which it can only
   * act on an image with the new number.
   */
  void onMinIsr(boolean raised) {
    settle();
    newEpoch |= raised && leader != PartitionImage.NO_LEADER;
  }

  /** The successor leads, or else another member of the ISR that may, if there is one (R38). */
  boolean resign(int successor, IntFunction<State> states) {
    int next = choose(replica -> replica != leader && isr.contains(replica), successor, states);
    if (next != PartitionImage.NO_LEADER) {
      leader = next;
      resigned = true;
    }
    return next != PartitionImage.NO_LEADER;
  }

  /**
   * A leader that cannot read all of its log is followed by an active member of the ELR, which
   * thereby is the ISR (D9): it holds every committed record, and below min ISR nothing has been
   * committed since it is eligible (R10, R18). The damaged replica is no candidate any more, the
   * rest of the ISR is eligible; before, {@link #resign} has looked for a member of the ISR.
   */
  boolean resignToEligible(int successor, IntFunction<State> states) {
    int next = choose(elr::contains, successor, states);
    if (next == PartitionImage.NO_LEADER) {
      return false;
    }
    List<Integer> damaged = List.of(leader);
    leader = next;
    setIsr(List.of(next));
    notEligible(damaged);
    return true;
  }

  /**
   * The broker leads in place of another, if it is an active member of the ISR (R43). A partition
   * without a leader is a matter of {@link #elect}.
   */
  boolean moveTo(int broker, IntFunction<State> states) {
    if (leader == PartitionImage.NO_LEADER
        || leader == broker
        || !isr.contains(broker)
        || states.apply(broker) != State.ACTIVE) {
      return false;
    }
    leader = broker;
    return true;
  }

  /**
   * Chooses a leader (R19): the present one while it may lead; else the first replica that is in
   * the ISR and active; else, if the ISR is empty, the first of the ELR, which thereby is the ISR.
   * A draining broker is chosen only where no active one can be (R47). A stopping broker is never
   * chosen, but goes on where nobody else can (R7).
   */
  void elect(IntFunction<State> states) {
    State now = isr.contains(leader) ? states.apply(leader) : State.FENCED;
    if (now == State.ACTIVE || resigned && now == State.DRAINING) {
      return;
    }
    int next = choose(isr::contains, leader, states);
    if (next != PartitionImage.NO_LEADER) {
      leader = next;
      return;
    }
    if (now == State.STOPPING) {
      return;
    }
    leader = PartitionImage.NO_LEADER;
    if (!isr.isEmpty()) {
      return;
    }
    next = choose(elr::contains, PartitionImage.NO_LEADER, states);
    if (next != PartitionImage.NO_LEADER) {
      leader = next;
      isr = List.of(next);
      elr = without(elr, isr);
      settle();
    }
  }

  /**
   * Of these the wanted one if it is active, else the first active one, else the same of those that
   * are draining; or {@link PartitionImage#NO_LEADER}.
   */
  private int choose(IntPredicate which, int wanted, IntFunction<State> states) {
    int chosen = choose(which, wanted, states, State.ACTIVE);
    return chosen != PartitionImage.NO_LEADER
        ? chosen
        : choose(which, wanted, states, State.DRAINING);
  }

  private int choose(IntPredicate which, int wanted, IntFunction<State> states, State state) {
    int chosen = PartitionImage.NO_LEADER;
    for (int replica : replicas) {
      if (which.test(replica)
          && states.apply(replica) == state
          && (chosen == PartitionImage.NO_LEADER || replica == wanted)) {
        chosen = replica;
      }
    }
    return chosen;
  }

  /**
   * The replicas shall be these (rule R34): those that come are there at once, outside the in-sync
   * set, and those that go stay until {@link #finish}. A further call while one is under way aims
   * anew, from the same original; back to that it is a cancellation.
   */
  void reassign(List<Integer> target) {
    List<Integer> from = before.reassigning() ? before.original() : before.replicas();
    adding = without(target, from);
    removing = without(before.replicas(), target);
    List<Integer> all = new ArrayList<>(target);
    all.addAll(removing);
    replicas = List.copyOf(all);
    original = adding.isEmpty() && removing.isEmpty() ? List.of() : from;
  }

  /**
   * What goes is gone; only if {@link TopicImage#canShrink} and a replica that stays leads. With it
   * the leader epoch grows: positions of who was a replica once are void (rules R11, R20).
   */
  void finish(int minIsrThen) {
    newEpoch |= !removing.isEmpty() || minIsrThen > minIsr;
    minIsr = minIsrThen;
    replicas = before.target();
    isr = without(isr, removing);
    elr = without(elr, removing);
    lastKnownElr = without(lastKnownElr, removing);
    adding = List.of();
    removing = List.of();
    original = List.of();
    settle();
  }

  /**
   * A leader that may lack acknowledged records (rule R19): of the active members of lastKnownElr
   * the one with the longest log that was reported; else the first active replica that is not just
   * being brought. What the others hold beyond it is lost, so nobody else is a candidate any more.
   *
   * @return whether there is one
   */
  boolean electUnclean(List<LogEndReport> reports, IntFunction<State> states) {
    LogEndReport best = null;
    for (int replica : replicas) {
      LogEndReport report = lastKnownElr.contains(replica) ? of(replica, reports) : null;
      if (report != null
          && states.apply(replica).inService()
          && (best == null || report.beyond(best))) {
        best = report;
      }
    }
    int none = PartitionImage.NO_LEADER;
    int chosen = best != null ? best.brokerId() : choose(lastKnownElr::contains, none, states);
    if (chosen == none) {
      chosen = choose(replica -> !adding.contains(replica), none, states);
    }
    if (chosen == PartitionImage.NO_LEADER) {
      return false;
    }
    leader = chosen;
    isr = List.of(chosen);
    elr = List.of();
    lastKnownElr = List.of();
    return true;
  }

  /** Whether only balanced recovery can give it a leader (R19). */
  boolean awaitsRecovery() {
    return leader == PartitionImage.NO_LEADER
        && isr.isEmpty()
        && elr.isEmpty()
        && !lastKnownElr.isEmpty();
  }

  /**
   * Balanced recovery (R19): when every member of lastKnownElr is active and has reported, the
   * longest log leads; among equals the first replica.
   *
   * @param reports of present broker epochs only
   */
  void recover(List<LogEndReport> reports, IntFunction<State> states) {
    if (reports.isEmpty() || !awaitsRecovery()) {
      return;
    }
    LogEndReport best = null;
    for (int replica : replicas) {
      if (!lastKnownElr.contains(replica)) {
        continue;
      }
      LogEndReport report = of(replica, reports);
      if (report == null || !states.apply(replica).inService()) {
        return;
      }
      if (best == null || report.beyond(best)) {
        best = report;
      }
    }
    if (best != null) {
      leader = best.brokerId();
      isr = List.of(leader);
      lastKnownElr = List.of();
      recovered = true;
    }
  }

  boolean recovered() {
    return recovered;
  }

  /** The entry as it is now: the same object if nothing changed. */
  PartitionImage build() {
    boolean changed =
        burnt
            || newEpoch
            || leader != before.leader()
            || !isr.equals(before.isr())
            || !elr.equals(before.elr())
            || !lastKnownElr.equals(before.lastKnownElr())
            || !replicas.equals(before.replicas())
            || !removing.equals(before.removing())
            || !original.equals(before.original());
    if (!changed) {
      return before;
    }
    return new PartitionImage(
        replicas,
        leader,
        before.leaderEpoch() + (newEpoch || leader != before.leader() ? 1 : 0),
        before.partitionEpoch() + 1,
        isr,
        elr,
        lastKnownElr,
        adding,
        removing,
        original);
  }

  private void settle() {
    if (isr.size() >= minIsr) {
      elr = List.of();
      lastKnownElr = List.of();
    }
  }

  private static @Nullable LogEndReport of(int broker, List<LogEndReport> reports) {
    for (LogEndReport report : reports) {
      if (report.brokerId() == broker) {
        return report;
      }
    }
    return null;
  }

  private static List<Integer> without(List<Integer> from, List<Integer> gone) {
    if (Collections.disjoint(from, gone)) {
      return from;
    }
    List<Integer> rest = new ArrayList<>(from);
    rest.removeAll(gone);
    return List.copyOf(rest);
  }

  private static List<Integer> sorted(List<Integer> ids) {
    List<Integer> copy = new ArrayList<>(ids);
    Collections.sort(copy);
    return List.copyOf(copy);
  }
}
