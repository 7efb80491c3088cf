package io.kontiki.chaos.simulation;

import io.kontiki.broker.partition.ReplicationLimits;
import io.kontiki.broker.quorum.QuorumNode;
import io.kontiki.broker.session.SessionTiming;
import io.kontiki.log.LogConfig;
import io.kontiki.log.journal.CommitJournal;
import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * What a run is like: how many brokers, which topics and clients, how large the log's parts are.
 *
 * @param voters the first so many brokers vote
 * @param dataLoops of each broker
 * @param limits of replication streams
 * @param producers of records
 * @param administrators whether topics come, go, grow and move meanwhile
 * @param faultSeconds virtual time in which things go wrong
 * @param faultGapMs between two faults, on average
 * @param impatient whether administrators make leaders that need not hold what is committed
 * @param wire whether what brokers ship to each other goes through the bytes of a real stream
 */
public record Plan(
    int brokers,
    int voters,
    int dataLoops,
    ReplicationLimits limits,
    LogConfig logConfig,
    QuorumNode.Settings quorum,
    List<TopicPlan> topics,
    List<ProducerPlan> producers,
    int consumers,
    boolean administrators,
    int faultSeconds,
    int faultGapMs,
    boolean impatient,
    boolean wire) {
  private static final long MS = 1_000_000;

  public Plan {
    topics = List.copyOf(topics);
    producers = List.copyOf(producers);
  }

  /** Three brokers, which vote, and one topic on all of them. */
  public static Plan small() {
    return small(3);
  }

  /** The same with more brokers, which do not vote. */
  public static Plan small(int brokers) {
    return new Plan(
        brokers,
        3,
        1,
        ReplicationLimits.DEFAULT,
        smallLogs(),
        quorumSettings(),
        List.of(new TopicPlan("t0", 2, 3, 2, Durability.FSYNC)),
        List.of(new ProducerPlan(Acks.ALL, true), new ProducerPlan(Acks.ALL, true)),
        1,
        false,
        20,
        400,
        false,
        true);
  }

  /** As a seed has it. */
  public static Plan of(SeededRandom random) {
    int brokers = random.oneIn(3) ? 4 + random.nextInt(4) : 3;
    int voters = brokers >= 5 && random.oneIn(2) ? 5 : 3;
    ReplicationLimits limits =
        random.oneIn(2)
            ? new ReplicationLimits(300, 2_000, 900, 500, 1_200, 200, 1_000, 1_000, 300)
            : ReplicationLimits.DEFAULT;
    int topicCount = 1 + random.nextInt(3);
    List<TopicPlan> topics = new ArrayList<>();
    for (int i = 0; i < topicCount; i++) {
      topics.add(topic(random, "t" + i, brokers));
    }
    List<ProducerPlan> producers = new ArrayList<>();
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      Acks acks = random.oneIn(5) ? Acks.LEADER : random.oneIn(8) ? Acks.NONE : Acks.ALL;
      producers.add(new ProducerPlan(acks, acks == Acks.ALL && !random.oneIn(4)));
    }
    return new Plan(
        brokers,
        voters,
        1 + random.nextInt(2),
        limits,
        smallLogs(),
        quorumSettings(),
        topics,
        producers,
        1 + random.nextInt(2),
        random.oneIn(2),
        20,
        100 + random.nextInt(700),
        false,
        false);
  }

  /** The same with what later kinds of trouble need; of an own source of chance. */
  Plan more(SeededRandom random) {
    boolean letsGo = random.oneIn(2);
    List<TopicPlan> some = new ArrayList<>();
    for (TopicPlan topic : topics) {
      some.add(letsGo ? retention(random, topic) : topic);
    }
    return with(some, producers, logConfig, impatient, wire);
  }

  private Plan with(
      List<TopicPlan> ofTopics,
      List<ProducerPlan> ofProducers,
      LogConfig ofLogs,
      boolean hurried,
      boolean overWire) {
    return new Plan(
        brokers,
        voters,
        dataLoops,
        limits,
        ofLogs,
        quorum,
        ofTopics,
        ofProducers,
        consumers,
        administrators,
        faultSeconds,
        faultGapMs,
        hurried,
        overWire);
  }

  /** The same with what came later still; of an own source of chance. */
  Plan yetMore(SeededRandom random) {
    boolean overWire = random.oneIn(2);
    boolean compacts = random.oneIn(3);
    List<TopicPlan> some = new ArrayList<>();
    boolean hurries = random.oneIn(3);
    for (TopicPlan topic : topics) {
      TopicPlan thin = hurries && random.oneIn(2) ? topic.withMinInsync(1) : topic;
      some.add(compacts && !random.oneIn(3) ? compacted(random, thin) : thin);
    }
    return with(
        some,
        producers,
        compacts ? logConfig.withCleaner(cleaner(random)) : logConfig,
        hurries,
        overWire);
  }

  /** The same with some of the producers thin ones, in one run of three. */
  Plan thinClients(SeededRandom random) {
    if (!random.oneIn(3)) {
      return this;
    }
    List<ProducerPlan> some = new ArrayList<>();
    for (ProducerPlan producer : producers) {
      some.add(new ProducerPlan(producer.acks(), producer.idempotent(), !random.oneIn(3)));
    }
    return with(topics, some, logConfig, impatient, wire);
  }

  /** Compacted as soon as anything is to be had, or lazily; tombstones soon go, or stay. */
  private static TopicPlan compacted(SeededRandom random, TopicPlan topic) {
    long[] retentions = {0, 500, 3_000, 86_400_000};
    return topic.compacted(random.oneIn(3) ? 50 : 0, retentions[random.nextInt(4)]);
  }

  private static LogConfig.Cleaner cleaner(SeededRandom random) {
    return new LogConfig.Cleaner(1 << 16, random.oneIn(2) ? 1L << 30 : 1 << 16, 100);
  }

  /**
   * By bytes, soon; or by a time that passes only on clocks that are wrong, and must not be
   * believed (P17).
   */
  private static TopicPlan retention(SeededRandom random, TopicPlan topic) {
    return switch (random.nextInt(3)) {
      case 0 -> topic;
      case 1 -> topic.keeping(16_384 + random.nextInt(65_536), -1);
      default -> topic.keeping(-1, 3_600_000);
    };
  }

  /** A topic as chance has it. */
  static TopicPlan topic(SeededRandom random, String name, int brokers) {
    int[] factors = {3, 3, 3, 1, 2, 5};
    int replication = Math.min(brokers, factors[random.nextInt(factors.length)]);
    int usual = replication / 2 + 1;
    int minInsync = random.oneIn(4) ? 1 + random.nextInt(replication) : usual;
    return new TopicPlan(
        name,
        1 + random.nextInt(3),
        replication,
        minInsync,
        random.oneIn(4) ? Durability.REPLICATED : Durability.FSYNC);
  }

  private static LogConfig smallLogs() {
    return LogConfig.defaults()
        .withJournal(new CommitJournal.Sizes(64 << 10, 4, 1 << 20))
        .withHot(32 << 10, 16 << 10)
        .withCheckpoints(1_000, 16 << 10);
  }

  private static QuorumNode.Settings quorumSettings() {
    return new QuorumNode.Settings(
        new SessionTiming(
            200 * MS,
            1_500 * MS,
            1_200 * MS,
            100 * MS,
            600 * MS,
            100 * MS,
            10_000 * MS,
            1_000 * MS),
        500,
        10_000,
        64 << 20,
        1,
        30_000 * MS);
  }
}
