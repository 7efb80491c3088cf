package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;

import io.kontiki.chaos.history.Anomaly;
import io.kontiki.client.KontikiClient;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A cluster of three to which one thing after the other happens under load, each with a topic of
 * its own, and which heals in between. One thread.
 */
final class Failover implements AutoCloseable {
  private static final int NODES = 3;
  private static final int PARTITIONS = 6;
  private static final Duration STOP = Duration.ofSeconds(20);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final ProcessCluster cluster;
  private final KontikiClient client;
  private final LoadShape shape;

  private Failover(ProcessCluster cluster, LoadShape shape) {
    this.cluster = cluster;
    this.client = KontikiClient.connect(String.join(",", cluster.bootstrap()));
    this.shape = shape;
  }

  /**
   * Starts the cluster.
   *
   * @param name of the directory of its logs
   */
  static Failover start(String name, LoadShape shape) {
    return new Failover(ProcessCluster.start(name, NODES, Map.of()), shape);
  }

  ProcessCluster cluster() {
    return cluster;
  }

  /**
   * Lets one thing happen, waits until the cluster is whole again, and reads back what was written.
   *
   * @param round from 0; with the event the name of a topic that is not there yet
   */
  FailoverRun run(FailoverEvent event, int round) {
    String topic = event.id() + "-" + round;
    cluster.createTopic(topic, PARTITIONS, NODES, Map.of("durability", event.durability()));
    cluster.awaitInSync(topic, PARTITIONS, NODES);
    Map<Integer, Integer> leaders = awaitEachNodeLeads(topic);
    FailoverTarget target =
        FailoverTarget.choose(event, round, cluster.awaitMetadataLeader(), leaders);
    FailoverRun run;
    try (Load load = Load.start(cluster, client, topic, target.partitions(), shape)) {
      run = new UnderLoad(event, topic, target, leaders, load).run();
    }
    cluster.deleteTopic(topic);
    return run;
  }

  /** Preferred leaders of a new topic are spread, but one that has just come back may lag. */
  private Map<Integer, Integer> awaitEachNodeLeads(String topic) {
    return await("a leader of " + topic + " on each node")
        .atMost(PATIENCE)
        .until(
            () -> cluster.leaders(topic),
            leaders ->
                leaders.size() == PARTITIONS && new TreeSet<>(leaders.values()).size() == NODES);
  }

  /** One event. */
  private final class UnderLoad {
    private final FailoverEvent event;
    private final String topic;
    private final FailoverTarget target;
    private final Map<Integer, Integer> leaders;
    private final Load load;
    private FailoverRun.@Nullable Restart restart;

    UnderLoad(
        FailoverEvent event,
        String topic,
        FailoverTarget target,
        Map<Integer, Integer> leaders,
        Load load) {
      this.event = event;
      this.topic = topic;
      this.target = target;
      this.leaders = leaders;
      this.load = load;
    }

    FailoverRun run() {
      load.awaitAllGoOn();
      aSecond();
      if (!event.isFreeze()) {
        return measured(null);
      }
      try (DirectSends direct = new DirectSends(cluster.node(target.node()), load.history())) {
        return measured(direct);
      }
    }

    private FailoverRun measured(@Nullable DirectSends direct) {
      load.resetPauses();
      Instant at = Instant.now();
      long begin = System.nanoTime();
      happen();
      if (direct != null) {
        direct.send(topic, ledByTarget());
      }
      load.awaitAllGoOn();
      aSecond();
      long overcome = System.nanoTime();
      heal();
      if (direct != null) {
        direct.awaitOutcomes();
      }
      load.awaitAllGoOn();
      long healed = System.nanoTime();
      long longestOneByOneMs = shape.oneByOne() == 0 ? 0 : load.longestPauseMs();
      List<Anomaly> anomalies = load.finish();
      AckTimes times = load.times();
      return new FailoverRun(
          event,
          target,
          at,
          times.outage(target.partitions(), begin, overcome),
          times.outage(target.partitions(), overcome, healed),
          restart,
          longestOneByOneMs,
          load.acked(),
          load.failed(),
          anomalies);
    }

    private void aSecond() {
      load.awaitAcked(shape.perSecond());
    }

    private List<Integer> ledByTarget() {
      return target.partitions().stream()
          .filter(partition -> leaders.get(partition) == target.node())
          .toList();
    }

    private void happen() {
      switch (event) {
        case NOTHING -> aSecond();
        case KILL_LEADER, KILL_FOLLOWER, KILL_METADATA_LEADER, KILL_BOTH ->
            cluster.node(target.node()).kill();
        case FREEZE_LEADER, FREEZE_BOTH -> cluster.node(target.node()).freeze();
        case STOP_NODE -> stop(cluster.node(target.node()));
        case RESTART_FSYNC, RESTART_REPLICATED -> restartAll();
      }
    }

    private void stop(ServerNode node) {
      int code = node.stop(STOP);
      if (code != 0) {
        throw new IllegalStateException(
            "node " + node.id() + " ended with " + code + " on SIGTERM:\n" + node.logTail());
      }
    }

    private void restartAll() {
      cluster.killAll();
      long start = System.nanoTime();
      cluster.startNodes();
      load.awaitAllGoOn();
      long first = Long.MAX_VALUE;
      long last = 0;
      for (int partition : target.partitions()) {
        long nanos = load.times().firstAckAfter(partition, start).orElseThrow() - start;
        first = Math.min(first, nanos);
        last = Math.max(last, nanos);
      }
      restart = new FailoverRun.Restart(first, last);
    }

    private void heal() {
      if (event.isFreeze()) {
        cluster.node(target.node()).thaw();
      }
      cluster.startAll();
      cluster.awaitInSync(topic, PARTITIONS, NODES);
    }
  }

  @Override
  public void close() {
    client.close();
    cluster.close();
  }
}
