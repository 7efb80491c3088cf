package io.kontiki.broker.metrics;

import io.kontiki.broker.api.Health;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.partition.ReplicationMeters;
import io.kontiki.broker.replicas.LocalPartitions;
import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.raft.RaftGroup;
import io.kontiki.replication.Resignation;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * The registry behind {@code /metrics}. Gauges are computed when they are read; counters of a topic
 * go when the topic goes.
 */
public final class PrometheusMetrics
    implements BrokerMetrics, LocalPartitions.Traffic, ReplicationMeters, Metadata.Listener {
  private static final String APPEND_BYTES = "kontiki.log.append.bytes";
  private static final String APPEND_RECORDS = "kontiki.log.append.records";
  private static final String FETCH_BYTES = "kontiki.log.fetch.bytes";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Map<String, TopicCounters> topics = new ConcurrentHashMap<>();
  private final Map<String, Timer> requests = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> streams = new ConcurrentHashMap<>();
  private final Map<Resignation.Cause, Counter> resignations =
      new EnumMap<>(Resignation.Cause.class);
  private final LongAdder catchUpReplicas = new LongAdder();
  private final LongAdder noRoomReplicas = new LongAdder();
  private final Counter catchUpBytes;
  private final int brokerId;

  private record TopicCounters(Counter appendBytes, Counter appendRecords, Counter fetchBytes) {}

  /** With a few numbers of the process itself. */
  public PrometheusMetrics(int brokerId) {
    this.brokerId = brokerId;
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    gauge(
        "jvm.memory.heap.used",
        "bytes",
        "Heap in use.",
        () -> memory.getHeapMemoryUsage().getUsed());
    gauge(
        "jvm.memory.heap.max",
        "bytes",
        "Greatest heap.",
        () -> memory.getHeapMemoryUsage().getMax());
    gauge(
        "jvm.threads",
        "threads",
        "Live threads.",
        () -> ManagementFactory.getThreadMXBean().getThreadCount());
    gauge(
        "process.uptime",
        "seconds",
        "Since the start of the process.",
        () -> ManagementFactory.getRuntimeMXBean().getUptime() / 1000.0);
    gauge("jvm.gc.pause", "seconds", "Spent in collections so far.", PrometheusMetrics::gcSeconds);
    for (Resignation.Cause cause : Resignation.Cause.values()) {
      resignations.put(
          cause,
          Counter.builder("kontiki.partition.resignations")
              .description("Times that a leader here asked to be replaced (R38).")
              .tag("cause", cause.name().toLowerCase(Locale.ROOT))
              .register(registry));
    }
    catchUpBytes =
        Counter.builder("kontiki.replication.catchup.bytes")
            .description("Bytes shipped from here to replicas that catch up.")
            .register(registry);
    gauge(
        "kontiki.replication.catchup.replicas",
        "",
        "Replicas that are being caught up from here.",
        catchUpReplicas::sum);
    gauge(
        "kontiki.replication.no.room.replicas",
        "",
        "Replicas here that are not appended to because the disk is full (D4).",
        noRoomReplicas::sum);
  }

  @Override
  public void onResignation(Resignation.Cause cause) {
    Objects.requireNonNull(resignations.get(cause)).increment();
  }

  @Override
  public void onCatchUp(int replicas, long bytes) {
    catchUpReplicas.add(replicas);
    catchUpBytes.increment((double) bytes);
  }

  @Override
  public void onNoRoom(int replicas) {
    noRoomReplicas.add(replicas);
  }

  private static double gcSeconds() {
    long ms = 0;
    for (var collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      ms += Math.max(0, collector.getCollectionTime());
    }
    return ms / 1000.0;
  }

  /** A number that is computed whenever it is read; any thread, must not block. */
  public void gauge(String name, String unit, String help, Supplier<Number> value) {
    Gauge.builder(name, value)
        .baseUnit(unit.isEmpty() ? null : unit) // an empty one would leave its underscore
        .description(help)
        .register(registry);
  }

  /** A total that only grows, kept elsewhere; any thread, must not block. */
  public void counter(String name, String help, Supplier<Number> value) {
    // The registry holds the object weakly, and the function not.
    FunctionCounter.builder(name, this, unused -> value.get().doubleValue())
        .description(help)
        .register(registry);
  }

  /** Times of something, in nanoseconds, told by any thread. */
  public LongConsumer timer(String name, String help) {
    Timer timer =
        Timer.builder(name)
            .description(help)
            .publishPercentileHistogram()
            .maximumExpectedValue(Duration.ofSeconds(10))
            .register(registry);
    return nanos -> timer.record(nanos, TimeUnit.NANOSECONDS);
  }

  /** Tells of the cluster as this broker sees it. */
  public void bind(Metadata metadata, Health health) {
    metadata.listen(this);
    gauge(
        "kontiki.broker.active",
        "",
        "1 if this broker is unfenced, has its lease and knows a quorum.",
        () -> health.ready().ok() ? 1 : 0);
    ofImage(
        metadata,
        "kontiki.broker.fenced",
        "1 if the metadata says that this broker is fenced.",
        image -> {
          BrokerImage self = image.brokers().get(brokerId);
          return self == null || !self.unfenced() ? 1 : 0;
        });
    ofImage(
        metadata,
        "kontiki.partition.count",
        "Partitions of which this broker should have a copy.",
        image -> count(image, partition -> partition.replicas().contains(brokerId)));
    ofImage(
        metadata,
        "kontiki.partition.leader",
        "Partitions that this broker leads.",
        image -> count(image, partition -> partition.leader() == brokerId));
    ofImage(
        metadata,
        "kontiki.partition.under.replicated",
        "Partitions that this broker leads with fewer in-sync replicas than replicas.",
        image ->
            count(
                image, partition -> partition.leader() == brokerId && partition.underReplicated()));
    ofImage(
        metadata,
        "kontiki.partition.under.min.isr",
        "Partitions that this broker leads with too few in-sync replicas for acks=all.",
        this::underMinIsr);
    ofImage(
        metadata,
        "kontiki.partition.reassigning",
        "Partitions that this broker leads and whose replicas are on their way.",
        image ->
            count(image, partition -> partition.leader() == brokerId && partition.reassigning()));
    ofImage(
        metadata,
        "kontiki.partition.offline",
        "Partitions of which this broker should have a copy and which nobody leads.",
        image ->
            count(
                image,
                partition ->
                    partition.leader() == PartitionImage.NO_LEADER
                        && partition.replicas().contains(brokerId)));
    ofImage(metadata, "kontiki.topic.count", "Topics.", image -> image.topics().size());
    ofImage(
        metadata, "kontiki.metadata.index", "Index of this broker's copy.", ClusterImage::index);
    ofQuorum(
        metadata, "kontiki.raft.term", "Term of the metadata quorum.", RaftGroup.RaftStatus::term);
    ofQuorum(
        metadata,
        "kontiki.raft.committed.index",
        "Committed by the metadata quorum, as this node knows.",
        RaftGroup.RaftStatus::committedIndex);
    ofQuorum(
        metadata,
        "kontiki.raft.leader",
        "Node that leads the metadata quorum, as this node knows; 0 or less: nobody.",
        RaftGroup.RaftStatus::leaderId);
    ofQuorum(
        metadata,
        "kontiki.raft.leading",
        "1 if this node leads the metadata quorum.",
        status -> status.leading() ? 1 : 0);
  }

  private void ofImage(
      Metadata metadata, String name, String help, ToDoubleFunction<ClusterImage> value) {
    gauge(name, "", help, () -> value.applyAsDouble(metadata.image()));
  }

  private void ofQuorum(
      Metadata metadata, String name, String help, ToDoubleFunction<RaftGroup.RaftStatus> value) {
    Gauge.builder(name, () -> value.applyAsDouble(metadata.quorum()))
        .description(help)
        .tag("group", "metadata")
        .register(registry);
  }

  private int underMinIsr(ClusterImage image) {
    int count = 0;
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        int replicas = partition.replicationFactor();
        // A full in-sync set is enough; settings are parsed only for the few that are not.
        if (partition.leader() == brokerId
            && partition.isr().size() < replicas
            && partition.isr().size()
                < TopicConfig.of(topic.config()).minInsyncReplicas(replicas)) {
          count++;
        }
      }
    }
    return count;
  }

  private static int count(ClusterImage image, java.util.function.Predicate<PartitionImage> which) {
    int count = 0;
    for (TopicImage topic : image.topics().values()) {
      for (PartitionImage partition : topic.partitions()) {
        count += which.test(partition) ? 1 : 0;
      }
    }
    return count;
  }

  @Override
  public void onAppended(String topic, int records, long bytes) {
    TopicCounters counters = counters(topic);
    counters.appendBytes().increment((double) bytes);
    counters.appendRecords().increment(records);
  }

  @Override
  public void onFetched(String topic, long bytes) {
    counters(topic).fetchBytes().increment((double) bytes);
  }

  private TopicCounters counters(String topic) {
    TopicCounters known = topics.get(topic);
    return known != null
        ? known
        : topics.computeIfAbsent(
            topic,
            name ->
                new TopicCounters(
                    counter(APPEND_BYTES, "Bytes that leaders here appended.", name),
                    counter(APPEND_RECORDS, "Records that leaders here appended.", name),
                    counter(FETCH_BYTES, "Bytes that leaders here gave to clients.", name)));
  }

  private Counter counter(String name, String help, String topic) {
    return Counter.builder(name).description(help).tag("topic", topic).register(registry);
  }

  @Override
  public void onRequest(String door, String method, String code, long nanos) {
    requests
        .computeIfAbsent(
            door + " " + method + " " + code,
            key ->
                Timer.builder("kontiki.request")
                    .description("Unary calls.")
                    .tag("door", door)
                    .tag("method", method)
                    .tag("code", code)
                    .register(registry))
        .record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void onStream(String method, int change) {
    streams
        .computeIfAbsent(
            method,
            name -> {
              AtomicInteger open = new AtomicInteger();
              Gauge.builder("kontiki.streams", open::get)
                  .description("Open streams.")
                  .tag("method", name)
                  .register(registry);
              return open;
            })
        .addAndGet(change);
  }

  /** Forgets topics that are no more. */
  @Override
  public void onImage(ClusterImage image) {
    topics
        .entrySet()
        .removeIf(
            entry -> {
              boolean gone = !image.topicNames().containsKey(entry.getKey());
              if (gone) {
                registry.remove(entry.getValue().appendBytes());
                registry.remove(entry.getValue().appendRecords());
                registry.remove(entry.getValue().fetchBytes());
              }
              return gone;
            });
  }

  /** The registry, for meters of other parts. */
  public MeterRegistry registry() {
    return registry;
  }

  /** The text of {@code /metrics}. */
  public String scrape() {
    return registry.scrape();
  }
}
