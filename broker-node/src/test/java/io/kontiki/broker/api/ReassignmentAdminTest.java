package io.kontiki.broker.api;

import static io.kontiki.broker.api.RequestPath.error;
import static io.kontiki.broker.api.RequestPath.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.controller.Reassignments.Named;
import io.kontiki.metadata.controller.Reassignments.Wanted;
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReassignmentAdminTest {
  private static final TopicCreation.Defaults DEFAULTS =
      new TopicCreation.Defaults(2, 0, Map.of(), 100, 1000);

  private final RequestPath path = new RequestPath(5);
  private final TopicAdmin topics =
      new TopicAdmin(path.metadata, path.partitions, DEFAULTS, 4 << 20, new SeededRandom(3));
  private final ReassignmentAdmin admin =
      new ReassignmentAdmin(path.metadata, 3, 1000, new SeededRandom(4));
  private final LeadershipAdmin leadership = new LeadershipAdmin(path.metadata);

  @BeforeEach
  void create() {
    create("orders", 4, Map.of("min.insync.replicas", "2"));
  }

  private void create(String name, int partitions, Map<String, String> config) {
    ok(
        path.<Result<TopicAdmin.Created>>call(
            (call, done) ->
                topics.create(call, new TopicCreation.Request(name, partitions, 3, config), done)));
  }

  private void apply(MetadataCommand command) {
    path.metadata.apply(command);
    path.time.runUntilIdle();
  }

  private PartitionImage partition(int number) {
    return path.metadata.image().topic("orders").partitions().get(number);
  }

  private static Wanted wanted(int partition, Integer... replicas) {
    return new Wanted(new Named("orders", partition), List.of(replicas));
  }

  private Result<ReassignmentAdmin.Begun> reassign(Wanted... wanted) {
    return path.<Result<ReassignmentAdmin.Begun>>call(
        (call, done) -> admin.reassign(call, List.of(wanted), null, done));
  }

  private Result<ReassignmentAdmin.Cancelled> cancel(int... partitions) {
    List<Named> named = new ArrayList<>();
    for (int partition : partitions) {
      named.add(new Named("orders", partition));
    }
    return path.<Result<ReassignmentAdmin.Cancelled>>call(
        (call, done) -> admin.cancel(call, named, done));
  }

  private ReassignmentAdmin.Listed list() {
    return ok(
        path.<Result<ReassignmentAdmin.Listed>>call((call, done) -> admin.list(call, null, done)));
  }

  /** Of a partition: two of the brokers that have no replica, and its first. */
  private Integer[] others(int number) {
    List<Integer> free = new ArrayList<>(List.of(1, 2, 3, 4, 5));
    free.removeAll(partition(number).replicas());
    return new Integer[] {free.get(0), free.get(1), partition(number).replicas().get(0)};
  }

  @Test
  void movesBeginAndAreListedAndTakenBack() {
    List<Integer> before = partition(1).replicas();
    Integer[] target = others(1);
    ReassignmentAdmin.Begun begun = ok(reassign(wanted(1, target)));
    assertEquals(List.of(wanted(1, target)), begun.reassignments());
    assertTrue(partition(1).reassigning());
    assertEquals(List.of(target), partition(1).target());
    assertEquals(1, list().underWay().size());
    assertEquals("orders", list().underWay().get(0).topic().name());
    assertEquals(1, list().underWay().get(0).id().partition());
    long index = path.metadata.image().index();
    assertEquals(index, ok(reassign(wanted(1, target))).index(), "the same again: nothing to do");
    assertEquals(List.of(new Named("orders", 1)), ok(cancel(0, 1)).partitions());
    assertEquals(before, partition(1).target());
    assertEquals(List.of(), ok(cancel(0)).partitions());
  }

  @Test
  void aThrottleHoldsFromThenOnUnlessTheMovesAreRefused() {
    assertEquals(1000, list().bytesPerSecond(), "the broker's own");
    assertEquals(
        ErrorReason.BROKER_NOT_FOUND, error(throttled(1_000_000, wanted(0, 1, 2, 9))).reason());
    assertEquals(1000, list().bytesPerSecond());
    assertEquals(ErrorReason.INVALID_FIELD, error(throttled(5, wanted(0, others(0)))).reason());
    ok(throttled(1_000_000, wanted(0, others(0))));
    assertTrue(partition(0).reassigning());
    assertEquals(1_000_000, list().bytesPerSecond());
    ok(reassign(wanted(1, others(1))));
    assertEquals(1_000_000, list().bytesPerSecond());
    ok(throttled(0, wanted(2, others(2))));
    assertEquals(0, list().bytesPerSecond());
  }

  private Result<ReassignmentAdmin.Begun> throttled(long bytesPerSecond, Wanted... wanted) {
    return path.<Result<ReassignmentAdmin.Begun>>call(
        (call, done) -> admin.reassign(call, List.of(wanted), bytesPerSecond, done));
  }

  @Test
  void aDryRunShowsWhatWouldBeAndChangesNothing() {
    long index = path.metadata.image().index();
    Integer[] target = others(0);
    ReassignmentAdmin.Begun planned =
        ok(
            path.<Result<ReassignmentAdmin.Begun>>call(
                (call, done) -> admin.validate(call, List.of(wanted(0, target), wanted(1)), done)));
    assertEquals(List.of(target), planned.reassignments().get(0).replicas());
    assertEquals(3, planned.reassignments().get(1).replicas().size());
    assertEquals(index, path.metadata.image().index());
  }

  @Test
  void whatCannotBeIsRefusedWithWhatWouldBeRight() {
    assertEquals(ErrorReason.INVALID_FIELD, error(reassign()).reason());
    assertEquals(ErrorReason.INVALID_FIELD, error(reassign(wanted(0, 1, 1, 2))).reason());
    ApiError few = error(reassign(wanted(0, 1)));
    assertEquals(ErrorReason.INVALID_FIELD, few.reason());
    assertTrue(few.message().contains("min.insync.replicas of topic 'orders' is 2"), few.message());
    ApiError unknown = error(reassign(wanted(0, 1, 2, 9)));
    assertEquals(ErrorReason.BROKER_NOT_FOUND, unknown.reason());
    assertTrue(unknown.message().contains("[1, 2, 3, 4, 5]"), unknown.message());
    assertEquals(ErrorReason.PARTITION_NOT_FOUND, error(reassign(wanted(7, 1, 2, 3))).reason());
    assertEquals(
        ErrorReason.INVALID_FIELD,
        error(reassign(wanted(0, others(0)), wanted(0, others(0)))).reason());
    Wanted elsewhere = new Wanted(new Named("no", 0), List.of(1, 2, 3));
    assertEquals(ErrorReason.TOPIC_NOT_FOUND, error(reassign(elsewhere)).reason());
    assertEquals(List.of(), list().underWay(), "all or none");
  }

  @Test
  void moreThanTheLimitAtATimeIsRefusedUntilSomeAreDone() {
    ok(reassign(wanted(0, others(0)), wanted(1, others(1)), wanted(2, others(2))));
    ApiError busy = error(reassign(wanted(3, others(3))));
    assertEquals(ErrorReason.BUSY, busy.reason());
    assertTrue(busy.retryAfterMs() > 0 && busy.message().contains("is 3"), busy.message());
    ok(cancel(0));
    ok(reassign(wanted(1, partition(1).original().toArray(Integer[]::new))));
    ApiError never =
        error(
            reassign(
                wanted(0, 1, 2, 3), wanted(1, 2, 3, 4), wanted(2, 3, 4, 5), wanted(3, 4, 5, 1)));
    assertEquals(ErrorReason.BUSY, never.reason());
  }

  @Test
  void theClusterChoosesFewMovesThatMakeBrokersEvenlyUsed() {
    for (int i = 0; i < 3; i++) {
      create("more-" + i, 5, Map.of());
    }
    apply(
        new MetadataCommand.CreateTopic(
            1,
            new TopicId(9, 9),
            "uneven",
            new TreeMap<>(),
            List.of(List.of(1, 2, 3), List.of(1, 2, 3), List.of(1, 2, 3))));
    List<Wanted> all = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      all.add(new Wanted(new Named("uneven", i), List.of()));
    }
    ok(
        path.<Result<ReassignmentAdmin.Begun>>call(
            (call, done) -> admin.reassign(call, all, null, done)));
    TreeMap<Integer, Integer> loads = new TreeMap<>();
    path.metadata
        .image()
        .topics()
        .values()
        .forEach(
            topic ->
                topic
                    .partitions()
                    .forEach(p -> p.target().forEach(id -> loads.merge(id, 1, Integer::sum))));
    int most = loads.values().stream().max(Integer::compare).orElseThrow();
    int least = loads.values().stream().min(Integer::compare).orElseThrow();
    assertTrue(most - least <= 1, loads::toString);
  }

  @Test
  void thePreferredReplicaLeadsIfItIsInSync() {
    PartitionImage now = partition(0);
    int preferred = now.replicas().get(0);
    int other = now.replicas().get(1);
    assertEquals(preferred, ok(elect(0)).leader());
    apply(
        new MetadataCommand.MoveLeaders(
            1,
            List.of(
                new MetadataCommand.LeaderMove(
                    id(0), other, now.leaderEpoch(), now.partitionEpoch()))));
    assertEquals(other, partition(0).leader());
    LeadershipAdmin.Elected elected = ok(elect(0));
    assertEquals(preferred, elected.leader());
    assertEquals(partition(0).leaderEpoch(), elected.leaderEpoch());
    fenceSilently(preferred);
    assertEquals(ErrorReason.NO_ELIGIBLE_LEADER, error(elect(0)).reason());
    assertEquals(ErrorReason.LEADER_EXISTS, error(electUnclean(0, "why")).reason());
    assertEquals(ErrorReason.INVALID_FIELD, error(electUnclean(0, " ")).reason());
  }

  @Test
  void anUncleanElectionTakesWhoLivesWhereNobodyWhoHoldsAllDoes() {
    List<Integer> replicas = partition(0).replicas();
    fenceSilently(replicas.get(2));
    fenceSilently(replicas.get(1));
    fenceSilently(replicas.get(0));
    apply(new MetadataCommand.UnfenceBroker(1, replicas.get(2), epoch(replicas.get(2)), List.of()));
    assertEquals(PartitionImage.NO_LEADER, partition(0).leader());
    assertEquals(ErrorReason.NO_ELIGIBLE_LEADER, error(elect(0)).reason());
    assertEquals(replicas.get(2), ok(electUnclean(0, "two disks are gone")).leader());
  }

  @Test
  void aBrokerIsFencedAndUnfencedAndTheLastHopeOnlyByForce() {
    LeadershipAdmin.Wished fenced = ok(fence(3, false));
    assertEquals(BrokerImage.State.STOPPING, fenced.broker().broker().state());
    assertEquals(0, fenced.broker().leads());
    assertTrue(fenced.broker().broker().wish().fences());
    ok(fence(3, false));
    Integer[] target = others(0);
    if (List.of(target).contains(3) && !partition(0).replicas().contains(3)) {
      assertEquals(ErrorReason.INVALID_FIELD, error(reassign(wanted(0, target))).reason());
    }
    LeadershipAdmin.Wished unfenced =
        ok(
            path.<Result<LeadershipAdmin.Wished>>call(
                (call, done) -> leadership.unfence(call, 3, done)));
    assertEquals(BrokerImage.State.ACTIVE, unfenced.broker().broker().state());
    assertFalse(unfenced.broker().broker().wish().fences());
    assertEquals(ErrorReason.BROKER_NOT_FOUND, error(fence(9, false)).reason());
    List<Integer> replicas = partition(0).replicas();
    fenceSilently(replicas.get(1));
    fenceSilently(replicas.get(2));
    ApiError refused = error(fence(replicas.get(0), false));
    assertEquals(ErrorReason.WOULD_LOSE_DATA, refused.reason());
    assertTrue(refused.message().contains("orders-"), refused.message());
    ok(fence(replicas.get(0), true));
  }

  @Test
  void aBrokerIsDrainedAndForgottenOnlyWhenNothingIsLost() {
    LeadershipAdmin.Wished drained = ok(drain(3, false));
    assertEquals(BrokerImage.State.DRAINING, drained.broker().broker().state());
    assertEquals(0, drained.broker().leads());
    assertEquals(ErrorReason.BROKER_NOT_FOUND, error(drain(9, false)).reason());
    int active = 0;
    for (BrokerImage broker : path.metadata.image().brokers().values()) {
      active += broker.state() == BrokerImage.State.ACTIVE ? 1 : 0;
    }
    for (int id : List.copyOf(path.metadata.image().brokers().keySet())) {
      if (active >= partition(0).replicas().size() && id != 3) {
        fenceSilently(id);
        active--;
      }
    }
    assertEquals(ErrorReason.TOO_FEW_BROKERS, error(drain(3, true)).reason());
    ApiError kept =
        error(path.<Result<Long>>call((call, done) -> leadership.remove(call, 3, done)));
    assertTrue(
        List.of(ErrorReason.IS_VOTER, ErrorReason.BROKER_ALIVE).contains(kept.reason()),
        kept.toString());
  }

  private Result<LeadershipAdmin.Wished> drain(int broker, boolean replicas) {
    return path.call((call, done) -> leadership.drain(call, broker, replicas, null, done));
  }

  private PartitionId id(int number) {
    return new PartitionId(path.metadata.image().topic("orders").id(), number);
  }

  private long epoch(int broker) {
    return path.metadata.image().brokers().get(broker).epoch();
  }

  private void fenceSilently(int broker) {
    apply(new MetadataCommand.FenceBroker(1, broker, epoch(broker), "test"));
  }

  private Result<LeadershipAdmin.Elected> elect(int partition) {
    return path.<Result<LeadershipAdmin.Elected>>call(
        (call, done) -> leadership.electPreferred(call, new Named("orders", partition), done));
  }

  private Result<LeadershipAdmin.Elected> electUnclean(int partition, String reason) {
    return path.<Result<LeadershipAdmin.Elected>>call(
        (call, done) ->
            leadership.electUnclean(call, new Named("orders", partition), reason, done));
  }

  private Result<LeadershipAdmin.Wished> fence(int broker, boolean force) {
    return path.<Result<LeadershipAdmin.Wished>>call(
        (call, done) -> leadership.fence(call, broker, force, done));
  }
}
