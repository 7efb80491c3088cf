package io.kontiki.config;

import static io.kontiki.config.Parsers.durationMs;
import static io.kontiki.config.Parsers.intBytes;
import static io.kontiki.config.Parsers.integer;
import static io.kontiki.config.Parsers.oneOf;

import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import java.math.BigDecimal;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a topic; names and meanings are Apache Kafka's where Kafka has them.
 *
 * @param durability when a replica holds a record (R36); fixed when the topic is made
 * @param explicitMinInsync as set; empty: half of the replication factor, rounded down, and one
 *     (R37)
 * @param maxMessageBytes greatest batch, as it is stored
 * @param retentionMs age at which segments go; -1: none
 * @param retentionBytes size of a partition beyond which the oldest segments go; -1: none
 * @param segmentBytes size at which a new segment begins
 * @param segmentMs age at which a new segment begins
 * @param cleanupPolicy what becomes of old records
 * @param minCompactionLagMs age below which a record is not compacted
 * @param maxCompactionLagMs age from which on a record that was not compacted must not wait longer
 * @param deleteRetentionMs how long a tombstone stays once it has been compacted
 * @param minCleanableDirtyRatio share of a log's bytes that is not compacted yet, from which on it
 *     is; 0 to 1
 * @param timestampType whose time the records carry
 */
public record TopicConfig(
    Durability durability,
    OptionalInt explicitMinInsync,
    int maxMessageBytes,
    long retentionMs,
    long retentionBytes,
    int segmentBytes,
    long segmentMs,
    CleanupPolicy cleanupPolicy,
    long minCompactionLagMs,
    long maxCompactionLagMs,
    long deleteRetentionMs,
    double minCleanableDirtyRatio,
    TimestampType timestampType) {
  private static final long UNLIMITED = -1;

  static final ConfigKey<Durability> DURABILITY =
      new ConfigKey<>(
          "durability",
          "fsync",
          false,
          "",
          "fsync: a replica holds a record when it is on stable storage. replicated: when it is in"
              + " its memory. Cannot be changed later.",
          Durability::parse);
  static final ConfigKey<OptionalInt> MIN_INSYNC =
      new ConfigKey<>(
          "min.insync.replicas",
          "",
          false,
          "",
          "Replicas that must be in sync for acks=all. Empty: half of the replication factor,"
              + " rounded down, and one. Not above the replication factor.",
          text ->
              text.isEmpty() ? OptionalInt.empty() : OptionalInt.of(integer(1, 15).apply(text)));
  static final ConfigKey<Integer> MAX_MESSAGE_BYTES =
      new ConfigKey<>(
          "max.message.bytes",
          "1048588",
          false,
          "bytes",
          "Greatest batch of records, as it is stored (compressed, if it is).",
          intBytes(1, 64 * 1024 * 1024));
  static final ConfigKey<Long> RETENTION_MS =
      new ConfigKey<>(
          "retention.ms",
          "604800000",
          false,
          "ms",
          "Records older than this are deleted, segment by segment: when the newest one of a segment"
              + " is that old. -1: none for its age.",
          unlimitedOr(durationMs(0, Long.MAX_VALUE)));
  static final ConfigKey<Long> RETENTION_BYTES =
      new ConfigKey<>(
          "retention.bytes",
          "-1",
          false,
          "bytes",
          "The oldest segments of a partition are deleted as long as it stays at least this large"
              + " without them. -1: none for its size.",
          unlimitedOr(Parsers.bytes(0, Long.MAX_VALUE)));
  static final ConfigKey<Integer> SEGMENT_BYTES =
      new ConfigKey<>(
          "segment.bytes",
          "1073741824",
          false,
          "bytes",
          "Size at which a partition begins a new segment file.",
          intBytes(10 * 1024, Integer.MAX_VALUE));
  static final ConfigKey<Long> SEGMENT_MS =
      new ConfigKey<>(
          "segment.ms",
          "604800000",
          false,
          "ms",
          "Age at which a partition begins a new segment file even if it is not full.",
          durationMs(1, Long.MAX_VALUE));
  static final ConfigKey<CleanupPolicy> CLEANUP_POLICY =
      new ConfigKey<>(
          "cleanup.policy",
          "delete",
          false,
          "",
          "delete: old records go by retention.ms and retention.bytes. compact: records go for whose"
              + " key there is a later one; one without value goes some time later, too"
              + " (delete.retention.ms), and one without key is refused. compact,delete: both.",
          CleanupPolicy::parse);
  static final ConfigKey<Long> MIN_COMPACTION_LAG =
      new ConfigKey<>(
          "min.compaction.lag.ms",
          "0",
          false,
          "ms",
          "A segment whose newest record is younger than this is not compacted, nor any behind it."
              + " The newest segment never is.",
          durationMs(0, Long.MAX_VALUE));
  static final ConfigKey<Long> MAX_COMPACTION_LAG =
      new ConfigKey<>(
          "max.compaction.lag.ms",
          String.valueOf(Long.MAX_VALUE),
          false,
          "ms",
          "A segment that has not been compacted for so long is, whatever min.cleanable.dirty.ratio"
              + " says, and the newest one is closed at this age if segment.ms is greater. Not below"
              + " min.compaction.lag.ms. The default: as long as it likes.",
          durationMs(1, Long.MAX_VALUE));
  static final ConfigKey<Long> DELETE_RETENTION =
      new ConfigKey<>(
          "delete.retention.ms",
          "86400000",
          false,
          "ms",
          "A record without value stays so long after everything older of its key has been compacted"
              + " away: a consumer that reads from the beginning to the end within this time misses"
              + " no deletion.",
          durationMs(0, Long.MAX_VALUE));
  static final ConfigKey<Double> MIN_DIRTY_RATIO =
      new ConfigKey<>(
          "min.cleanable.dirty.ratio",
          "0.5",
          false,
          "",
          "A partition is compacted when more than this share of its closed segments, in bytes, has"
              + " come since the last time. 0: whenever there is something.",
          Parsers.ratio());
  static final ConfigKey<TimestampType> TIMESTAMP_TYPE =
      new ConfigKey<>(
          "message.timestamp.type",
          "CreateTime",
          false,
          "",
          "CreateTime: records carry the producer's time. LogAppendTime: the leader's.",
          oneOf(TimestampType.values(), TimestampType::configValue));

  /** All settings, in the order of the reference page. */
  public static final List<ConfigKey<?>> KEYS =
      List.of(
          DURABILITY,
          MIN_INSYNC,
          MAX_MESSAGE_BYTES,
          RETENTION_MS,
          RETENTION_BYTES,
          SEGMENT_BYTES,
          SEGMENT_MS,
          CLEANUP_POLICY,
          MIN_COMPACTION_LAG,
          MAX_COMPACTION_LAG,
          DELETE_RETENTION,
          MIN_DIRTY_RATIO,
          TIMESTAMP_TYPE);

  /** Every setting has its built-in default. */
  public static final TopicConfig DEFAULT = of(Map.of());

  /**
   * Reads settings by name; those that are not there have the built-in default.
   *
   * @throws ConfigException if one is unknown or has a value that it cannot have
   */
  public static TopicConfig of(Map<String, String> settings) {
    return parse(settings)
        .fold(
            config -> config,
            error -> {
              throw new ConfigException(error.message());
            });
  }

  /** As {@link #of}; INVALID_CONFIG (key, value) where that throws. */
  public static Result<TopicConfig> parse(Map<String, String> settings) {
    Map<String, Object> values = new TreeMap<>();
    for (ConfigKey<?> key : KEYS) {
      String text = settings.getOrDefault(key.name(), key.defaultText());
      try {
        values.put(key.name(), key.parser().apply(text));
      } catch (IllegalArgumentException e) {
        return Result.error(invalid(key.name(), text, e.getMessage()));
      }
    }
    for (Map.Entry<String, String> setting : new TreeMap<>(settings).entrySet()) {
      if (!values.containsKey(setting.getKey())) {
        List<String> nearest = NearestNames.of(setting.getKey(), values.keySet());
        String hint =
            nearest.isEmpty()
                ? "the settings are " + String.join(", ", values.keySet())
                : "did you mean " + String.join(" or ", nearest) + "?";
        return Result.error(
            invalid(setting.getKey(), setting.getValue(), "is no setting of a topic; " + hint));
      }
    }
    long minLagMs = value(values, MIN_COMPACTION_LAG);
    long maxLagMs = value(values, MAX_COMPACTION_LAG);
    if (maxLagMs < minLagMs) {
      return Result.error(
          invalid(
              MAX_COMPACTION_LAG.name(),
              String.valueOf(maxLagMs),
              "is below " + MIN_COMPACTION_LAG.name() + " = " + minLagMs));
    }
    return Result.ok(
        new TopicConfig(
            value(values, DURABILITY),
            value(values, MIN_INSYNC),
            value(values, MAX_MESSAGE_BYTES),
            value(values, RETENTION_MS),
            value(values, RETENTION_BYTES),
            value(values, SEGMENT_BYTES),
            value(values, SEGMENT_MS),
            value(values, CLEANUP_POLICY),
            minLagMs,
            maxLagMs,
            value(values, DELETE_RETENTION),
            value(values, MIN_DIRTY_RATIO),
            value(values, TIMESTAMP_TYPE)));
  }

  /**
   * What goes into the metadata for a topic (M1): the settings asked for, and below them the
   * broker's own defaults, in so far as they differ from the built-in ones. Check it afterwards.
   */
  public static Map<String, String> withDefaults(
      Map<String, String> settings, Map<String, String> brokerDefaults) {
    Map<String, String> merged = new TreeMap<>(brokerDefaults);
    merged.putAll(settings);
    return Collections.unmodifiableMap(merged);
  }

  /** Replicas that must be in sync for acks=all (R37). */
  public int minInsyncReplicas(int replicationFactor) {
    return explicitMinInsync.orElse(replicationFactor / 2 + 1);
  }

  /** Empty if the settings suit a topic with so many replicas, else INVALID_CONFIG (R37). */
  public Optional<ApiError> checkReplication(int replicationFactor) {
    if (minInsyncReplicas(replicationFactor) <= replicationFactor) {
      return Optional.empty();
    }
    return Optional.of(
        invalid(
            MIN_INSYNC.name(),
            String.valueOf(explicitMinInsync.orElseThrow()),
            "is above the replication factor " + replicationFactor));
  }

  /** All settings by name, as one would write them, for a topic with so many replicas. */
  public Map<String, String> toMap(int replicationFactor) {
    Map<String, String> all = new TreeMap<>();
    all.put(DURABILITY.name(), durability.configValue());
    all.put(MIN_INSYNC.name(), String.valueOf(minInsyncReplicas(replicationFactor)));
    all.put(MAX_MESSAGE_BYTES.name(), String.valueOf(maxMessageBytes));
    all.put(RETENTION_MS.name(), String.valueOf(retentionMs));
    all.put(RETENTION_BYTES.name(), String.valueOf(retentionBytes));
    all.put(SEGMENT_BYTES.name(), String.valueOf(segmentBytes));
    all.put(SEGMENT_MS.name(), String.valueOf(segmentMs));
    all.put(CLEANUP_POLICY.name(), cleanupPolicy.configValue());
    all.put(MIN_COMPACTION_LAG.name(), String.valueOf(minCompactionLagMs));
    all.put(MAX_COMPACTION_LAG.name(), String.valueOf(maxCompactionLagMs));
    all.put(DELETE_RETENTION.name(), String.valueOf(deleteRetentionMs));
    all.put(MIN_DIRTY_RATIO.name(), BigDecimal.valueOf(minCleanableDirtyRatio).toPlainString());
    all.put(TIMESTAMP_TYPE.name(), timestampType.configValue());
    return all;
  }

  private static <T> T value(Map<String, Object> values, ConfigKey<T> key) {
    @SuppressWarnings("unchecked") // parsed by this very key
    T value = (T) Objects.requireNonNull(values.get(key.name()), key.name());
    return value;
  }

  private static Function<String, Long> unlimitedOr(Function<String, Long> parser) {
    return text -> text.equals("-1") ? Long.valueOf(UNLIMITED) : parser.apply(text);
  }

  private static ApiError invalid(String key, String value, @Nullable String problem) {
    return ApiError.definite(
            ErrorReason.INVALID_CONFIG, "topic setting " + key + " = " + value + ": " + problem)
        .with("key", key)
        .with("value", value);
  }
}
