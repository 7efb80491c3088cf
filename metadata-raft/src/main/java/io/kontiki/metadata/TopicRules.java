package io.kontiki.metadata;

import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What apply itself demands of names and settings. Only the settings that decide leaders and
 * in-sync sets are read here; all others are checked before a command is proposed, by the software
 * of the broker that takes the request, because a check that differs between two versions would
 * make their images differ (rule M1).
 */
public final class TopicRules {
  /** Setting: in-sync replicas that an acknowledgement needs. */
  public static final String MIN_INSYNC_REPLICAS = "min.insync.replicas";

  /** Setting: what "held" means. */
  public static final String DURABILITY = "durability";

  private static final int MAX_NAME = 249;

  private TopicRules() {}

  /** The setting; without one, or empty, {@code RF / 2 + 1} rounded down (rule R37). */
  public static int minIsr(Map<String, String> config, int replicationFactor) {
    String set = config.get(MIN_INSYNC_REPLICAS);
    return set == null || set.isEmpty() ? replicationFactor / 2 + 1 : Integer.parseInt(set);
  }

  /** The setting, or {@link Durability#FSYNC}. */
  public static Durability durability(Map<String, String> config) {
    String set = config.get(DURABILITY);
    return set == null ? Durability.FSYNC : Durability.parse(set);
  }

  /** Why this cannot be a topic's name, or null. */
  public static @Nullable ApiError nameError(String name) {
    boolean good =
        !name.isEmpty() && name.length() <= MAX_NAME && !name.equals(".") && !name.equals("..");
    for (int i = 0; good && i < name.length(); i++) {
      char c = name.charAt(i);
      good =
          c >= 'a' && c <= 'z'
              || c >= 'A' && c <= 'Z'
              || c >= '0' && c <= '9'
              || c == '.'
              || c == '_'
              || c == '-';
    }
    if (good) {
      return null;
    }
    String shown = name.length() <= MAX_NAME ? name : name.substring(0, MAX_NAME) + "…";
    return ApiError.definite(
            ErrorReason.INVALID_FIELD,
            "topic name '" + shown + "' must be 1 to 249 of a-z A-Z 0-9 . _ - and not . or ..")
        .with("field", "name");
  }

  /** Why these settings cannot be a topic's, or null. */
  public static @Nullable ApiError configError(Map<String, String> config, int replicationFactor) {
    if (config.size() > Limits.CONFIG_ENTRIES) {
      return invalid("", "", config.size() + " settings; at most " + Limits.CONFIG_ENTRIES);
    }
    for (Map.Entry<String, String> entry : config.entrySet()) {
      if (entry.getKey().length() + entry.getValue().length() > Limits.CONFIG_CHARS) {
        String key = entry.getKey();
        return invalid(
            key.substring(0, Math.min(key.length(), 100)),
            "",
            "a setting has at most " + Limits.CONFIG_CHARS + " characters");
      }
    }
    String durability = config.get(DURABILITY);
    if (durability != null) {
      try {
        Durability.parse(durability);
      } catch (IllegalArgumentException e) {
        return invalid(DURABILITY, durability, "must be fsync or replicated");
      }
    }
    String minIsr = config.get(MIN_INSYNC_REPLICAS);
    if (minIsr != null && !minIsr.isEmpty()) {
      int value;
      try {
        value = Integer.parseInt(minIsr);
      } catch (NumberFormatException e) {
        value = -1;
      }
      if (value < 1 || value > replicationFactor) {
        return invalid(
            MIN_INSYNC_REPLICAS,
            minIsr,
            "must be 1 to " + replicationFactor + ", the replication factor (R37)");
      }
    }
    return null;
  }

  private static ApiError invalid(String key, String value, String rule) {
    return ApiError.definite(
            ErrorReason.INVALID_CONFIG, key + (value.isEmpty() ? "" : "=" + value) + ": " + rule)
        .with("key", key)
        .with("value", value);
  }
}
