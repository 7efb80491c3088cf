package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.session.LeaderBalance.Batch;
import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.IsrChange;
import io.kontiki.metadata.MetadataCommand.IsrMember;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When leaderships go back to their preferred brokers (R43). */
class LeaderBalanceTest {
  private static final long MS = 1_000_000;
  private static final long QUIET_MS = 30_000;
  private static final TopicId TOPIC = new TopicId(3, 3);

  private LeaderBalance balance = new LeaderBalance(QUIET_MS * MS);
  private ClusterImage image = ClusterImage.EMPTY;
  private long nowMs = -1_000_000;

  @BeforeEach
  void threeActiveBrokers() {
    List<VoterImage> voters = new ArrayList<>();
    for (int id = 1; id <= 3; id++) {
      voters.add(new VoterImage(id, new Endpoint("h", id), new Uid(1, id)));
    }
    apply(new MetadataCommand.FormCluster(1, new Uid(7, 7), 1, voters, 1));
    for (int id = 1; id <= 3; id++) {
      Endpoint at = new Endpoint("h" + id, 7601);
      apply(
          new MetadataCommand.RegisterBroker(
              1,
              id,
              image.clusterId(),
              new Uid(1, id),
              new Uid(2, id),
              new Endpoints(at, at, at, at, null),
              -1,
              "1"));
      apply(new MetadataCommand.UnfenceBroker(1, id, epoch(id), List.of()));
    }
  }

  private void create(int partitions) {
    List<List<Integer>> replicas = new ArrayList<>();
    for (int i = 0; i < partitions; i++) {
      replicas.add(List.of(1, 2, 3));
    }
    apply(new MetadataCommand.CreateTopic(1, TOPIC, "t", new TreeMap<>(), replicas));
  }

  private void apply(MetadataCommand command) {
    image = MetadataMachine.apply(image, image.index() + 1, command).image();
    balance.onImage(image, now());
  }

  private long epoch(int broker) {
    return image.brokers().get(broker).epoch();
  }

  private Now now() {
    return new Now(nowMs * MS, nowMs);
  }

  private PartitionImage partition(int number) {
    return image.topics().get(TOPIC).partitions().get(number);
  }

  /** Broker 1 dies and comes back into every in-sync set. */
  private void dieAndReturn() {
    apply(new MetadataCommand.FenceBroker(1, 1, epoch(1), "test"));
    apply(new MetadataCommand.UnfenceBroker(1, 1, epoch(1), List.of()));
    List<IsrMember> all = List.of(member(1), member(2), member(3));
    List<IsrChange> changes = new ArrayList<>();
    for (int i = 0; i < image.topics().get(TOPIC).partitions().size(); i++) {
      changes.add(
          new IsrChange(
              new PartitionId(TOPIC, i),
              partition(i).leaderEpoch(),
              partition(i).partitionEpoch(),
              all));
    }
    apply(new MetadataCommand.AlterPartitions(1, 2, epoch(2), changes));
  }

  private IsrMember member(int broker) {
    return new IsrMember(broker, epoch(broker));
  }

  private void lead() {
    balance.onLeaderStart(4, image, now());
  }

  /** Ticks of 50 ms until there is a batch; empty: none in that time. */
  private Optional<Batch> await(long ms) {
    return await(ms, image.index());
  }

  private Optional<Batch> await(long ms, long everywhere) {
    for (long end = nowMs + ms; nowMs < end; ) {
      nowMs += 50;
      Optional<Batch> batch = balance.onTick(everywhere, now());
      if (batch.isPresent()) {
        return batch;
      }
    }
    return Optional.empty();
  }

  @Test
  void nothingMovesWithinTheQuietTimeOfAFenceAndTheMovesGoOutUnderTheTerm() {
    create(3);
    lead();
    assertEquals(Optional.empty(), await(100_000));
    dieAndReturn();
    assertEquals(2, partition(0).leader());
    assertEquals(Optional.empty(), await(QUIET_MS - 100));
    Batch batch = await(QUIET_MS + 200).orElseThrow();
    assertEquals(4, batch.term());
    assertEquals(3, batch.command().moves().size());
    assertEquals(Optional.empty(), await(100_000), "one batch at a time");
    apply(batch.command());
    balance.onProposed(batch.number(), now());
    assertEquals(1, partition(2).leader());
    assertEquals(Optional.empty(), await(100_000));
  }

  @Test
  void nothingMovesWithinTheQuietTimeOfTheOwnStart() {
    create(3);
    dieAndReturn();
    lead();
    assertEquals(Optional.empty(), await(QUIET_MS - 50));
    assertTrue(await(100).isPresent());
    balance.onLeaderStop();
    assertEquals(Optional.empty(), await(100_000));
  }

  @Test
  void aLeadershipThatWasGivenUpStaysGivenUpForAQuietTimeR38() {
    create(1);
    lead();
    assertEquals(Optional.empty(), await(100_000));
    apply(
        new MetadataCommand.Resign(
            1,
            1,
            epoch(1),
            List.of(
                new MetadataCommand.Farewell(
                    new MetadataCommand.LeaderMove(new PartitionId(TOPIC, 0), 2, 0, 0), false))));
    assertEquals(Optional.empty(), await(QUIET_MS - 50));
    assertTrue(await(QUIET_MS + 100).isPresent());
  }

  @Test
  void aFewAtATimeAndTheNextWhenAllHaveFollowedTheLast() {
    create(25);
    dieAndReturn();
    lead();
    Batch first = await(QUIET_MS + 50).orElseThrow();
    assertEquals(10, first.command().moves().size());
    apply(first.command());
    balance.onProposed(first.number(), now());
    assertEquals(Optional.empty(), await(5_000, image.index() - 1));
    Batch second = await(100).orElseThrow();
    assertEquals(10, second.command().moves().size());
    // It was lost, or refused: the same are found again.
    balance.onProposed(second.number(), now());
    assertEquals(Optional.empty(), await(450));
    List<PartitionId> left = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Batch next = await(1_000).orElseThrow();
      next.command().moves().forEach(move -> left.add(move.partition()));
      apply(next.command());
      balance.onProposed(next.number(), now());
    }
    assertEquals(15, left.stream().distinct().count());
    for (int i = 0; i < 25; i++) {
      assertEquals(1, partition(i).leader(), "partition " + i);
    }
  }

  @Test
  void aBatchThatEndsUnderAnOlderLeadershipMeansNothing() {
    create(3);
    dieAndReturn();
    lead();
    Batch old = await(QUIET_MS + 50).orElseThrow();
    balance.onLeaderStop();
    lead();
    Batch batch = await(QUIET_MS + 50).orElseThrow();
    balance.onProposed(old.number(), now());
    assertEquals(Optional.empty(), await(10_000), "the batch is still under way");
    balance.onProposed(batch.number(), now());
    assertTrue(await(1_000).isPresent());
  }

  @Test
  void whoSwitchesItOffKeepsLeadershipsWhereTheyAre() {
    balance = new LeaderBalance(Long.MAX_VALUE);
    create(3);
    dieAndReturn();
    lead();
    assertEquals(Optional.empty(), await(1_000_000));
  }
}
