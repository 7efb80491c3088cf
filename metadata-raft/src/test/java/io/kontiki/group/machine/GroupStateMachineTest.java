package io.kontiki.group.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.kontiki.group.Assignor;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupChange;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupImage;
import io.kontiki.group.KnownTopic;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.Shard;
import io.kontiki.group.TopicsSeen;
import io.kontiki.group.codec.CorruptGroupsException;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.internal.v1.GroupCommandRecord;
import io.kontiki.internal.v1.GroupEntry;
import io.kontiki.metadata.codec.UnknownCommandException;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.raft.StateMachine;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class GroupStateMachineTest {
  private static final TopicId TOPIC = new TopicId(1, 1);
  private final List<String> told = new ArrayList<>();
  private final GroupStateMachine machine = new GroupStateMachine(listener());

  private GroupStateMachine.Listener listener() {
    return new GroupStateMachine.Listener() {
      @Override
      public void onChanges(List<GroupChange> changes) {
        changes.forEach(change -> told.add(change.group() + " " + change.members()));
      }

      @Override
      public void onRestored() {
        told.add("restored");
      }

      @Override
      public void onLeaderStart(long term) {
        told.add("start " + term);
      }

      @Override
      public void onLeaderStop(long term) {
        told.add("stop " + term);
      }

      @Override
      public void onFollowing(int leaderId, long term) {
        told.add("follow " + leaderId + " " + term);
      }
    };
  }

  private static GroupCommand join(String group, String member, int partitions) {
    return new GroupCommand.JoinGroup(
        1,
        group,
        member,
        "",
        "",
        Shard.details(Assignor.STICKY, "t"),
        new TopicsSeen(1, List.of(new KnownTopic(TOPIC, "t", partitions)), new TreeMap<>()));
  }

  private static GroupCommand commit(String group, String member, int partition, long offset) {
    return new GroupCommand.CommitOffsets(
        1,
        group,
        member,
        1,
        List.of(new OffsetCommit(new PartitionId(TOPIC, partition), offset, 1, "", false)),
        false);
  }

  private GroupAnswer.Batch apply(long index, GroupCommand... commands) {
    return machine.apply(index, GroupCommandCodec.encode(Arrays.asList(commands)));
  }

  @Test
  void readersSeeWhatWasAppliedFromOnAppliedOn() {
    GroupAnswer.Batch batch = apply(2, join("g", "m", 2), commit("g", "m", 1, 5));
    assertEquals(2, batch.answers().size());
    assertNull(machine.view().image("g"));
    apply(3, join("h", "m", 2));
    machine.onApplied(3);
    assertEquals(List.of("g [m]", "h [m]"), told);
    assertEquals(2, machine.view().member("g", "m").orElseThrow().owned().size());
    CommittedOffset offset =
        machine
            .view()
            .offsets(
                "g", new TreeSet<>(List.of(new PartitionId(TOPIC, 0), new PartitionId(TOPIC, 1))))
            .get(new PartitionId(TOPIC, 1));
    assertEquals(5, offset.offset());
    assertEquals(2, machine.view().all().size());
    apply(4, new GroupCommand.LeaveGroup(1, "h", "m", 1));
    machine.onApplied(4);
    assertTrue(machine.view().group("h").isEmpty());
  }

  @Test
  void aPictureOnceGivenDoesNotChange() {
    apply(2, join("g", "m", 200), commit("g", "m", 1, 5));
    machine.onApplied(2);
    GroupImage before = machine.view().image("g");
    assertNotNull(before);
    for (int p = 0; p < 200; p++) {
      apply(3 + p, commit("g", "m", p, 100 + p));
    }
    assertEquals(1, before.offsets().size());
    assertEquals(5, before.offsets().get(new PartitionId(TOPIC, 1)).offset());
    machine.onApplied(300);
    assertEquals(200, machine.view().image("g").offsets().size());
  }

  @Test
  void aSnapshotIsThePictureOfItsMoment() throws IOException {
    apply(2, join("g", "m", 4), commit("g", "m", 1, 5));
    StateMachine.SnapshotSource source = machine.snapshot();
    apply(3, commit("g", "m", 1, 9), join("h", "m", 1));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    source.writeTo(out);
    GroupStateMachine other = new GroupStateMachine(listener());
    other.restore(new ByteArrayInputStream(out.toByteArray()));
    assertEquals(List.of("restored"), told);
    assertEquals(1, other.view().all().size());
    assertEquals(5, other.view().image("g").offsets().get(new PartitionId(TOPIC, 1)).offset());
    assertThrows(
        IllegalStateException.class,
        () -> other.apply(2, GroupCommandCodec.encode(List.of(commit("g", "m", 1, 6)))));
    machine.onApplied(3);
    machine.restore(new ByteArrayInputStream(out.toByteArray()));
    assertNull(machine.view().image("h"), "what is not in the snapshot is gone");
  }

  @Test
  void damagedSnapshotsAreNeverReadAsAnotherStateM9() throws IOException {
    apply(2, join("g", "m", 4), commit("g", "m", 1, 5));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    machine.snapshot().writeTo(out);
    byte[] bytes = out.toByteArray();
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThrows(IOException.class, () -> machine.restore(new ByteArrayInputStream(cut)));
    }
    byte[] newer = bytes.clone();
    newer[7]++;
    assertThrows(
        CorruptGroupsException.class, () -> machine.restore(new ByteArrayInputStream(newer)));
    byte[] longer = Arrays.copyOf(bytes, bytes.length + 1);
    assertThrows(
        CorruptGroupsException.class, () -> machine.restore(new ByteArrayInputStream(longer)));
  }

  @Test
  void anUnknownCommandStopsWithIndexTypeAndLevelM17() {
    GroupCommandRecord unknown =
        GroupCommandRecord.newBuilder()
            .setUnknownFields(
                UnknownFieldSet.newBuilder()
                    .addField(
                        99,
                        UnknownFieldSet.Field.newBuilder()
                            .addLengthDelimited(ByteString.EMPTY)
                            .build())
                    .build())
            .build();
    UnknownCommandException e =
        assertThrows(UnknownCommandException.class, () -> machine.apply(7, entry(1, unknown)));
    assertEquals(7, e.index());
    assertEquals(99, e.type());
    e =
        assertThrows(
            UnknownCommandException.class,
            () -> machine.apply(7, entry(2, GroupCommandCodec.record(commit("g", "m", 1, 1)))));
    assertEquals(2, e.level());
    assertEquals(20, e.type());
    assertThrows(
        CorruptGroupsException.class,
        () -> machine.apply(7, ByteBuffer.wrap(new byte[] {1, 2, 3})));
    assertThrows(CorruptGroupsException.class, () -> machine.apply(7, ByteBuffer.allocate(0)));
    assertFalse(told.contains("g"));
  }

  private static ByteBuffer entry(int level, GroupCommandRecord command) {
    return ByteBuffer.wrap(
        GroupEntry.newBuilder().setLevel(level).addCommands(command).build().toByteArray());
  }

  @Test
  void rolesAreHandedOn() {
    machine.onLeaderStart(1);
    machine.onLeaderStop(1);
    machine.onFollowing(2, 2);
    assertEquals(List.of("start 1", "stop 1", "follow 2 2"), told);
  }

  /** Prints what a commit costs; the bound is far above it. */
  @Test
  void aCommitCostsTheSameInAGroupOfTenThousandPartitionsAndBesideTenThousandGroups() {
    apply(2, join("g", "m", 10_000));
    long index = 3;
    for (int p = 0; p < 10_000; p += 1_000) {
      GroupCommand[] commits = new GroupCommand[1_000];
      for (int i = 0; i < commits.length; i++) {
        commits[i] = commit("g", "m", p + i, 1);
      }
      apply(index++, commits);
    }
    for (int g = 0; g < 10_000; g++) {
      apply(index++, join("g" + g, "m", 1));
    }
    machine.onApplied(index++);
    int rounds = 20_000;
    long best = Long.MAX_VALUE;
    for (int repeat = 0; repeat < 3; repeat++) {
      long start = System.nanoTime();
      for (int i = 0; i < rounds; i++) {
        apply(index, commit("g", "m", i * 7 % 10_000, i));
        machine.onApplied(index++);
      }
      best = Math.min(best, (System.nanoTime() - start) / rounds);
    }
    long start = System.nanoTime();
    machine.snapshot();
    System.out.printf(
        "entry of one commit, 10,000 partitions, 10,000 groups: %d ns; picture for a snapshot: %d us%n",
        best, (System.nanoTime() - start) / 1_000);
    assertTrue(best < 1_000_000, best + " ns");
  }
}
