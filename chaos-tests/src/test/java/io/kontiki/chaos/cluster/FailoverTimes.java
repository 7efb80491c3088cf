package io.kontiki.chaos.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Measures how long writing stands still when nodes die, freeze, stop and start again: each event
 * several times, in turn, so that a slow minute of the machine does not hit one of them alone.
 *
 * <pre>
 * FailoverTimes [--runs N] [--events ID,ID...] [--json FILE]
 * </pre>
 *
 * Exit code 0: measured, whatever the times; 1: something was lost, doubled, reordered, refused, or
 * did not come back; 2: the command line is wrong.
 */
final class FailoverTimes {
  private final int runs;
  private final Set<FailoverEvent> events;
  private final @Nullable Path json;
  private final FailoverReport report = new FailoverReport();
  private int clusters;

  private FailoverTimes(int runs, Set<FailoverEvent> events, @Nullable Path json) {
    this.runs = runs;
    this.events = events;
    this.json = json;
  }

  public static void main(String[] args) {
    FailoverTimes times;
    try {
      times = parse(List.of(args));
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.exit(2);
      return;
    }
    System.exit(times.measure() ? 0 : 1);
  }

  static FailoverTimes parse(List<String> args) {
    int runs = 10;
    Set<FailoverEvent> events = EnumSet.allOf(FailoverEvent.class);
    Path json = null;
    for (int i = 0; i < args.size(); i += 2) {
      String option = args.get(i);
      if (i + 1 == args.size()) {
        throw new IllegalArgumentException(option + " needs a value");
      }
      String value = args.get(i + 1);
      switch (option) {
        case "--runs" -> runs = positive(option, value);
        case "--events" -> events = events(value);
        case "--json" -> json = Path.of(value);
        default ->
            throw new IllegalArgumentException(
                "unknown option " + option + "; there are --runs, --events, --json");
      }
    }
    return new FailoverTimes(runs, events, json);
  }

  private static int positive(String option, String value) {
    if (!value.matches("[1-9][0-9]{0,3}")) {
      throw new IllegalArgumentException(option + " " + value + " must be 1 to 9999");
    }
    return Integer.parseInt(value);
  }

  private static Set<FailoverEvent> events(String ids) {
    Set<FailoverEvent> events = EnumSet.noneOf(FailoverEvent.class);
    for (String id : ids.split(",", -1)) {
      events.add(
          Arrays.stream(FailoverEvent.values())
              .filter(event -> event.id().equals(id))
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "--events " + id + ": there are " + allEvents())));
    }
    return events;
  }

  private static String allEvents() {
    return Arrays.stream(FailoverEvent.values())
        .map(FailoverEvent::id)
        .collect(Collectors.joining(", "));
  }

  private boolean measure() {
    List<String> broken = new ArrayList<>();
    Failover failover = start();
    try {
      for (int round = 0; round < runs; round++) {
        for (FailoverEvent event : events) {
          try {
            FailoverRun run = failover.run(event, round);
            report.add(run);
            System.out.println(FailoverReport.line(run));
          } catch (RuntimeException | AssertionError e) {
            broken.add(event.id() + ", run " + (round + 1) + ": " + e);
            System.out.println(broken.get(broken.size() - 1));
            // Whatever state it is in; its logs stay.
            failover.close();
            failover = start();
          }
        }
      }
    } finally {
      failover.close();
    }
    System.out.println();
    System.out.print(report.text());
    broken.forEach(System.out::println);
    if (json != null) {
      write(json, report.json(broken));
    }
    return broken.isEmpty() && report.isGood();
  }

  private Failover start() {
    return Failover.start(
        String.format(Locale.ROOT, "failover-%d", ++clusters), LoadShape.MEASURED);
  }

  private static void write(Path file, String text) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
