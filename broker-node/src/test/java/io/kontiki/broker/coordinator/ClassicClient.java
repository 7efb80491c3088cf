package io.kontiki.broker.coordinator;

import io.kontiki.broker.group.ClassicGroups.Join;
import io.kontiki.broker.group.ClassicGroups.Joined;
import io.kontiki.broker.group.ClassicGroups.Leaver;
import io.kontiki.broker.group.ClassicGroups.Offer;
import io.kontiki.broker.group.ClassicGroups.Peer;
import io.kontiki.broker.group.ClassicGroups.Speaker;
import io.kontiki.broker.group.ClassicGroups.Sync;
import io.kontiki.broker.group.ClassicGroups.Synced;
import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.ClassicMember;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.Opaque;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** A consumer as Kafka's are, on virtual time: joins, assigns if it leads, beats, joins again. */
final class ClassicClient {
  private static final long NET_NANOS = 1_000_000;
  private static final long BEAT_NANOS = 300_000_000;

  /** What all members of a group have seen, and what must hold of it. */
  static final class Book {
    final TreeMap<Integer, String> leaders = new TreeMap<>();
    final TreeMap<Integer, TreeMap<String, Integer>> plans = new TreeMap<>();
    int newest;
    int commits;

    private void assigns(int generation, String memberId) {
      String before = leaders.putIfAbsent(generation, memberId);
      if (before != null && !before.equals(memberId)) {
        throw new AssertionError(
            "generation " + generation + " has two leaders: " + before + ", " + memberId);
      }
    }

    private void planned(int generation, TreeMap<String, Integer> plan) {
      TreeMap<String, Integer> before = plans.putIfAbsent(generation, plan);
      if (before != null && !before.equals(plan)) {
        throw new AssertionError("generation " + generation + " is assigned twice");
      }
    }

    private void synced(int generation, String memberId, int share) {
      TreeMap<String, Integer> plan = plans.get(generation);
      if (plan == null || plan.getOrDefault(memberId, 0) != share) {
        throw new AssertionError(
            memberId + " got " + share + " in generation " + generation + ", of " + plan);
      }
      newest = Math.max(newest, generation);
    }
  }

  private final TestShard shard;
  private final Book book;
  private final IntSupplier coordinator;
  private final String name;
  private final PartitionId partition;
  boolean supported = true;
  List<Offer> offers = List.of(offer("range", 1), offer("sticky", 2));
  String memberId = "";
  int generation = -1;

  /** What its leader gave it in this generation; -1: nothing yet. */
  int share = -1;

  boolean dead;
  boolean leaderNow;
  final List<Refusal> refusals = new ArrayList<>();
  private int attempt;

  /**
   * @param name static; empty: dynamic
   * @param coordinator whom it takes for it
   */
  ClassicClient(
      TestShard shard, Book book, String name, PartitionId partition, IntSupplier coordinator) {
    this.shard = shard;
    this.book = book;
    this.name = name;
    this.partition = partition;
    this.coordinator = coordinator;
  }

  static Offer offer(String protocol, int word) {
    return new Offer(protocol, Opaque.of(new byte[] {(byte) word}), List.of("orders"));
  }

  ClassicClient start() {
    join();
    return this;
  }

  /** Dies without a word. */
  void kill() {
    dead = true;
  }

  private ClassicDesk desk() {
    return shard.node(coordinator.getAsInt()).coordinator.classic();
  }

  private void later(long nanos, Runnable task) {
    shard.loop.schedule(
        nanos,
        () -> {
          if (!dead) {
            task.run();
          }
        });
  }

  /** An answer counts only for the attempt that asked. */
  private <T> Completion<ClassicReply<T>> back(Completion<ClassicReply<T>> completion) {
    int asked = attempt;
    return reply ->
        later(
            NET_NANOS,
            () -> {
              if (asked == attempt) {
                completion.complete(reply);
              }
            });
  }

  private void join() {
    attempt++;
    share = -1;
    leaderNow = false;
    Join join =
        new Join(
            TestShard.GROUP,
            memberId,
            name,
            "client",
            "host",
            "consumer",
            offers,
            3_000,
            5_000,
            true,
            supported);
    later(NET_NANOS, () -> desk().join(join, back(this::joined)));
    int asked = attempt;
    later(
        20_000_000_000L,
        () -> {
          if (asked == attempt && share < 0) {
            join(); // as a client whose request has timed out
          }
        });
  }

  private void joined(ClassicReply<Joined> reply) {
    if (reply instanceof ClassicReply.No<Joined> no) {
      if (no.why() == Refusal.MEMBER_ID_REQUIRED) {
        memberId = no.memberId();
        join();
      } else {
        refused(no.why());
      }
      return;
    }
    Joined joined = ((ClassicReply.Ok<Joined>) reply).value();
    memberId = joined.memberId();
    generation = joined.generation();
    TreeMap<String, ClassicMember.Assigned> assignments = new TreeMap<>();
    leaderNow = joined.leader().equals(memberId) && !joined.skip();
    if (leaderNow) {
      book.assigns(generation, memberId);
      TreeMap<String, Integer> plan = new TreeMap<>();
      int next = 1;
      for (Peer peer : joined.members()) {
        plan.put(peer.name().isEmpty() ? peer.memberId() : peer.name(), next);
        assignments.put(
            peer.memberId(),
            new ClassicMember.Assigned(
                Opaque.of(new byte[] {(byte) next}), new TreeSet<>(List.of(partition))));
        next++;
      }
      if (!plan.containsKey(key())) {
        throw new AssertionError("the leader is no member: " + joined);
      }
      book.planned(generation, plan);
    }
    Sync sync = new Sync(who(), "consumer", joined.protocol(), assignments);
    later(NET_NANOS, () -> desk().sync(sync, back(this::synced)));
  }

  /** A static member keeps its share whatever its id is. */
  private String key() {
    return name.isEmpty() ? memberId : name;
  }

  private Speaker who() {
    return new Speaker(TestShard.GROUP, memberId, name, generation);
  }

  private void synced(ClassicReply<Synced> reply) {
    if (reply instanceof ClassicReply.Ok<Synced> ok) {
      byte[] bytes = ok.value().assignment().toBytes();
      share = bytes.length == 0 ? 0 : bytes[0];
      book.synced(generation, key(), share);
      beat();
    } else {
      refused(((ClassicReply.No<Synced>) reply).why());
    }
  }

  private void beat() {
    int asked = attempt;
    later(
        BEAT_NANOS,
        () -> {
          if (asked == attempt) {
            desk().heartbeat(who(), back(this::beaten));
          }
        });
  }

  private void beaten(ClassicReply<Boolean> reply) {
    if (reply instanceof ClassicReply.No<Boolean> no
        && no.why() != Refusal.NOT_COORDINATOR
        && no.why() != Refusal.LOADING
        && no.why() != Refusal.UNAVAILABLE) {
      refused(no.why());
    } else {
      beat();
    }
  }

  private void refused(Refusal why) {
    refusals.add(why);
    attempt++;
    share = -1;
    if (why == Refusal.UNKNOWN_MEMBER || why == Refusal.ILLEGAL_GENERATION) {
      memberId = why == Refusal.UNKNOWN_MEMBER ? "" : memberId;
      generation = -1;
    }
    if (why != Refusal.OTHER_PROTOCOL && why != Refusal.FENCED_INSTANCE) {
      later(100_000_000, this::join);
    }
  }

  /** Commits in the generation that it believes to be in. */
  void commit(long offset) {
    if (share < 0) {
      return;
    }
    later(0, () -> commitNow(offset));
  }

  private void commitNow(long offset) {
    int in = generation;
    boolean late = in < book.newest;
    desk()
        .commit(
            who(),
            List.of(new OffsetCommit(partition, offset, -1, "", true)),
            reply -> {
              if (reply instanceof ClassicReply.Ok<GroupAnswer.Committed>) {
                book.commits++;
                if (late) {
                  throw new AssertionError(
                      "a commit of generation " + in + " counts behind " + book.newest);
                }
              }
            });
  }

  void leave() {
    attempt++;
    share = -1;
    later(
        0,
        () -> {
          desk().leave(TestShard.GROUP, List.of(new Leaver(memberId, name)), reply -> {});
          dead = true;
        });
  }

  @Nullable Refusal lastRefusal() {
    return refusals.isEmpty() ? null : refusals.get(refusals.size() - 1);
  }
}
