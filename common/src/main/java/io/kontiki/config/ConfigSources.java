package io.kontiki.config;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * Where values come from: a file, the environment, the command line; each overrides the one before.
 *
 * @param file keys and values of the file, in the syntax of java.util.Properties
 * @param environment all of it; only {@code KONTIKI_*} is looked at
 * @param overrides of the command line
 */
public record ConfigSources(
    Map<String, String> file, Map<String, String> environment, Map<String, String> overrides) {
  /** Nothing is set. */
  public static final ConfigSources NONE = new ConfigSources(Map.of(), Map.of(), Map.of());

  public ConfigSources {
    file = Collections.unmodifiableMap(new TreeMap<>(file));
    environment = Collections.unmodifiableMap(new TreeMap<>(environment));
    overrides = Collections.unmodifiableMap(new TreeMap<>(overrides));
  }

  /** The same with the values of a file. */
  public ConfigSources withFile(Path path) {
    try {
      return withText(Files.readString(path, StandardCharsets.UTF_8), path.toString());
    } catch (IOException e) {
      throw new ConfigException("cannot read the configuration file " + path + ": " + e);
    }
  }

  /**
   * The same with the values of a text.
   *
   * @param name of the text, for errors
   */
  public ConfigSources withText(String text, String name) {
    Unique properties = new Unique();
    try {
      properties.load(new StringReader(text));
    } catch (IOException | IllegalArgumentException e) {
      throw new ConfigException(name + " is not a list of key = value lines: " + e.getMessage());
    }
    if (!properties.twice.isEmpty()) {
      throw new ConfigException(name + " sets twice: " + String.join(", ", properties.twice));
    }
    return new ConfigSources(properties.values, environment, overrides);
  }

  /** The same with an environment. */
  public ConfigSources withEnvironment(Map<String, String> variables) {
    return new ConfigSources(file, variables, overrides);
  }

  /**
   * The same with settings of the command line, each {@code key=value}.
   *
   * @throws ConfigException if one has another form
   */
  public ConfigSources withOverrides(List<String> settings) {
    Map<String, String> values = new TreeMap<>();
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      if (equals <= 0) {
        throw new ConfigException("--set '" + setting + "' is not key=value");
      }
      values.put(setting.substring(0, equals).strip(), setting.substring(equals + 1).strip());
    }
    return new ConfigSources(file, environment, values);
  }

  /** Properties that notice a key that occurs twice: one of the two was meant to be another. */
  private static final class Unique extends Properties {
    private static final long serialVersionUID = 1L;

    private final transient Map<String, String> values = new TreeMap<>();
    private final transient List<String> twice = new java.util.ArrayList<>();

    @Override
    public synchronized Object put(Object key, Object value) {
      if (values.put((String) key, ((String) value).strip()) != null) {
        twice.add((String) key);
      }
      return value;
    }
  }
}
