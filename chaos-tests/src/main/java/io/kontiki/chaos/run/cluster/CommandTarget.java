package io.kontiki.chaos.run.cluster;

import io.kontiki.model.Endpoint;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A cluster that a file describes, by lines {@code node.ID.WHAT = VALUE}:
 *
 * <ul>
 *   <li>{@code grpc}, {@code http}: HOST:PORT; required. {@code kafka}: the same, if it is served.
 *   <li>{@code start} and {@code kill}: shell commands; required. They return when it is done; a
 *       start need not wait until the node is ready.
 *   <li>{@code stop}, {@code freeze} with {@code thaw}, {@code wipe} (deletes all data), {@code
 *       cut} with {@code heal} (takes the node off the network): shell commands. What none is given
 *       for is not done.
 * </ul>
 *
 * <p>The cluster must run. Commands have a minute each, and must end with 0.
 */
public final class CommandTarget implements Target {
  private static final Set<String> WORDS =
      Set.of(
          "grpc", "http", "kafka", "start", "kill", "stop", "freeze", "thaw", "wipe", "cut",
          "heal");

  private final Map<Integer, Map<String, String>> nodes = new TreeMap<>();
  private final Map<Ability, String> missing = new EnumMap<>(Ability.class);
  private final Set<Integer> down = new TreeSet<>();
  private final Set<Integer> frozen = new TreeSet<>();
  private final Set<Integer> cut = new TreeSet<>();

  private CommandTarget() {}

  /**
   * Reads a file; asks nobody.
   *
   * @throws IllegalArgumentException if a line has no meaning, or one is missing
   * @throws IOException if the file cannot be read
   */
  public static CommandTarget of(Path file) throws IOException {
    Properties lines = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      lines.load(reader);
    }
    CommandTarget target = new CommandTarget();
    for (String key : new TreeSet<>(lines.stringPropertyNames())) {
      target.add(file, key, lines.getProperty(key).strip());
    }
    target.check(file);
    return target;
  }

  private void add(Path file, String key, String value) {
    String[] words = key.split("\\.", -1);
    if (words.length != 3
        || !words[0].equals("node")
        || !words[1].matches("[1-9][0-9]{0,8}")
        || !WORDS.contains(words[2])) {
      throw new IllegalArgumentException(
          file + ": '" + key + "' should be node.ID.WHAT, WHAT one of " + new TreeSet<>(WORDS));
    }
    nodes.computeIfAbsent(Integer.valueOf(words[1]), id -> new TreeMap<>()).put(words[2], value);
  }

  private void check(Path file) {
    if (nodes.isEmpty()) {
      throw new IllegalArgumentException(file + " describes no node");
    }
    nodes.forEach(
        (id, own) -> {
          for (String word : List.of("grpc", "http", "start", "kill")) {
            if (!own.containsKey(word)) {
              throw new IllegalArgumentException(file + " has no node." + id + "." + word);
            }
          }
          Endpoint.parse(own.getOrDefault("grpc", ""));
          Endpoint.parse(own.getOrDefault("http", ""));
        });
    need(Ability.STOP, "stop");
    need(Ability.FREEZE, "freeze", "thaw");
    need(Ability.WIPE, "wipe");
    need(Ability.CUT, "cut", "heal");
    for (Ability ability : Ability.values()) {
      if (ability.compareTo(Ability.CUT) > 0 || ability == Ability.FILES) {
        missing.put(ability, "a cluster that a file describes has no command for it");
      }
    }
  }

  private void need(Ability ability, String... words) {
    for (String word : words) {
      if (!nodes.values().stream().allMatch(own -> own.containsKey(word))) {
        missing.put(ability, "not every node has a command '" + word + "'");
      }
    }
  }

  @Override
  public List<Integer> ids() {
    return List.copyOf(nodes.keySet());
  }

  @Override
  public Endpoint grpc(int id) {
    return Endpoint.parse(word(id, "grpc"));
  }

  @Override
  public Endpoint http(int id) {
    return Endpoint.parse(word(id, "http"));
  }

  @Override
  public Optional<Endpoint> kafka(int id) {
    String address = nodes.getOrDefault(id, Map.of()).get("kafka");
    return address == null ? Optional.empty() : Optional.of(Endpoint.parse(address));
  }

  @Override
  public Map<Ability, String> missing() {
    return missing;
  }

  private String word(int id, String word) {
    String value = nodes.getOrDefault(id, Map.of()).get(word);
    if (value == null) {
      throw new UnsupportedOperationException(
          String.format(Locale.ROOT, "node %d has no command '%s'", id, word));
    }
    return value;
  }

  private void command(int id, String word) {
    Tools.run("sh", "-c", word(id, word));
  }

  @Override
  public synchronized void start(int id) {
    command(id, "start");
    down.remove(id);
  }

  @Override
  public synchronized boolean isAlive(int id) {
    return !down.contains(id);
  }

  @Override
  public synchronized void kill(Collection<Integer> ids) {
    for (int id : ids) {
      command(id, "kill");
      down.add(id);
      frozen.remove(id);
    }
  }

  @Override
  public synchronized void stop(int id) {
    command(id, "stop");
    down.add(id);
  }

  @Override
  public synchronized void freeze(int id) {
    command(id, "freeze");
    frozen.add(id);
  }

  @Override
  public synchronized void thaw(int id) {
    command(id, "thaw");
    frozen.remove(id);
  }

  @Override
  public synchronized void wipe(int id) {
    command(id, "wipe");
  }

  @Override
  public synchronized void cutOff(int id) {
    command(id, "cut");
    cut.add(id);
  }

  @Override
  public synchronized void heal() {
    for (int id : List.copyOf(cut)) {
      command(id, "heal");
      cut.remove(id);
    }
  }

  @Override
  public Path data(int id) {
    throw none();
  }

  @Override
  public void cut(Collection<Cut> cuts) {
    throw none();
  }

  @Override
  public void slowNetwork(int id) {
    throw none();
  }

  @Override
  public void lossyNetwork(int id) {
    throw none();
  }

  @Override
  public void fillDisk(int id) {
    throw none();
  }

  @Override
  public void freeDisk(int id) {
    throw none();
  }

  @Override
  public void cutPower(Collection<Integer> ids) {
    throw none();
  }

  @Override
  public void setClock(int id, long seconds) {
    throw none();
  }

  @Override
  public void hinder(int id, String how, int seconds) {
    throw none();
  }

  private static UnsupportedOperationException none() {
    return new UnsupportedOperationException("a file of commands has none for this");
  }

  /** Undoes what is still being done, so that the cluster is as it was found. */
  @Override
  public synchronized void close() {
    for (int id : List.copyOf(frozen)) {
      attempt(id, "thaw");
    }
    for (int id : List.copyOf(cut)) {
      attempt(id, "heal");
    }
    for (int id : List.copyOf(down)) {
      attempt(id, "start");
    }
    frozen.clear();
    cut.clear();
    down.clear();
  }

  private void attempt(int id, String word) {
    Tools.attempt("sh", "-c", word(id, word));
  }
}
