package io.kontiki.broker.replicas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.partition.PartitionAssignment;
import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.ConfirmDeletion;
import io.kontiki.metadata.MetadataCommand.CreateTopic;
import io.kontiki.metadata.MetadataCommand.DeleteTopic;
import io.kontiki.metadata.codec.ClusterImageCodec;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.memory.SimulatedTime;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Of broker 2 in a cluster of three. */
class ReplicaAssignmentsTest {
  private final SimulatedTime time = new SimulatedTime();
  private final MemoryMetadata metadata = MemoryMetadata.cluster(time.newLoop("control"), 3);
  private final ReplicaAssignments assignments = new ReplicaAssignments(2);

  private void register() {
    assignments.onRegistered(metadata.image().brokers().get(2).epoch());
  }

  private ReplicaAssignments.Change next() {
    return assertNotNullChange(assignments.onImage(metadata.image()));
  }

  private static ReplicaAssignments.Change assertNotNullChange(ReplicaAssignments.Change change) {
    assertNotNull(change);
    return change;
  }

  private static List<PartitionId> ids(List<PartitionAssignment> changed) {
    return changed.stream().map(PartitionAssignment::id).toList();
  }

  @Test
  void nothingIsSaidBeforeTheImageShowsTheOwnRegistration() {
    metadata.topic("orders", 2, Map.of());
    assertNull(assignments.onImage(metadata.image()));
    assignments.onRegistered(metadata.image().brokers().get(2).epoch() + 100);
    assertNull(assignments.onImage(metadata.image()), "an image of the process before (R1)");
    register();
    assertEquals(2, next().changed().size());
  }

  @Test
  void onlyWhatChangedIsSaid() {
    TopicId orders = metadata.topic("orders", 3, Map.of());
    register();
    assertEquals(3, next().changed().size());
    assertEquals(List.of(), next().changed());
    TopicId more = metadata.topic("more", 1, Map.of());
    assertEquals(List.of(new PartitionId(more, 0)), ids(next().changed()));
    metadata.fence(3);
    assertEquals(4, next().changed().size(), "all had broker 3 in sync");
    assertEquals(false, next().brokers().byId().get(3).active());
    assertEquals(orders, metadata.image().topic("orders").id());
  }

  @Test
  void partitionsOfOthersAreNoneOfItsBusiness() {
    TopicId id = TopicId.random(5, 6);
    metadata.apply(
        new CreateTopic(1, id, "theirs", new TreeMap<>(), List.of(List.of(1, 3), List.of(2, 1))));
    register();
    assertEquals(List.of(new PartitionId(id, 1)), ids(next().changed()));
  }

  private void reassign(PartitionId id, Integer... replicas) {
    metadata.apply(
        new MetadataCommand.ReassignPartitions(
            1,
            List.of(
                new MetadataCommand.Reassignment(
                    id, metadata.image().partition(id).partitionEpoch(), List.of(replicas)))));
    metadata.apply(
        new MetadataCommand.FinishReassignments(
            1,
            List.of(
                new MetadataCommand.PartitionAt(
                    id, metadata.image().partition(id).partitionEpoch()))));
    time.runUntilIdle();
  }

  @Test
  void whoComesBackWhileItsLogIsBeingDeletedWaitsUntilThatIsDoneR34() {
    TopicId topic = TopicId.random(5, 6);
    PartitionId id = new PartitionId(topic, 0);
    metadata.apply(new CreateTopic(1, topic, "orders", new TreeMap<>(), List.of(List.of(1, 2, 3))));
    time.runUntilIdle();
    register();
    next();
    reassign(id, 1, 3);
    assertEquals(List.of(id), next().removed());
    assignments.onLeaving(id);
    reassign(id, 1, 3, 2);
    assertEquals(List.of(), next().changed());
    int epoch = metadata.image().partition(id).partitionEpoch();
    assertEquals(epoch, assignments.onGone(id).orElseThrow().state().partitionEpoch());
    assertTrue(assignments.onGone(id).isEmpty());
    reassign(id, 1, 3);
    next();
    assignments.onLeaving(id);
    reassign(id, 1, 3, 2);
    next();
    metadata.apply(new MetadataCommand.DeleteTopic(1, topic));
    time.runUntilIdle();
    next();
    assertTrue(assignments.onGone(id).isEmpty(), "the topic is gone, too");
  }

  @Test
  void aDeletedTopicIsToldUntilItsEndIsConfirmed() {
    TopicId orders = metadata.topic("orders", 1, Map.of());
    register();
    next();
    metadata.apply(new DeleteTopic(1, orders));
    assertEquals(List.of(orders), next().deleted());
    assertEquals(List.of(), next().removed());
    metadata.apply(
        new ConfirmDeletion(1, 2, metadata.image().brokers().get(2).epoch(), List.of(orders)));
    assertEquals(List.of(), next().deleted());
  }

  @Test
  void aTopicDeletedAndMadeAgainInOneJumpIsTwoTopics() {
    TopicId old = metadata.topic("orders", 1, Map.of());
    register();
    next();
    metadata.apply(new DeleteTopic(1, old));
    TopicId fresh = TopicId.random(77, 78);
    metadata.apply(new CreateTopic(1, fresh, "orders", new TreeMap<>(), List.of(List.of(1, 2, 3))));
    ReplicaAssignments.Change change = next();
    assertEquals(List.of(new PartitionId(fresh, 0)), ids(change.changed()));
    assertEquals(List.of(old), change.deleted());
  }

  @Test
  void aSnapshotSaysAllAgainAndLosesNothing() throws IOException {
    metadata.topic("orders", 2, Map.of());
    register();
    next();
    TopicId more = metadata.topic("more", 1, Map.of());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ClusterImageCodec.write(metadata.image(), bytes);
    ClusterImage copy = ClusterImageCodec.read(new ByteArrayInputStream(bytes.toByteArray()));
    ReplicaAssignments.Change change = assertNotNullChange(assignments.onImage(copy));
    assertEquals(3, change.changed().size());
    assertEquals(true, ids(change.changed()).contains(new PartitionId(more, 0)));
    assertEquals(List.of(), change.removed());
  }
}
