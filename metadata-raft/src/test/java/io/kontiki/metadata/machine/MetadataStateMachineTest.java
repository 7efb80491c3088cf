package io.kontiki.metadata.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.kontiki.internal.v1.MetadataEntry;
import io.kontiki.metadata.Cluster;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.VoterImage;
import io.kontiki.metadata.codec.ClusterImageCodec;
import io.kontiki.metadata.codec.CorruptMetadataException;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.metadata.codec.UnknownCommandException;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class MetadataStateMachineTest {
  private final List<ClusterImage> images = new ArrayList<>();
  private final List<String> roles = new ArrayList<>();
  private final MetadataStateMachine machine = new MetadataStateMachine(listener(), 5, 1000);

  private MetadataStateMachine.Listener listener() {
    return new MetadataStateMachine.Listener() {
      @Override
      public void onImage(ClusterImage image) {
        images.add(image);
      }

      @Override
      public void onLeaderStart(long term) {
        roles.add("start " + term);
      }

      @Override
      public void onLeaderStop(long term) {
        roles.add("stop " + term);
      }

      @Override
      public void onFollowing(int leaderId, long term) {
        roles.add("follow " + leaderId + " " + term);
      }

      @Override
      public void onRecovered(List<PartitionId> partitions) {
        roles.add("recovered " + partitions);
      }
    };
  }

  private static ByteBuffer form() {
    return MetadataCommandCodec.encode(
        new MetadataCommand.FormCluster(
            1, Cluster.ID, 1, List.of(new VoterImage(1, new Endpoint("h", 1), null)), 1));
  }

  private static ByteBuffer ids(int count) {
    return MetadataCommandCodec.encode(new MetadataCommand.AllocateProducerIds(1, false, count));
  }

  @Test
  void anImageIsPublishedOncePerBatchM8() {
    machine.apply(2, form());
    assertEquals(new CommandOutcome.Number(0), machine.apply(3, ids(10)));
    assertEquals(new CommandOutcome.Number(10), machine.apply(4, ids(10)));
    assertEquals(0, machine.image().index());
    machine.onApplied(4);
    assertEquals(1, images.size());
    assertEquals(4, machine.image().index());
    machine.onApplied(4);
    assertEquals(1, images.size());
    machine.onApplied(6);
    assertEquals(6, machine.image().index());
  }

  @Test
  void aWatcherGetsWhatItLacksOrNothingIfThatIsTooOldM22() throws IOException {
    machine.apply(1, form());
    machine.onApplied(2);
    assertEquals(List.of(1L, 2L), indexes(0));
    assertFalse(machine.since(0).orElseThrow().get(1).command().hasRemaining());
    for (int index = 3; index <= 7; index++) {
      machine.apply(index, ids(1));
    }
    assertEquals(List.of(5L, 6L, 7L), indexes(4));
    assertEquals(List.of(), indexes(7));
    assertEquals(List.of(), indexes(99));
    assertTrue(machine.since(1).isEmpty());
    assertEquals(List.of(3L, 4L, 5L, 6L, 7L), indexes(2));
    machine.onApplied(7);
    MetadataStateMachine watcher = new MetadataStateMachine(listener());
    watcher.restore(snapshot(machine));
    assertTrue(watcher.since(6).isEmpty());
    machine.apply(8, ids(3));
    for (CommandHistory.Entry entry : machine.since(watcher.lastIndex()).orElseThrow()) {
      watcher.apply(entry.index(), entry.command());
    }
    machine.onApplied(8);
    watcher.onApplied(8);
    assertEquals(machine.image(), watcher.image());
    assertEquals(
        ClusterImageCodec.digest(machine.image()), ClusterImageCodec.digest(watcher.image()));
  }

  @Test
  void theHistoryIsBoundedByBytesToo() {
    machine.apply(1, form());
    Cluster cluster = Cluster.active(3);
    ByteBuffer big =
        MetadataCommandCodec.encode(
            new MetadataCommand.CreateTopic(
                1,
                Cluster.topicId("t"),
                "t",
                new TreeMap<>(Map.of("x", "y".repeat(900))),
                List.of(List.of(1))));
    assertTrue(cluster.image().formed());
    machine.apply(2, big);
    machine.apply(3, big);
    assertTrue(machine.since(1).isEmpty());
    assertEquals(List.of(3L), indexes(2));
  }

  private List<Long> indexes(long since) {
    return machine.since(since).orElseThrow().stream().map(CommandHistory.Entry::index).toList();
  }

  private static ByteArrayInputStream snapshot(MetadataStateMachine machine) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    machine.snapshot().writeTo(out);
    return new ByteArrayInputStream(out.toByteArray());
  }

  @Test
  void anUnknownCommandNamesIndexTypeAndLevelM17() {
    ByteBuffer newer =
        ByteBuffer.wrap(
            MetadataEntry.newBuilder()
                .setLevel(1)
                .setUnknownFields(
                    UnknownFieldSet.newBuilder()
                        .addField(
                            77,
                            UnknownFieldSet.Field.newBuilder()
                                .addLengthDelimited(ByteString.EMPTY)
                                .build())
                        .build())
                .build()
                .toByteArray());
    UnknownCommandException unknown =
        assertThrows(UnknownCommandException.class, () -> machine.apply(9, newer));
    assertEquals(9, unknown.index());
    assertEquals(77, unknown.type());
    assertEquals(1, unknown.level());
    ByteBuffer later =
        ByteBuffer.wrap(MetadataEntry.newBuilder().setLevel(2).build().toByteArray());
    assertEquals(
        2, assertThrows(UnknownCommandException.class, () -> machine.apply(9, later)).level());
    assertThrows(
        CorruptMetadataException.class,
        () -> machine.apply(9, ByteBuffer.wrap(new byte[] {1, 2, 3})));
    assertSame(ClusterImage.EMPTY, machine.image());
  }

  @Test
  void aBadSnapshotIsNeverReadAsAnEmptyClusterM9() throws IOException {
    machine.apply(1, form());
    machine.onApplied(1);
    byte[] good = snapshot(machine).readAllBytes();
    for (int length = 0; length < good.length; length++) {
      byte[] cut = Arrays.copyOf(good, length);
      assertThrows(
          IOException.class, () -> machine.restore(new ByteArrayInputStream(cut)), "at " + length);
    }
    byte[] longer = Arrays.copyOf(good, good.length + 1);
    assertThrows(
        CorruptMetadataException.class, () -> machine.restore(new ByteArrayInputStream(longer)));
    byte[] newer = good.clone();
    newer[7] = 2;
    assertThrows(
        CorruptMetadataException.class, () -> machine.restore(new ByteArrayInputStream(newer)));
    assertEquals(1, machine.image().index());
    assertEquals(1, images.size());
  }

  @Test
  void leadershipIsPassedOn() {
    machine.onFollowing(3, 1);
    machine.onLeaderStart(2);
    machine.onLeaderStop(2);
    assertEquals(List.of("follow 3 1", "start 2", "stop 2"), roles);
  }
}
