package io.kontiki.broker.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.testing.MemoryGroups;
import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.broker.testing.MemoryPartitions;
import io.kontiki.group.Assignor;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupImage;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberState;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class OutsideCommitTest {
  private static final long CALL_NANOS = 10_000_000_000L;

  private final SimulatedTime time = new SimulatedTime();
  private final VirtualLoop control = time.newLoop("control");
  private final VirtualLoop home = time.newLoop("home");
  private final MemoryMetadata metadata = MemoryMetadata.cluster(control, 3);
  private final MemoryPartitions partitions = new MemoryPartitions(time.newLoop("data"), metadata);
  private final MemoryGroups groups = new MemoryGroups(control, metadata);
  private final OutsideCommit commits = new OutsideCommit(metadata, partitions, groups);
  private PartitionId first = new PartitionId(TopicId.of(java.nio.ByteBuffer.allocate(16)), 0);

  @BeforeEach
  void topic() {
    first = new PartitionId(metadata.topic("orders", 2, Map.of()), 0);
    time.advanceMs(10);
  }

  @Test
  void anEpochThatIsNotToldIsThatOfTheRecordBefore() {
    put(3);
    metadata.fence(1); // another leader
    partitions.leaderEpoch(first, 1);
    put(2);
    assertEquals(1, metadata.image().partition(first).leaderEpoch());
    commit(3, Place.NO_EPOCH);
    assertEquals(0, committed().leaderEpoch(), "record 2 is of the leader before");
    commit(4, Place.NO_EPOCH);
    assertEquals(1, committed().leaderEpoch());
    commit(4, 0);
    assertEquals(0, committed().leaderEpoch(), "what is told is kept");
  }

  @Test
  void theBeginningHasNoRecordBefore() {
    commit(0, Place.NO_EPOCH);
    assertEquals(Place.NO_EPOCH, committed().leaderEpoch());
  }

  @Test
  void underTheFirstLeaderNobodyIsAsked() {
    commit(7, Place.NO_EPOCH);
    assertEquals(0, committed().leaderEpoch());
    assertEquals(0, partitions.fetches(first));
  }

  @Test
  void anEpochThatCannotBeFoundDoesNotStopTheCommit() {
    put(3);
    metadata.fence(1);
    partitions.failing(
        first, () -> ApiError.retriable(ErrorReason.LEADER_UNAVAILABLE, "nobody leads", 100));
    commit(2, Place.NO_EPOCH);
    assertEquals(2, committed().offset());
    assertEquals(Place.NO_EPOCH, committed().leaderEpoch());
  }

  @Test
  void anEpochThatHasNotBeenIsRefused() {
    Result<Boolean> answer = tryCommit(1, 5);
    assertTrue(
        answer instanceof Result.Err<Boolean> err
            && err.error().reason() == ErrorReason.INVALID_FIELD
            && err.error().message().contains("offsets[0].leader_epoch"),
        answer.toString());
  }

  @Test
  void whatCannotBeStoredIsRefusedWithItsReasonAndNothingIsStored() {
    commit(5, 0);
    refused(ErrorReason.TOPIC_NOT_FOUND, "jobs", new Place(new Named("gone", 0), 1, 0, ""), "", 0);
    Place ninth = new Place(new Named("orders", 9), 1, 0, "");
    refused(ErrorReason.PARTITION_NOT_FOUND, "jobs", ninth, "", 0);
    Place good = new Place(new Named("orders", 0), 6, 0, "");
    refused(ErrorReason.INVALID_FIELD, "", good, "", 0);
    refused(ErrorReason.INVALID_FIELD, "jobs", good, "", -1);
    Place negative = new Place(new Named("orders", 0), -1, 0, "");
    refused(ErrorReason.INVALID_FIELD, "jobs", negative, "", 0);
    refused(ErrorReason.MEMBER_FENCED, "jobs", good, "nobody", 1);
    MemberState member = joined();
    refused(ErrorReason.GROUP_ACTIVE, "jobs", good, "", 0);
    refused(ErrorReason.GENERATION_FENCED, "jobs", good, member.id(), member.epoch() - 1);
    assertEquals(5, committed().offset());
    Result<Boolean> stored = tryCommit("jobs", good, member.id(), member.epoch());
    assertTrue(stored instanceof Result.Ok<Boolean>, stored.toString());
    assertEquals(6, committed().offset());
  }

  private MemberState joined() {
    home.run(
        () ->
            groups.join(
                new CallContext(home, time.clock().nanoTime() + CALL_NANOS),
                "jobs",
                "",
                "",
                new MemberDetails(
                    "c", "h", 1, 1, List.of("orders"), "", Assignor.STICKY, 500, 5_000),
                new MemberListener() {
                  @Override
                  public void changed(MemberState now, SortedMap<PartitionId, Gone> gone) {}

                  @Override
                  public void ended(ApiError why) {}
                }));
    time.advanceMs(100);
    GroupImage group = groups.group("jobs");
    if (group == null || group.members().isEmpty()) {
      throw new AssertionError("has not joined");
    }
    return group.members().values().iterator().next();
  }

  private void refused(
      ErrorReason reason, String group, Place place, String member, int generation) {
    Result<Boolean> answer = tryCommit(group, place, member, generation);
    ApiError error = answer.fold(ok -> null, failed -> failed);
    assertTrue(error != null && error.reason() == reason && error.definite(), answer.toString());
  }

  private void put(int records) {
    for (int i = 0; i < records; i++) {
      RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
      builder.append(1, null, "v".getBytes(StandardCharsets.UTF_8), List.of());
      partitions.put(first, builder.build());
    }
  }

  private void commit(long offset, int epoch) {
    Result<Boolean> answer = tryCommit(offset, epoch);
    assertTrue(answer instanceof Result.Ok<Boolean>, answer.toString());
  }

  private Result<Boolean> tryCommit(long offset, int epoch) {
    return tryCommit("jobs", new Place(new Named("orders", 0), offset, epoch, ""), "", 0);
  }

  private Result<Boolean> tryCommit(String group, Place place, String member, int generation) {
    List<Result<Boolean>> answers = new ArrayList<>();
    home.run(
        () ->
            commits.commit(
                new CallContext(home, time.clock().nanoTime() + CALL_NANOS),
                new OutsideCommit.Request(group, List.of(place), member, generation),
                answers::add));
    time.advanceMs(2_000);
    assertEquals(1, answers.size());
    return answers.get(0);
  }

  private CommittedOffset committed() {
    GroupImage group = groups.group("jobs");
    CommittedOffset offset = group == null ? null : group.offsets().get(first);
    if (offset == null) {
      throw new AssertionError("nothing is committed");
    }
    return offset;
  }
}
