package io.kontiki.chaos.simulation;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.LeadershipAdmin;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.ReassignmentAdmin;
import io.kontiki.broker.api.RecordDeletion;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.api.TopicAdmin;
import io.kontiki.broker.api.TopicChangeAdmin;
import io.kontiki.metadata.controller.Reassignments.Named;
import io.kontiki.metadata.controller.Reassignments.Wanted;
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.VirtualLoop;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** An administrator: asks any broker once, and does not insist. */
final class SimAdmin {
  private static final long MS = 1_000_000;
  private static final long TIMEOUT_MS = 8_000;
  private static final int MAX_BATCH = 1 << 20;

  private final World world;
  private final int id;
  private final SeededRandom random;
  private final VirtualLoop loop;
  private final TreeMap<Integer, ClientLink> links = new TreeMap<>();

  /** The calls that a broker serves. */
  static final class Calls {
    private final TopicAdmin topics;
    private final TopicChangeAdmin changes;
    private final ReassignmentAdmin moves;
    private final LeadershipAdmin leaders;
    private final RecordDeletion deletions;

    Calls(Metadata metadata, PartitionRequests requests, RandomSource random) {
      TopicCreation.Defaults defaults = new TopicCreation.Defaults(1, 0, Map.of(), 1_000, 10_000);
      topics = new TopicAdmin(metadata, requests, defaults, MAX_BATCH, random);
      changes = new TopicChangeAdmin(metadata, defaults, MAX_BATCH, random);
      moves = new ReassignmentAdmin(metadata, 100, 0, random);
      leaders = new LeadershipAdmin(metadata);
      deletions = new RecordDeletion(metadata, requests);
    }
  }

  /** A call to the broker that was asked. */
  private interface Ask<T> {
    void ask(Calls calls, CallContext call, Completion<Result<T>> completion);
  }

  SimAdmin(World world, int id) {
    this.world = world;
    this.id = id;
    this.random = world.newRandom();
    this.loop = world.time().newLoop("admin-" + id);
  }

  private <T> void call(String what, Ask<T> ask) {
    call(what, ask, answer -> {});
  }

  private <T> void call(String what, Ask<T> ask, Consumer<T> done) {
    int to = 1 + random.nextInt(world.plan().brokers());
    loop.execute(
        () -> {
          world.trace().add(71, to, () -> "admin -> n" + to + " " + what);
          links
              .computeIfAbsent(to, broker -> new ClientLink(world, id, broker, loop))
              .<Result<T>>call(
                  (TIMEOUT_MS + 500) * MS,
                  (process, answer) -> {
                    Calls calls = process.admin();
                    if (calls != null) {
                      CallContext context =
                          CallContext.within(process.data().all().get(0), TIMEOUT_MS * MS);
                      ask.ask(calls, context, answer);
                    }
                  },
                  reply -> {
                    world
                        .trace()
                        .add(
                            72,
                            to,
                            () -> "admin <- n" + to + " " + what + ": " + text(reply.answer()));
                    if (reply.answer() instanceof Result.Ok<T> ok) {
                      done.accept(ok.value());
                    }
                  });
        });
  }

  private static String text(@org.jspecify.annotations.Nullable Result<?> answer) {
    return answer == null
        ? "no answer"
        : answer instanceof Result.Err<?> failed ? failed.error().toString() : "done";
  }

  void create(TopicPlan topic) {
    call(
        "create " + topic,
        (Calls calls, CallContext context, Completion<Result<TopicAdmin.Created>> end) ->
            calls.topics.create(context, topic.request(), end));
  }

  void delete(String name) {
    call(
        "delete " + name,
        (Calls calls, CallContext context, Completion<Result<Long>> end) ->
            calls.topics.delete(context, name, "", end));
  }

  void expand(String name, int partitions) {
    call(
        "expand " + name + " to " + partitions,
        (Calls calls, CallContext context, Completion<Result<TopicChangeAdmin.Changed>> end) ->
            calls.changes.addPartitions(context, name, partitions, end));
  }

  void reassign(String name, int partition, List<Integer> replicas) {
    call(
        "move " + name + "-" + partition + " to " + replicas,
        (Calls calls, CallContext context, Completion<Result<ReassignmentAdmin.Begun>> end) ->
            calls.moves.reassign(
                context, List.of(new Wanted(new Named(name, partition), replicas)), null, end));
  }

  /**
   * @param before first offset to keep; -1: deletes all that is committed
   */
  void deleteRecords(String name, PartitionId id, long before) {
    world.seen().asksDeletion(name, before < 0 ? Long.MAX_VALUE : before);
    call(
        "delete what " + id + " has before " + before,
        (Calls calls, CallContext context, Completion<Result<List<OffsetListing.Listed>>> end) ->
            calls.deletions.delete(
                context,
                name,
                List.of(id.partition()),
                before < 0 ? new StartSpec.Latest() : new StartSpec.AtOffset(before),
                end),
        done -> {
          if (id.topicId().equals(world.topicId(name))) {
            world.seen().deleted(id, done.get(0).offset());
          }
        });
  }

  void cancel(String name, int partition) {
    call(
        "cancel the move of " + name + "-" + partition,
        (Calls calls, CallContext context, Completion<Result<ReassignmentAdmin.Cancelled>> end) ->
            calls.moves.cancel(context, List.of(new Named(name, partition)), end));
  }

  void electPreferred(String name, int partition) {
    call(
        "elect the preferred leader of " + name + "-" + partition,
        (Calls calls, CallContext context, Completion<Result<LeadershipAdmin.Elected>> end) ->
            calls.leaders.electPreferred(context, new Named(name, partition), end));
  }

  void electUnclean(String name, int partition) {
    call(
        "elect any leader of " + name + "-" + partition,
        (Calls calls, CallContext context, Completion<Result<LeadershipAdmin.Elected>> end) ->
            calls.leaders.electUnclean(
                context, new Named(name, partition), "the others are not waited for", end));
  }

  void fence(int broker) {
    fence(broker, false, "fence n" + broker);
  }

  /** Also if a partition has nobody then. */
  void forceFence(int broker) {
    fence(broker, true, "fence n" + broker + ", whatever it costs");
  }

  private void fence(int broker, boolean force, String what) {
    call(
        what,
        (Calls calls, CallContext context, Completion<Result<LeadershipAdmin.Wished>> end) ->
            calls.leaders.fence(context, broker, force, end));
  }

  void drain(int broker, boolean replicas) {
    call(
        "drain n" + broker + (replicas ? " of its replicas" : ""),
        (Calls calls, CallContext context, Completion<Result<LeadershipAdmin.Wished>> end) ->
            calls.leaders.drain(context, broker, replicas, null, end));
  }

  void unfence(int broker) {
    call(
        "unfence n" + broker,
        (Calls calls, CallContext context, Completion<Result<LeadershipAdmin.Wished>> end) ->
            calls.leaders.unfence(context, broker, end));
  }
}
