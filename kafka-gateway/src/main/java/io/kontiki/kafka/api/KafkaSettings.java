package io.kontiki.kafka.api;

import io.kontiki.broker.api.NodeReports.ConfigLine;
import io.kontiki.broker.api.NodeReports.ConfigOrigin;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Topic settings under Kafka's names, which are ours but for one: {@code flush.messages} says after
 * how many records a log is flushed, so 1 is {@code durability=fsync} and any other number {@code
 * replicated} (rule R36).
 */
final class KafkaSettings {
  static final String FLUSH = "flush.messages";
  static final String DURABILITY = "durability";

  private static final String NEVER = String.valueOf(Long.MAX_VALUE);

  private KafkaSettings() {}

  /**
   * Settings as the broker knows them.
   *
   * @param values null: no value was given
   */
  static Result<Map<String, String>> ours(Map<String, @Nullable String> values) {
    Map<String, String> ours = new TreeMap<>();
    for (Map.Entry<String, @Nullable String> entry : values.entrySet()) {
      String key = entry.getKey();
      String value = entry.getValue();
      if (value == null) {
        return Result.error(invalid(key, "null", "must have a value"));
      }
      if (!key.equals(FLUSH)) {
        ours.merge(key, value, (first, second) -> second);
        continue;
      }
      String durability = durability(value);
      if (durability == null) {
        return Result.error(
            invalid(key, value, "is no number from 1: 1 is durability=fsync, others replicated"));
      }
      String other = values.get(DURABILITY);
      if (other != null && !other.equals(durability)) {
        return Result.error(
            invalid(key, value, "means durability=" + durability + ", not " + other));
      }
      ours.put(DURABILITY, durability);
    }
    return Result.ok(ours);
  }

  /** The name that the broker knows. */
  static String ours(String key) {
    return key.equals(FLUSH) ? DURABILITY : key;
  }

  private static @Nullable String durability(String flushMessages) {
    try {
      long records = Long.parseLong(flushMessages.strip());
      return records < 1
          ? null
          : (records == 1 ? Durability.FSYNC : Durability.REPLICATED).configValue();
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** {@code flush.messages} of a topic as it is. */
  static ConfigLine flush(ConfigLine durability) {
    return new ConfigLine(
        FLUSH,
        flush(durability.value()),
        flush(durability.defaultValue()),
        durability.origin(),
        "",
        "1: a replica holds a record when it is on stable storage (durability=fsync). Another number:"
            + " when it is in its memory (durability=replicated). Cannot be changed later.");
  }

  private static String flush(String durability) {
    return durability.equals(Durability.FSYNC.configValue()) ? "1" : NEVER;
  }

  /** All lines of a topic, with those that Kafka's tools look for. */
  static List<ConfigLine> lines(List<ConfigLine> ours) {
    List<ConfigLine> all = new ArrayList<>(ours);
    for (ConfigLine line : ours) {
      if (line.key().equals(DURABILITY)) {
        all.add(flush(line));
      }
    }
    return all;
  }

  /** What was set for a topic and is not in a new list of all that shall be set. */
  static List<String> dropped(TopicImage topic, Map<String, String> set) {
    List<String> dropped = new ArrayList<>();
    for (String key : topic.config().keySet()) {
      if (!set.containsKey(key) && !key.equals(DURABILITY)) {
        dropped.add(key);
      }
    }
    return dropped;
  }

  static boolean isSet(ConfigLine line) {
    return line.origin() == ConfigOrigin.TOPIC;
  }

  private static ApiError invalid(String key, String value, String problem) {
    return ApiError.definite(
            ErrorReason.INVALID_CONFIG, "topic setting " + key + " = " + value + ": " + problem)
        .with("key", key)
        .with("value", value);
  }
}
