package io.kontiki.chaos.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The two programs of one language while they run: one is fed numbered lines as fast as they are
 * acknowledged, the other prints what it gets. Any thread may ask.
 */
final class Programs implements AutoCloseable {
  private static final long PACE_NANOS = 5_000_000;

  private final Language language;
  private final ExampleTree tree;
  private final String brokers;
  private final String topic;
  private final Path log;
  private final Process producer;
  private final Thread feeder = new Thread(this::feed, "feed");
  private final List<Process> consumers = new ArrayList<>();
  private final Map<Integer, TreeMap<Long, String>> consumed = new TreeMap<>();

  /** By partition, what the running consumer printed last. */
  private final Map<Integer, Long> last = new TreeMap<>();

  private final List<String> violations = new ArrayList<>();
  private long acked;
  private long received;
  private long firstOfRun = -1;
  private volatile boolean stopping;

  Programs(Language language, ExampleTree tree, String brokers, String topic) throws IOException {
    this.language = language;
    this.tree = tree;
    this.brokers = brokers;
    this.topic = topic;
    this.log = tree.examples().resolve(language.folderName() + ".log");
    consume();
    producer = start("produce", brokers, topic);
    read(producer, this::onAck);
    feeder.setDaemon(true);
    feeder.start();
  }

  Language language() {
    return language;
  }

  /** Starts a consumer, in place of the one before. */
  void consume() throws IOException {
    synchronized (this) {
      consumers.forEach(Process::destroyForcibly);
      last.clear();
      firstOfRun = -1;
    }
    Process consumer = start("consume", brokers, topic, "group-" + topic);
    synchronized (this) {
      consumers.add(consumer);
    }
    read(consumer, line -> onRecord(consumer, line));
  }

  private Process start(String program, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(language.command(tree, program));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
        .start();
  }

  private interface Lines {
    void onLine(String line);
  }

  private void read(Process process, Lines lines) {
    Thread reader =
        new Thread(
            () -> {
              try (BufferedReader output =
                  new BufferedReader(
                      new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = output.readLine(); line != null; line = output.readLine()) {
                  lines.onLine(line);
                }
              } catch (IOException e) {
                if (process.isAlive()) {
                  throw new UncheckedIOException(e);
                }
              }
            },
            "read-" + language);
    reader.setDaemon(true);
    reader.start();
  }

  private void feed() {
    try (Writer input = producer.outputWriter(StandardCharsets.UTF_8)) {
      for (long number = 0; !stopping; number++) {
        input.write("line " + number + "\n");
        input.flush();
        synchronized (this) {
          while (acked <= number && !stopping) {
            wait(100);
          }
        }
        LockSupport.parkNanos(PACE_NANOS);
      }
    } catch (IOException e) {
      if (!stopping) {
        violation("the producer takes no more: " + e);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void onAck(String line) {
    acked++;
    notifyAll();
  }

  private synchronized void onRecord(Process from, String line) {
    if (consumers.get(consumers.size() - 1) != from) {
      return;
    }
    String[] words = line.split(" ", 3);
    int partition = Integer.parseInt(words[0]);
    long offset = Long.parseLong(words[1]);
    received++;
    TreeMap<Long, String> seen = consumed.computeIfAbsent(partition, any -> new TreeMap<>());
    Long before = last.put(partition, offset);
    long known = seen.isEmpty() ? -1 : seen.lastKey();
    if (offset > (before == null ? known : Math.max(known, before)) + 1) {
      violation(topic + "-" + partition + ": " + offset + " follows " + before + ", P10");
    }
    if (firstOfRun < 0) {
      firstOfRun = offset;
    }
    String value = seen.put(offset, words[2]);
    if (value != null && !value.equals(words[2])) {
      violation(topic + "-" + partition + ": " + offset + " was " + value + ", is " + words[2]);
    }
  }

  private synchronized void violation(String text) {
    violations.add(language + ": " + text);
  }

  /** How many different lines were consumed. */
  synchronized long consumed() {
    return consumed.values().stream().mapToLong(TreeMap::size).sum();
  }

  synchronized long acked() {
    return acked;
  }

  /** The first offset that the running consumer printed; -1: none yet. */
  synchronized long firstOfRun() {
    return firstOfRun;
  }

  /** What is wrong; empty: each line that was acknowledged came, at one offset. */
  synchronized List<String> violations() {
    Map<String, Integer> places = new TreeMap<>();
    consumed.values().forEach(of -> of.values().forEach(v -> places.merge(v, 1, Integer::sum)));
    places.forEach(
        (value, count) -> {
          if (count > 1) {
            violation("'" + value + "' is stored " + count + " times, P8");
          }
        });
    for (long number = 0; number < acked; number++) {
      if (!places.containsKey("line " + number)) {
        violation("'line " + number + "' was acknowledged and never consumed");
      }
    }
    return List.copyOf(violations);
  }

  /** No more lines; what is on its way still comes. */
  void stopProducing() throws InterruptedException {
    stopping = true;
    feeder.join(TimeUnit.SECONDS.toMillis(60));
  }

  /** For messages of failed tests. */
  synchronized String state() {
    String errors = "";
    try {
      errors = Files.exists(log) ? Files.readString(log) : "";
    } catch (IOException e) {
      errors = e.toString();
    }
    return language
        + ": "
        + acked
        + " acknowledged, "
        + received
        + " received, producer "
        + (producer.isAlive() ? "runs" : "has ended")
        + ", consumer "
        + (consumers.get(consumers.size() - 1).isAlive() ? "runs" : "has ended")
        + "; standard error ends with\n"
        + errors.substring(Math.max(0, errors.length() - 2_000));
  }

  @Override
  public void close() {
    stopping = true;
    producer.destroyForcibly();
    synchronized (this) {
      consumers.forEach(Process::destroyForcibly);
    }
  }
}
