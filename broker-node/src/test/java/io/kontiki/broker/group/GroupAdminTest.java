package io.kontiki.broker.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.OffsetListing.Listed;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.testing.MemoryGroups;
import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.broker.testing.MemoryPartitions;
import io.kontiki.group.Assignor;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupState.Phase;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetCommit;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

class GroupAdminTest {
  private final SimulatedTime time = new SimulatedTime();
  private final VirtualLoop control = time.newLoop("control");
  private final VirtualLoop home = time.newLoop("home");
  private final MemoryMetadata metadata = MemoryMetadata.cluster(control, 3);
  private final MemoryPartitions partitions = new MemoryPartitions(time.newLoop("data"), metadata);
  private final MemoryGroups groups = new MemoryGroups(control, metadata);
  private final GroupAdmin admin = new GroupAdmin(groups, metadata, partitions);
  private final TopicId orders = metadata.topic("orders", 2, Map.of());
  private final List<MemberState> members = new ArrayList<>();

  private <T> Result<T> call(BiConsumer<CallContext, Completion<Result<T>>> call) {
    List<Result<T>> answers = new ArrayList<>();
    home.run(
        () ->
            call.accept(
                CallContext.within(home, 10_000_000_000L),
                answer -> {
                  if (!home.inLoop()) {
                    throw new AssertionError("answered on another loop");
                  }
                  answers.add(answer);
                }));
    time.runUntil(() -> !answers.isEmpty(), 60_000_000_000L);
    time.runUntilIdle();
    assertEquals(1, answers.size());
    return answers.get(0);
  }

  private static <T> T ok(Result<T> result) {
    return result.fold(
        value -> value,
        error -> {
          throw new AssertionError(error.toString());
        });
  }

  private static <T> ApiError refused(ErrorReason reason, Result<T> result) {
    ApiError error =
        result.fold(
            value -> {
              throw new AssertionError("no failure: " + value);
            },
            failure -> failure);
    assertEquals(reason, error.reason(), error::toString);
    return error;
  }

  private PartitionId orders(int partition) {
    return new PartitionId(orders, partition);
  }

  private void append(int partition, int records) {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    for (int i = 0; i < records; i++) {
      builder.append(1_000 + i, null, new byte[] {1}, List.of());
    }
    partitions.put(orders(partition), builder.build());
  }

  private Membership join(String group) {
    Membership[] joined = new Membership[1];
    home.run(
        () ->
            joined[0] =
                groups.join(
                    CallContext.within(home, 10_000_000_000L),
                    group,
                    "",
                    "",
                    new MemberDetails(
                        "billing",
                        "10.1.1.1",
                        1,
                        1,
                        List.of("orders"),
                        "",
                        Assignor.STICKY,
                        500,
                        30_000),
                    new MemberListener() {
                      @Override
                      public void changed(MemberState now, SortedMap<PartitionId, Gone> gone) {
                        members.add(now);
                      }

                      @Override
                      public void ended(ApiError why) {
                        throw new AssertionError(why.toString());
                      }
                    }));
    time.runUntil(() -> !members.isEmpty(), 10_000_000_000L);
    return joined[0];
  }

  private void commit(String group, int partition, long offset) {
    ok(
        this.<GroupAnswer>call(
            (call, done) ->
                groups.submit(
                    call,
                    new GroupCommand.CommitOffsets(
                        77,
                        group,
                        "",
                        0,
                        List.of(new OffsetCommit(orders(partition), offset, 4, "note", true)),
                        true),
                    done)));
  }

  private Result<List<Listed>> reset(String group, StartSpec to, Integer... only) {
    return call((call, done) -> admin.reset(call, group, "orders", List.of(only), to, done));
  }

  @Test
  void groupsAreListedByNameInPages() {
    for (String name : List.of("c", "a", "b")) {
      commit(name, 0, 1);
    }
    GroupAdmin.Page first = ok(call((call, done) -> admin.list(call, 2, "", done)));
    assertEquals(List.of("a", "b"), first.groups().stream().map(GroupLine::group).toList());
    commit("aa", 0, 1);
    GroupAdmin.Page second = ok(call((call, done) -> admin.list(call, 2, first.nextToken(), done)));
    assertEquals(List.of("c"), second.groups().stream().map(GroupLine::group).toList());
    assertEquals("", second.nextToken());
    assertEquals(Phase.EMPTY, second.groups().get(0).phase());
    refused(
        ErrorReason.INVALID_FIELD, this.<GroupAdmin.Page>call((c, d) -> admin.list(c, -1, "", d)));
    refused(
        ErrorReason.INVALID_FIELD, this.<GroupAdmin.Page>call((c, d) -> admin.list(c, 0, "%", d)));
  }

  @Test
  void aDescriptionTellsWhoOwnsWhatAndHowFarHeIsBehind() {
    append(0, 5);
    append(1, 3);
    partitions.startAt(orders(1), 1);
    commit("g", 0, 2);
    join("g");
    GroupAdmin.Described described = ok(call((call, done) -> admin.describe(call, "g", done)));
    String member = members.get(0).id();
    assertEquals(2, described.partitions().size());
    GroupAdmin.PartitionLine first = described.partitions().get(0);
    assertEquals("orders", first.topic());
    assertEquals(2, first.committed().offset());
    assertEquals("note", first.committed().metadata());
    assertEquals(5, first.highWatermark());
    assertEquals(3, first.lag());
    assertEquals(member, first.memberId());
    GroupAdmin.PartitionLine second = described.partitions().get(1);
    assertNull(second.committed());
    assertEquals(2, second.lag(), "from the log start on");
    refused(
        ErrorReason.GROUP_NOT_FOUND,
        this.<GroupAdmin.Described>call((call, done) -> admin.describe(call, "none", done)));
    refused(
        ErrorReason.INVALID_FIELD,
        this.<GroupAdmin.Described>call((call, done) -> admin.describe(call, "", done)));
  }

  @Test
  void aLeaderThatDoesNotAnswerLeavesTheLagOpen() {
    commit("g", 0, 2);
    partitions.serving(orders(0), false);
    GroupAdmin.Described described = ok(call((call, done) -> admin.describe(call, "g", done)));
    assertEquals(-1, described.partitions().get(0).highWatermark());
    assertEquals(-1, described.partitions().get(0).lag());
  }

  @Test
  void offsetsOfATopicThatIsGoneAreNotShown() {
    commit("g", 0, 2);
    groups.away(true);
    metadata.apply(new MetadataCommand.DeleteTopic(1, orders));
    groups.away(false);
    GroupAdmin.Described described =
        this.<GroupAdmin.Described>call((call, done) -> admin.describe(call, "g", done))
            .fold(value -> value, error -> null);
    assertEquals(0, described == null ? 0 : described.partitions().size());
  }

  @Test
  void aResetGoesToAnEndATimeANumberOrWhereAnotherGroupIs() {
    append(0, 5);
    append(1, 3);
    assertEquals(
        List.of(0L, 0L),
        ok(reset("g", new StartSpec.Earliest())).stream().map(Listed::offset).toList());
    assertEquals(
        List.of(5L, 3L),
        ok(reset("g", new StartSpec.Latest())).stream().map(Listed::offset).toList());
    assertEquals(5, groups.committed("g", orders(0)));
    assertEquals(
        List.of(2L, 2L),
        ok(reset("g", new StartSpec.AtTime(1_002))).stream().map(Listed::offset).toList());
    assertEquals(
        List.of(4L),
        ok(reset("g", new StartSpec.AtOffset(4), 0)).stream().map(Listed::offset).toList());
    assertEquals(2, groups.committed("g", orders(1)), "not named: stays");
    ok(reset("h", new StartSpec.CommittedBy("g")));
    assertEquals(4, groups.committed("h", orders(0)));
    assertEquals(2, groups.committed("h", orders(1)));
  }

  @Test
  void aResetThatCannotBeIsRefusedAndChangesNothing() {
    append(0, 5);
    append(1, 3);
    commit("g", 0, 1);
    ApiError outside = refused(ErrorReason.OFFSET_OUT_OF_RANGE, reset("g", at(4)));
    assertEquals("1", outside.metadata().get("partition"));
    assertEquals("3", outside.metadata().get("endOffset"));
    assertEquals("orders", outside.metadata().get("topic"));
    refused(ErrorReason.OFFSET_OUT_OF_RANGE, reset("g", at(-1)));
    refused(ErrorReason.PARTITION_NOT_FOUND, reset("g", at(0), 2));
    refused(ErrorReason.INVALID_FIELD, reset("g", at(0), -1));
    refused(ErrorReason.INVALID_FIELD, reset("", at(0)));
    refused(
        ErrorReason.TOPIC_NOT_FOUND,
        this.<List<Listed>>call(
            (call, done) -> admin.reset(call, "g", "other", List.of(), at(0), done)));
    ApiError missing =
        refused(ErrorReason.NO_COMMITTED_OFFSET, reset("h", new StartSpec.CommittedBy("g")));
    assertEquals("1", missing.metadata().get("partition"));
    partitions.serving(orders(1), false);
    refused(ErrorReason.LEADER_UNAVAILABLE, reset("g", at(0)));
    metadata.quorum(false);
    refused(ErrorReason.QUORUM_UNAVAILABLE, reset("g", at(0), 0));
    metadata.quorum(true);
    assertEquals(1, groups.committed("g", orders(0)));
    assertNull(groups.group("h"));
  }

  private static StartSpec at(long offset) {
    return new StartSpec.AtOffset(offset);
  }

  @Test
  void aGroupWithMembersIsNeitherResetNorDeleted() {
    append(0, 5);
    commit("g", 0, 1);
    Membership member = join("g");
    refused(ErrorReason.GROUP_ACTIVE, reset("g", new StartSpec.Earliest()));
    refused(
        ErrorReason.GROUP_ACTIVE,
        this.<GroupAnswer>call((call, done) -> admin.delete(call, "g", done)));
    refused(
        ErrorReason.GROUP_ACTIVE,
        this.<GroupAnswer>call(
            (call, done) -> admin.deleteOffsets(call, "g", "orders", List.of(), done)));
    assertEquals(1, groups.committed("g", orders(0)));
    home.run(() -> member.leave(CallContext.within(home, 10_000_000_000L), answer -> ok(answer)));
    time.runUntilIdle();
    ok(
        this.<GroupAnswer>call(
            (call, done) -> admin.deleteOffsets(call, "g", "orders", List.of(1), done)));
    assertEquals(1, groups.committed("g", orders(0)));
    ok(this.<GroupAnswer>call((call, done) -> admin.delete(call, "g", done)));
    assertNull(groups.group("g"));
    refused(
        ErrorReason.GROUP_NOT_FOUND,
        this.<GroupAnswer>call((call, done) -> admin.delete(call, "g", done)));
    refused(
        ErrorReason.GROUP_NOT_FOUND,
        this.<GroupAnswer>call(
            (call, done) -> admin.deleteOffsets(call, "g", "orders", List.of(), done)));
  }
}
