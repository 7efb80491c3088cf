package io.kontiki.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The values of a set of keys, each read and checked, and where they came from. Immutable.
 *
 * <p>An unknown key is refused, because it is a known one misspelled; so is a value that its key
 * cannot read. An unknown variable {@code KONTIKI_*} is only a warning: the environment is shared.
 */
public final class Config {
  private static final String PREFIX = "KONTIKI_";

  /** Variables of the command line and of the launcher, which are no keys of a server. */
  private static final Set<String> OTHER_VARIABLES =
      new TreeSet<>(
          List.of(
              "KONTIKI_BOOTSTRAP",
              "KONTIKI_HTTP",
              "KONTIKI_TIMEOUT",
              "KONTIKI_OUTPUT",
              "KONTIKI_COMMAND_CONFIG",
              "KONTIKI_HOME",
              "KONTIKI_JAVA_OPTS"));

  /** Where a value came from. */
  public enum Source {
    DEFAULT,
    FILE,
    ENVIRONMENT,
    COMMAND_LINE
  }

  private record Entry(String text, Object value, Source source) {}

  private final Map<String, Entry> entries;
  private final List<String> warnings;

  private Config(Map<String, Entry> entries, List<String> warnings) {
    this.entries = entries;
    this.warnings = List.copyOf(warnings);
  }

  /**
   * Reads all keys.
   *
   * @throws ConfigException naming everything that is wrong, one line each
   */
  public static Config read(Collection<ConfigKey<?>> keys, ConfigSources sources) {
    Map<String, ConfigKey<?>> byName = new LinkedHashMap<>();
    Map<String, String> byVariable = new TreeMap<>();
    for (ConfigKey<?> key : keys) {
      byName.put(key.name(), key);
      byVariable.put(variable(key.name()), key.name());
    }
    List<String> errors = new ArrayList<>();
    refuseUnknown(sources.file(), "the configuration file", byName, errors);
    refuseUnknown(sources.overrides(), "--set", byName, errors);

    List<String> warnings = new ArrayList<>();
    Map<String, String> environment = new TreeMap<>();
    sources
        .environment()
        .forEach(
            (variable, value) -> {
              String name = byVariable.get(variable);
              if (name != null) {
                environment.put(name, value.strip());
              } else if (variable.startsWith(PREFIX) && !OTHER_VARIABLES.contains(variable)) {
                warnings.add(
                    "environment variable "
                        + variable
                        + " is unknown and ignored"
                        + suggestion(variable, byVariable.keySet()));
              }
            });

    Map<String, Entry> entries = new LinkedHashMap<>();
    for (ConfigKey<?> key : byName.values()) {
      Source source = Source.DEFAULT;
      String text = key.defaultText();
      if (sources.file().containsKey(key.name())) {
        source = Source.FILE;
        text = sources.file().get(key.name());
      }
      if (environment.containsKey(key.name())) {
        source = Source.ENVIRONMENT;
        text = environment.get(key.name());
      }
      if (sources.overrides().containsKey(key.name())) {
        source = Source.COMMAND_LINE;
        text = sources.overrides().get(key.name());
      }
      if (key.required() && source == Source.DEFAULT) {
        errors.add(key.name() + " must be set: " + key.doc());
        continue;
      }
      try {
        entries.put(key.name(), new Entry(text, key.parser().apply(text), source));
      } catch (IllegalArgumentException e) {
        errors.add(key.name() + " = " + text + " (" + where(source, key) + "): " + e.getMessage());
      }
    }
    if (!errors.isEmpty()) {
      throw new ConfigException(String.join("\n", errors));
    }
    return new Config(entries, warnings);
  }

  /** The value of a key that was among those read. */
  public <T> T get(ConfigKey<T> key) {
    @SuppressWarnings("unchecked") // made by the parser of the key of this name
    T value = (T) entry(key).value();
    return value;
  }

  /** The value as it was written. */
  public String text(ConfigKey<?> key) {
    return entry(key).text();
  }

  /** Where the value came from. */
  public Source source(ConfigKey<?> key) {
    return entry(key).source();
  }

  /** What should be logged at the start. */
  public List<String> warnings() {
    return warnings;
  }

  /** The environment variable of a key: {@code KONTIKI_NODE_ID} of {@code node.id}. */
  public static String variable(String keyName) {
    return PREFIX + keyName.replace('.', '_').toUpperCase(Locale.ROOT);
  }

  private Entry entry(ConfigKey<?> key) {
    Entry entry = entries.get(key.name());
    if (entry == null) {
      throw new IllegalArgumentException("key " + key.name() + " was not read");
    }
    return entry;
  }

  private static void refuseUnknown(
      Map<String, String> given,
      String where,
      Map<String, ConfigKey<?>> known,
      List<String> errors) {
    for (String name : given.keySet()) {
      if (!known.containsKey(name)) {
        errors.add(name + " (" + where + ") is unknown" + suggestion(name, known.keySet()));
      }
    }
  }

  private static String suggestion(String name, Collection<String> known) {
    List<String> nearest = NearestNames.of(name, known);
    return nearest.isEmpty() ? "" : "; did you mean " + String.join(" or ", nearest) + "?";
  }

  private static String where(Source source, ConfigKey<?> key) {
    return switch (source) {
      case DEFAULT -> "default";
      case FILE -> "the configuration file";
      case ENVIRONMENT -> variable(key.name());
      case COMMAND_LINE -> "--set";
    };
  }
}
