package io.kontiki.broker.api;

import static io.kontiki.broker.api.RequestPath.error;
import static io.kontiki.broker.api.RequestPath.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.NodeReports.ConfigLine;
import io.kontiki.broker.api.NodeReports.ConfigOrigin;
import io.kontiki.broker.api.NodeReports.LogDir;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ClusterAdminTest {
  private final RequestPath path = new RequestPath(3);
  private final OwnReports reports =
      new OwnReports(
          1,
          () -> List.of(new LogDir("/d", LogDir.State.ONLINE, 100, 50, 10)),
          List.of(new ConfigLine("loops", "2", "0", ConfigOrigin.FILE, "", "Loops.")));
  private final ClusterAdmin admin = new ClusterAdmin(path.metadata, reports, ShardViews.NONE);
  private final ConfigAdmin config = new ConfigAdmin(path.metadata, reports);

  private ClusterSummary describe(@Nullable Long minIndex) {
    return ok(
        path.<Result<ClusterSummary>>call((call, done) -> admin.describe(call, minIndex, done)));
  }

  @Test
  void aHealthyClusterHasNoProblems() {
    path.metadata.topic("orders", 4, Map.of());
    ClusterSummary summary = describe(null);
    assertEquals(List.of(), summary.problems());
    assertEquals(1, summary.controllerId());
    assertEquals(4, summary.partitions());
  }

  @Test
  void problemsAreSentencesThatNameTheThing() {
    path.metadata.topic("orders", 2, Map.of());
    path.metadata.fence(3);
    ClusterSummary one = describe(null);
    assertEquals(1, one.fencedBrokers());
    assertEquals(2, one.underReplicated());
    assertEquals(0, one.underMinIsr());
    assertTrue(one.problems().get(0).startsWith("Broker 3 (10.0.0.3:7600) is fenced"));
    path.metadata.fence(2);
    path.metadata.fence(1);
    path.metadata.quorum(false);
    ClusterSummary all = describe(0L);
    assertEquals(2, all.offline());
    assertEquals(2, all.underMinIsr());
    String text = String.join(" ", all.problems());
    assertTrue(text.contains("No leader of the metadata quorum is known"), text);
    assertTrue(text.contains("2 partitions (the first is orders-0) have no leader"), text);
    assertTrue(text.contains("acks=all is refused"), text);
  }

  @Test
  void brokersAreCountedAndOnlyTheOwnDirectoriesAreKnown() {
    path.metadata.topic("orders", 4, Map.of());
    ClusterAdmin.Brokers brokers =
        ok(
            path.<Result<ClusterAdmin.Brokers>>call(
                (call, done) -> admin.brokers(call, true, null, done)));
    assertEquals(3, brokers.brokers().size());
    assertEquals(4, brokers.brokers().get(0).leads());
    assertEquals(4, brokers.brokers().get(2).replicas());
    assertEquals("/d", brokers.brokers().get(0).logDirs().get(0).path());
    assertEquals(List.of(), brokers.brokers().get(1).logDirs());
  }

  @Test
  void theQuorumIsToldWithoutAQuorumToo() {
    path.metadata.quorum(false);
    ClusterAdmin.QuorumView view = path.<List<ClusterAdmin.QuorumView>>call(admin::quorum).get(0);
    assertEquals("metadata", view.status().group());
    assertEquals(3, view.members().size());
    assertEquals(-1, view.members().get(0).matchIndex());
  }

  @Test
  void aTopicsConfigurationIsCompleteAndSaysWhatWasSet() {
    path.metadata.topic("orders", 1, Map.of("retention.ms", "5"));
    List<ConfigLine> lines =
        ok(
            path.<Result<List<ConfigLine>>>call(
                (call, done) -> config.ofTopic(call, "orders", done)));
    for (ConfigLine line : lines) {
      boolean set = line.key().equals("retention.ms");
      assertEquals(set ? ConfigOrigin.TOPIC : ConfigOrigin.DEFAULT, line.origin(), line.key());
      assertEquals(set ? "5" : line.defaultValue(), line.value());
    }
    assertTrue(
        lines.stream()
            .anyMatch(
                line -> line.key().equals("min.insync.replicas") && line.value().equals("2")));
  }

  @Test
  void anotherBrokersConfigurationIsUnreachableAndAnUnknownBrokerNotFound() {
    assertEquals("loops", ok(ofBroker(1)).get(0).key());
    assertEquals(ErrorReason.BROKER_UNREACHABLE, error(ofBroker(2)).reason());
    assertEquals(ErrorReason.BROKER_NOT_FOUND, error(ofBroker(9)).reason());
  }

  private Result<List<ConfigLine>> ofBroker(int id) {
    return path.call((call, done) -> config.ofBroker(call, id, done));
  }

  @Test
  void producerIdsAreNeverHandedOutTwiceOverBlocksAndBrokers() {
    ProducerIds other = new ProducerIds(path.metadata, path.control, true);
    ProducerIds raw = new ProducerIds(path.metadata, path.control, false);
    Set<Long> seen = new HashSet<>();
    for (int i = 0; i < 1500; i++) {
      assertTrue(seen.add(ok(path.<Result<Long>>call(path.thinIds::next))));
      assertTrue(seen.add(ok(path.<Result<Long>>call(other::next))));
    }
    assertTrue(seen.stream().allMatch(id -> id >= 1L << 52));
    assertEquals(0, ok(path.<Result<Long>>call(raw::next)));
    ProducerIds third = new ProducerIds(path.metadata, path.control, true);
    path.metadata.quorum(false);
    assertEquals(
        ErrorReason.QUORUM_UNAVAILABLE, error(path.<Result<Long>>call(third::next)).reason());
    path.metadata.quorum(true);
    ok(path.<Result<Long>>call(third::next));
  }

  @Test
  void offsetsAreListedByNumberAndWhatIsMissingIsSaid() {
    TopicId topic = path.metadata.topic("orders", 3, Map.of());
    path.produce(
        new ProduceRequest(
            "orders", 1, List.of(RequestPath.record("k", "v")), io.kontiki.model.Acks.ALL, -1, 0));
    assertEquals(
        List.of(0L, 1L, 0L),
        ok(offsets("orders", List.of(), new StartSpec.Latest())).stream()
            .map(OffsetListing.Listed::offset)
            .toList());
    List<OffsetListing.Listed> some =
        ok(offsets("orders", List.of(1, 0, 1), new StartSpec.AtTime(0)));
    assertEquals(List.of(0, 1), some.stream().map(OffsetListing.Listed::partition).toList());
    assertEquals(-1, some.get(0).timestampMs(), "nothing was found in partition 0");
    assertEquals(path.time.clock().wallMs(), some.get(1).timestampMs());
    assertEquals(
        ErrorReason.PARTITION_NOT_FOUND,
        error(offsets("orders", List.of(3), new StartSpec.Latest())).reason());
    assertEquals(
        ErrorReason.GROUP_NOT_FOUND,
        error(offsets("orders", List.of(), new StartSpec.CommittedBy("g"))).reason());
    assertEquals(
        "at.offset",
        error(offsets("orders", List.of(), new StartSpec.AtOffset(1))).metadata().get("field"));
    path.partitions.failing(
        new io.kontiki.model.PartitionId(topic, 2),
        () -> io.kontiki.model.ApiError.retriable(ErrorReason.OFFSET_NOT_AVAILABLE, "HW", 10));
    assertEquals(
        ErrorReason.OFFSET_NOT_AVAILABLE,
        error(offsets("orders", List.of(), new StartSpec.Latest())).reason());
  }

  private Result<List<OffsetListing.Listed>> offsets(
      String topic, List<Integer> partitions, StartSpec at) {
    return path.call((call, done) -> path.offsets.list(call, topic, partitions, at, done));
  }

  /** Applies what a watch tells, as a client would. */
  private static final class View implements ClusterWatch.Sink {
    final List<ClusterWatch.Piece> pieces = new ArrayList<>();
    boolean ready = true;
    int heartbeats;

    @Override
    public boolean ready() {
      return ready;
    }

    @Override
    public void piece(ClusterWatch.Piece piece) {
      pieces.add(piece);
    }

    @Override
    public void heartbeat(long index) {
      heartbeats++;
    }
  }

  @Test
  void aWatchTellsASnapshotAndThenOnlyWhatChanged() {
    TopicId topic = path.metadata.topic("orders", 3, Map.of());
    path.metadata.topic("other", 1, Map.of());
    View view = new View();
    ClusterWatch watch =
        new ClusterWatch(path.metadata, path.home, Set.of("orders", "later"), false, view);
    path.home.run(watch::start);
    path.time.advanceMs(1);
    ClusterWatch.Piece snapshot = view.pieces.get(0);
    assertTrue(snapshot.first() && snapshot.complete());
    assertEquals(3, snapshot.brokers().size());
    assertEquals(1, snapshot.topics().size());
    assertEquals(3, snapshot.topics().get(0).partitions().size());
    view.pieces.clear();

    view.ready = false;
    path.metadata.topic("later", 1, Map.of());
    path.metadata.apply(new io.kontiki.metadata.MetadataCommand.DeleteTopic(0, topic));
    path.metadata.fence(2);
    path.time.advanceMs(1);
    assertEquals(List.of(), view.pieces, "a slow watcher is told nothing");
    view.ready = true;
    path.home.run(watch::onReady);
    path.time.advanceMs(1);
    assertEquals(1, view.pieces.size(), "three changes in one");
    ClusterWatch.Piece change = view.pieces.get(0);
    assertTrue(!change.first() && change.complete());
    assertEquals(List.of(2), change.brokers().stream().map(broker -> broker.id()).toList());
    assertEquals("later", change.topics().get(0).topic().name());
    assertEquals(List.of(topic), change.removedTopics());
    path.time.advanceMs(20_000);
    assertEquals(2, view.heartbeats);
    path.home.run(watch::cancel);
    path.time.advanceMs(1);
    assertEquals(0, path.metadata.listeners());
  }

  @Test
  void aWatchOfAllTopicsComesInPiecesAndWithoutAQuorumToo() {
    for (int i = 0; i < 4; i++) {
      path.metadata.topic("t" + i, 2000, Map.of());
    }
    path.metadata.quorum(false);
    View view = new View();
    ClusterWatch watch = new ClusterWatch(path.metadata, path.home, Set.of(), true, view);
    path.home.run(watch::start);
    path.time.advanceMs(3000);
    assertEquals(2, view.pieces.size());
    assertTrue(view.pieces.get(0).first() && !view.pieces.get(0).complete());
    assertTrue(!view.pieces.get(1).first() && view.pieces.get(1).complete());
    path.metadata.fence(3);
    path.time.advanceMs(1);
    assertEquals(2000, view.pieces.get(view.pieces.size() - 1).topics().get(0).partitions().size());
  }
}
