package io.kontiki.broker.shards;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.coordinator.ClassicDesk;
import io.kontiki.broker.coordinator.Coordinator;
import io.kontiki.broker.coordinator.LinkedGroups;
import io.kontiki.broker.coordinator.Shards;
import io.kontiki.broker.group.ClassicGroups;
import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.OffsetCommit;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.function.BiConsumer;

/** The coordinators on this node, for calls from any loop. */
final class ClassicDoor implements ClassicGroups {
  private final EventLoop control;
  private final GroupShards shards;
  private final LinkedGroups groups;

  ClassicDoor(EventLoop control, GroupShards shards, LinkedGroups groups) {
    this.control = control;
    this.shards = shards;
    this.groups = groups;
  }

  /** Runs a request at the desk of its group, and brings the answer home. */
  private <T> void at(
      EventLoop loop,
      String group,
      Completion<ClassicReply<T>> completion,
      BiConsumer<ClassicDesk, Completion<ClassicReply<T>>> request) {
    Completion<ClassicReply<T>> home =
        answer -> CallContext.onLoop(loop, () -> completion.complete(answer));
    CallContext.onLoop(
        control,
        () -> {
          int count = shards.image().groupShards();
          Coordinator coordinator = count == 0 ? null : shards.coordinator(Shards.of(group, count));
          if (coordinator == null) {
            home.complete(
                ClassicReply.no(count == 0 ? Refusal.UNAVAILABLE : Refusal.NOT_COORDINATOR));
          } else {
            request.accept(coordinator.classic(), home);
          }
        });
  }

  @Override
  public void coordinator(CallContext call, String group, Completion<Result<Integer>> completion) {
    groups.coordinator(call, group, completion);
  }

  @Override
  public void join(EventLoop loop, Join request, Completion<ClassicReply<Joined>> completion) {
    at(loop, request.group(), completion, (desk, answer) -> desk.join(request, answer));
  }

  @Override
  public void sync(EventLoop loop, Sync request, Completion<ClassicReply<Synced>> completion) {
    at(loop, request.who().group(), completion, (desk, answer) -> desk.sync(request, answer));
  }

  @Override
  public void heartbeat(EventLoop loop, Speaker who, Completion<ClassicReply<Boolean>> completion) {
    at(loop, who.group(), completion, (desk, answer) -> desk.heartbeat(who, answer));
  }

  @Override
  public void leave(
      EventLoop loop,
      String group,
      List<Leaver> leavers,
      Completion<ClassicReply<List<Optional<Refusal>>>> completion) {
    at(loop, group, completion, (desk, answer) -> desk.leave(group, leavers, answer));
  }

  @Override
  public void commit(
      EventLoop loop,
      Speaker who,
      List<OffsetCommit> offsets,
      Completion<ClassicReply<GroupAnswer.Committed>> completion) {
    at(loop, who.group(), completion, (desk, answer) -> desk.commit(who, offsets, answer));
  }

  @Override
  public void offsets(
      EventLoop loop,
      String group,
      Optional<SortedSet<PartitionId>> partitions,
      Completion<ClassicReply<SortedMap<PartitionId, CommittedOffset>>> completion) {
    at(loop, group, completion, (desk, answer) -> desk.offsets(group, partitions, answer));
  }

  @Override
  public void deleteOffsets(
      EventLoop loop,
      String group,
      String topic,
      List<PartitionId> partitions,
      Completion<ClassicReply<Boolean>> completion) {
    at(
        loop,
        group,
        completion,
        (desk, answer) -> desk.deleteOffsets(group, topic, partitions, answer));
  }

  @Override
  public void delete(EventLoop loop, String group, Completion<ClassicReply<Boolean>> completion) {
    at(loop, group, completion, (desk, answer) -> desk.delete(group, answer));
  }

  @Override
  public void describe(
      EventLoop loop, String group, Completion<ClassicReply<Described>> completion) {
    at(loop, group, completion, (desk, answer) -> desk.describe(group, answer));
  }

  @Override
  public void list(EventLoop loop, Completion<ClassicReply<List<Line>>> completion) {
    CallContext.onLoop(
        control,
        () ->
            list(
                0,
                new ArrayList<>(),
                answer -> CallContext.onLoop(loop, () -> completion.complete(answer))));
  }

  /** Shard after shard; there are few. */
  private void list(int shard, List<Line> found, Completion<ClassicReply<List<Line>>> completion) {
    if (shard >= shards.image().groupShards()) {
      completion.complete(ClassicReply.ok(found));
      return;
    }
    Coordinator coordinator = shards.coordinator(shard);
    if (coordinator == null) {
      list(shard + 1, found, completion);
      return;
    }
    coordinator
        .classic()
        .list(
            answer -> {
              if (answer instanceof ClassicReply.Ok<List<Line>> ok) {
                found.addAll(ok.value());
              } else if (((ClassicReply.No<List<Line>>) answer).why() != Refusal.NOT_COORDINATOR) {
                completion.complete(answer);
                return;
              }
              list(shard + 1, found, completion);
            });
  }
}
