package io.kontiki.group.assign;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Deals partitions out evenly. With equal subscriptions no member has two more than another, and
 * with the present owners given no assignment that is as even moves fewer. With different
 * subscriptions partitions go on, along chains of members if need be, until none can be relieved by
 * one that has two less; then fewest moves are not promised.
 */
public final class EvenAssignor {
  // Elementary steps of relieving members with different subscriptions. Far above what groups need;
  // beyond it the result is less even, on all replicas alike, and the apply thread goes on.
  private static final long STEPS = 50_000_000;

  private final Subscribers subscribers;
  private final int[][] owners;
  private final int[][] subscribed;
  private final int[] load;
  private long steps = STEPS;

  private EvenAssignor(Subscribers subscribers) {
    this.subscribers = subscribers;
    owners = subscribers.nothing();
    subscribed = new int[owners.length][];
    for (int t = 0; t < owners.length; t++) {
      subscribed[t] = subscribers.of(subscribers.topics().get(t));
    }
    load = new int[subscribers.members().size()];
  }

  /** What a member has, for {@link #sticky}. */
  public interface Present {
    /** Who has it; null: nobody. */
    @Nullable String owner(PartitionId partition);

    /** Who is to get it next, if it is on its way; else null. */
    @Nullable String next(PartitionId partition);
  }

  /** Even, whoever has what now. */
  public static SortedMap<TopicId, List<String>> uniform(Subscribers subscribers) {
    EvenAssignor assignor = new EvenAssignor(subscribers);
    return subscribers.named(assignor.balanced(null));
  }

  /** Even, with few moves away from the present owners. */
  public static SortedMap<TopicId, List<String>> sticky(Subscribers subscribers, Present present) {
    EvenAssignor assignor = new EvenAssignor(subscribers);
    return subscribers.named(assignor.balanced(present));
  }

  private int[][] balanced(@Nullable Present present) {
    if (load.length == 0) {
      return owners;
    }
    int[][] next = subscribers.nothing();
    if (present != null) {
      keep(present, next);
    }
    if (equalSubscriptions()) {
      takeExcess(next);
      deal(next, new LeastLoaded(subscribers.members().size()));
    } else {
      deal(next, null);
      relieve();
    }
    return owners;
  }

  private boolean equalSubscriptions() {
    for (int[] members : subscribed) {
      if (members.length != load.length) {
        return false;
      }
    }
    return true;
  }

  private void keep(Present present, int[][] next) {
    // Looked up only; never iterated.
    Map<String, Integer> numbers = new HashMap<>();
    for (int i = 0; i < load.length; i++) {
      numbers.put(subscribers.members().get(i), i);
    }
    for (int t = 0; t < owners.length; t++) {
      TopicId topic = subscribers.topics().get(t).id();
      for (int p = 0; p < owners[t].length; p++) {
        PartitionId id = new PartitionId(topic, p);
        int owner = wanting(numbers.get(present.owner(id)), topic);
        if (owner >= 0) {
          owners[t][p] = owner;
          load[owner]++;
        }
        next[t][p] = wanting(numbers.get(present.next(id)), topic);
      }
    }
  }

  private int wanting(@Nullable Integer member, TopicId topic) {
    return member != null && subscribers.wanted().get(member).contains(topic) ? member : -1;
  }

  /**
   * Those who have most keep one more than the others, where the division leaves a rest. What is on
   * its way already is given up first, then the highest numbers.
   */
  private void takeExcess(int[][] next) {
    int all = 0;
    for (int[] topic : owners) {
      all += topic.length;
    }
    int[] excess = new int[load.length];
    int rest = all % load.length;
    for (int member : byLoad()) {
      excess[member] = Math.max(0, load[member] - all / load.length - (rest > 0 ? 1 : 0));
      rest--;
    }
    for (int pass = 0; pass < 2; pass++) {
      for (int t = owners.length - 1; t >= 0; t--) {
        for (int p = owners[t].length - 1; p >= 0; p--) {
          int owner = owners[t][p];
          boolean going = owner >= 0 && next[t][p] >= 0 && next[t][p] != owner;
          if (owner >= 0 && excess[owner] > 0 && (pass == 1 || going)) {
            excess[owner]--;
            load[owner]--;
            owners[t][p] = -1;
          }
        }
      }
    }
  }

  /** Numbers of the members, most loaded first, then in their order. */
  private int[] byLoad() {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < load.length; i++) {
      order.add(i);
    }
    order.sort(Comparator.comparingInt((Integer i) -> -load[i]).thenComparing(i -> i));
    return order.stream().mapToInt(i -> i).toArray();
  }

  /** What nobody has goes to whom it was promised while that one has least, else to the least. */
  private void deal(int[][] next, @Nullable LeastLoaded ofAll) {
    for (int t = 0; t < owners.length; t++) {
      LeastLoaded least = ofAll;
      for (int p = 0; p < owners[t].length && subscribed[t].length > 0; p++) {
        if (owners[t][p] < 0) {
          least = least == null ? new LeastLoaded(subscribed[t]) : least;
          int first = least.first();
          int promised = next[t][p];
          int to = promised >= 0 && load[promised] <= load[first] ? promised : first;
          owners[t][p] = to;
          load[to]++;
          least.grew(to);
        }
      }
    }
  }

  /** A heap of members by load, then by number; entries go stale and are dropped when met. */
  private final class LeastLoaded {
    private final PriorityQueue<long[]> queue =
        new PriorityQueue<>(
            Comparator.<long[]>comparingLong(entry -> entry[0]).thenComparingLong(e -> e[1]));

    LeastLoaded(int members) {
      for (int member = 0; member < members; member++) {
        grew(member);
      }
    }

    LeastLoaded(int[] members) {
      for (int member : members) {
        grew(member);
      }
    }

    void grew(int member) {
      queue.add(new long[] {load[member], member});
    }

    int first() {
      while (true) {
        long[] entry = queue.element();
        if (entry[0] == load[(int) entry[1]]) {
          return (int) entry[1];
        }
        queue.remove();
      }
    }
  }

  /** Moves partitions along chains until no member can be relieved by one that has two less. */
  private void relieve() {
    int[][] held = new int[owners.length][load.length];
    for (int t = 0; t < owners.length; t++) {
      for (int owner : owners[t]) {
        if (owner >= 0) {
          held[t][owner]++;
        }
      }
    }
    boolean moved = true;
    while (moved && steps > 0) {
      moved = false;
      for (int member : byLoad()) {
        while (relieve(member, held)) {
          moved = true;
        }
      }
    }
  }

  /** One partition less for the member, one more for another that has two less. */
  private boolean relieve(int from, int[][] held) {
    int[] via = new int[load.length];
    int[] before = new int[load.length];
    Arrays.fill(before, -1);
    boolean[] topicSeen = new boolean[owners.length];
    ArrayDeque<Integer> open = new ArrayDeque<>();
    open.add(from);
    before[from] = from;
    while (!open.isEmpty() && steps > 0) {
      int member = open.remove();
      for (int t = 0; t < owners.length; t++) {
        steps--;
        if (topicSeen[t] || held[t][member] == 0) {
          continue;
        }
        topicSeen[t] = true;
        for (int other : subscribed[t]) {
          steps--;
          if (before[other] >= 0) {
            continue;
          }
          before[other] = member;
          via[other] = t;
          if (load[other] <= load[from] - 2) {
            shift(from, other, before, via, held);
            return true;
          }
          open.add(other);
        }
      }
    }
    return false;
  }

  private void shift(int from, int to, int[] before, int[] via, int[][] held) {
    for (int member = to; member != from; member = before[member]) {
      int t = via[member];
      int giver = before[member];
      int p = owners[t].length - 1;
      while (owners[t][p] != giver) {
        p--;
      }
      steps -= owners[t].length - p;
      owners[t][p] = member;
      held[t][giver]--;
      held[t][member]++;
    }
    load[from]--;
    load[to]++;
  }
}
