package io.kontiki.cli.admin;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object whose members keep their order.
 *
 * @param members by name; values as {@link Json} has them; owned by this object
 */
public record JsonObject(Map<String, @Nullable Object> members) {
  /** The 64-bit fields of the admin service, which proto3 JSON carries as strings. */
  private static final Set<String> LONG_FIELDS =
      Set.of(
          "metadataIndex",
          "startOffset",
          "highWatermark",
          "throttleBytesPerSecond",
          "remainingBytes",
          "brokerEpoch",
          "totalBytes",
          "usableBytes",
          "logBytes",
          "term",
          "committedIndex",
          "matchIndex",
          "committedOffset",
          "lag",
          "offset");

  /** Maps from text to text: what looks like a field in there is a user's key. */
  private static final Set<String> TEXT_MAPS = Set.of("config", "metadata");

  public JsonObject() {
    this(new LinkedHashMap<>());
  }

  /** Adds or replaces a member. */
  public JsonObject with(String name, @Nullable Object value) {
    members.put(name, value);
    return this;
  }

  /** As {@link #with}, unless the value is null. */
  public JsonObject withIfGiven(String name, @Nullable Object value) {
    return value == null ? this : with(name, value);
  }

  public boolean has(String name) {
    return members.get(name) != null;
  }

  /** The member's value; null if it is absent or null. */
  public @Nullable Object get(String name) {
    return members.get(name);
  }

  /** The member as text; empty if it is absent. */
  public String text(String name) {
    Object value = members.get(name);
    return value == null ? "" : String.valueOf(value);
  }

  /** The member as a number, also if it is a string of digits; 0 if it is absent or no number. */
  public long number(String name) {
    Object value = members.get(name);
    if (value instanceof Number number) {
      return number.longValue();
    }
    try {
      return value instanceof String string ? Long.parseLong(string) : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /** The member as an object; an empty one if it is absent. */
  public JsonObject object(String name) {
    return members.get(name) instanceof JsonObject object ? object : new JsonObject();
  }

  /** The member as a list; empty if it is absent. */
  public List<?> list(String name) {
    return members.get(name) instanceof List<?> list ? list : List.of();
  }

  /** The objects in a member that is a list. */
  public List<JsonObject> objects(String name) {
    List<JsonObject> objects = new ArrayList<>();
    for (Object element : list(name)) {
      if (element instanceof JsonObject object) {
        objects.add(object);
      }
    }
    return objects;
  }

  /** A list of numbers or words as {@code 1,2,3}. */
  public String joined(String name) {
    StringBuilder text = new StringBuilder();
    for (Object element : list(name)) {
      text.append(text.isEmpty() ? "" : ",").append(element);
    }
    return text.toString();
  }

  /** A copy in which 64-bit fields are numbers, as the command line prints them. */
  public JsonObject withNumbers() {
    JsonObject copy = new JsonObject();
    members.forEach((name, value) -> copy.with(name, numbersIn(name, value)));
    return copy;
  }

  private static @Nullable Object numbersIn(String name, @Nullable Object value) {
    if (value instanceof JsonObject object) {
      return TEXT_MAPS.contains(name) ? object : object.withNumbers();
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> copy = new ArrayList<>();
      for (Object element : list) {
        copy.add(element instanceof JsonObject object ? object.withNumbers() : element);
      }
      return copy;
    }
    if (value instanceof String string && LONG_FIELDS.contains(name)) {
      return Long.valueOf(string);
    }
    return value;
  }

  @Override
  public String toString() {
    return Json.write(this);
  }
}
