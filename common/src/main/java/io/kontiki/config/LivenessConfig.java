package io.kontiki.config;

import static io.kontiki.config.Parsers.durationMs;

import java.util.List;

/**
 * The times after which something counts as slow, silent or dead (CORRECTNESS 3.1). All in
 * milliseconds.
 */
public record LivenessConfig(
    long heartbeatMs,
    long sessionTimeoutMs,
    long leaseMs,
    long electionTimeoutMs,
    long replicaSilentMs,
    long replicaLagMs,
    long rejoinDelayMs,
    long rejoinDelayMaxMs,
    long highWatermarkCheckpointMs,
    long controlledStopMs,
    boolean leaderRebalance,
    long leaderRebalanceQuietMs) {

  static final ConfigKey<Long> HEARTBEAT =
      ms("heartbeat.ms", 200, "How often a broker tells the metadata leader that it lives (R4).");
  static final ConfigKey<Long> SESSION =
      ms(
          "session.timeout.ms",
          1500,
          "After so long without a heartbeat the metadata leader fences a broker (R4).");
  static final ConfigKey<Long> LEASE =
      ms(
          "lease.ms",
          1200,
          "So long after its last answered heartbeat a broker takes its own word for current (R5)."
              + " At most 0.8 of session.timeout.ms, so that clocks may differ in their rates.");
  static final ConfigKey<Long> ELECTION =
      ms(
          "raft.election.timeout.ms",
          500,
          "After so long without the Raft leader a voter calls an election.");
  static final ConfigKey<Long> SILENT =
      ms(
          "replica.silent.ms",
          2000,
          "A follower that owes an acknowledgement so long leaves the in-sync set (R38).");
  static final ConfigKey<Long> LAG =
      ms(
          "replica.lag.ms",
          10_000,
          "A follower that is so far behind its leader leaves the in-sync set (R38).");
  static final ConfigKey<Long> REJOIN =
      ms(
          "replica.rejoin.delay.ms",
          1000,
          "After leaving for slowness a follower must keep up so long to be in sync again; doubled"
              + " with each time (R38).");
  static final ConfigKey<Long> REJOIN_MAX =
      ms("replica.rejoin.delay.max.ms", 30_000, "Where that doubling ends.");
  static final ConfigKey<Long> CHECKPOINT =
      ms(
          "high.watermark.checkpoint.ms",
          5000,
          "How often high watermarks are noted for the next start (R39).");
  static final ConfigKey<Long> STOP =
      ms("controlled.stop.ms", 10_000, "How long a planned stop may take (R7).");

  static final ConfigKey<Boolean> REBALANCE =
      new ConfigKey<>(
          "auto.leader.rebalance.enable",
          "true",
          false,
          "",
          "Whether leaderships go back to the first replica of each partition, a few at a time, once"
              + " it is in sync again (R43). Of the metadata leader.",
          Parsers::bool);
  static final ConfigKey<Long> REBALANCE_QUIET =
      ms(
          "auto.leader.rebalance.quiet.ms",
          30_000,
          "How long after the last fence, and after an election of the partition itself, they stay"
              + " where they are (R43).");

  static final List<ConfigKey<?>> KEYS =
      List.of(
          HEARTBEAT,
          SESSION,
          LEASE,
          ELECTION,
          SILENT,
          LAG,
          REJOIN,
          REJOIN_MAX,
          CHECKPOINT,
          STOP,
          REBALANCE,
          REBALANCE_QUIET);

  static LivenessConfig from(Config config, List<String> errors) {
    LivenessConfig read =
        new LivenessConfig(
            config.get(HEARTBEAT),
            config.get(SESSION),
            config.get(LEASE),
            config.get(ELECTION),
            config.get(SILENT),
            config.get(LAG),
            config.get(REJOIN),
            config.get(REJOIN_MAX),
            config.get(CHECKPOINT),
            config.get(STOP),
            config.get(REBALANCE),
            config.get(REBALANCE_QUIET));
    if (read.leaseMs * 10 > read.sessionTimeoutMs * 8) {
      errors.add(
          LEASE.name()
              + " = "
              + read.leaseMs
              + " must be at most 0.8 of "
              + SESSION.name()
              + " = "
              + read.sessionTimeoutMs);
    }
    if (read.leaseMs * 10 > read.replicaSilentMs * 8) {
      errors.add(
          LEASE.name()
              + " = "
              + read.leaseMs
              + " must be at most 0.8 of "
              + SILENT.name()
              + " = "
              + read.replicaSilentMs
              + ": a deposed leader's lease must end before its successor can do without it (R5)");
    }
    if (read.heartbeatMs * 2 > read.leaseMs) {
      errors.add(
          HEARTBEAT.name()
              + " = "
              + read.heartbeatMs
              + " must be at most half of "
              + LEASE.name()
              + " = "
              + read.leaseMs);
    }
    if (read.rejoinDelayMs > read.rejoinDelayMaxMs) {
      errors.add(REJOIN.name() + " must not be above " + REJOIN_MAX.name());
    }
    return read;
  }

  private static ConfigKey<Long> ms(String name, long defaultMs, String doc) {
    return new ConfigKey<>(
        name, String.valueOf(defaultMs), false, "ms", doc, durationMs(1, 3_600_000));
  }
}
