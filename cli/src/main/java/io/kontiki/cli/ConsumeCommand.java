package io.kontiki.cli;

import com.google.protobuf.Timestamp;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.cli.base.Times;
import io.kontiki.cli.stream.BrokerChannels;
import io.kontiki.cli.stream.GroupReader;
import io.kontiki.cli.stream.RecordReader;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.OffsetAnchor;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.Records;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kontiki consume}. */
@Command(
    name = "consume",
    description = {
      "Print the records of a topic as they come, each partition in order, until Ctrl-C.",
      "--output table prints values, one a line; --output json one object a line with topic,"
          + " partition, offset, timestamp, key, value and headers.",
      "With --group as a member of a group, at least once: what is printed is committed, and the"
          + " next member goes on behind it."
    })
final class ConsumeCommand implements Callable<Integer> {
  private static final Duration POLL = Duration.ofMillis(200);

  private final Console console;
  private final GlobalOptions options;

  @Parameters(paramLabel = "TOPIC", description = "The topic's name.")
  private String topic = "";

  @Option(
      names = "--from-beginning",
      description =
          "Begin with the first record that is still there. Default: what comes from now. With"
              + " --group: only where the group has committed nothing.")
  private boolean fromBeginning;

  @Option(
      names = "--from",
      paramLabel = "OFFSET|TIMESTAMP",
      description = "Begin at an offset, or at a time such as 2026-03-01T12:00:00Z.")
  private @Nullable String from;

  @Option(names = "--group", paramLabel = "G", description = "Read as a member of this group.")
  private @Nullable String group;

  @Option(names = "--partition", paramLabel = "P", description = "Only this one. Default: all.")
  private @Nullable Integer partition;

  @Option(names = "--max", paramLabel = "N", description = "Stop after so many records.")
  private @Nullable Long max;

  @Option(
      names = "--idle-exit",
      paramLabel = "DURATION",
      description = "Stop when so long no record came.")
  private @Nullable String idleExit;

  ConsumeCommand(Console console, GlobalOptions options) {
    this.console = console;
    this.options = options;
  }

  @Override
  public Integer call() {
    OffsetSpec start = start();
    Duration idle = idle();
    if (partition != null && partition < 0) {
      throw CliException.usage("--partition: " + partition + " is negative");
    }
    if (max != null && max < 1) {
      throw CliException.usage("--max: " + max + " is not positive");
    }
    if (group != null && partition != null) {
      throw CliException.usage("--group and --partition exclude each other: the group deals out");
    }
    if (group != null && start.hasOffset()) {
      throw CliException.usage("--group and --from OFFSET exclude each other: give a time");
    }
    boolean json = options.json();
    long left = max == null ? Long.MAX_VALUE : max;
    if (group != null) {
      consume(group, start, left, idle, json);
      return 0;
    }
    try (BrokerChannels brokers = new BrokerChannels(options.bootstrap(), 0)) {
      Map<Integer, Long> offsets =
          RecordReader.offsets(brokers, topic, partition, start, Deadline.in(options.timeout()));
      try (RecordReader reader =
          new RecordReader(brokers, topic, offsets, true, options.timeout())) {
        Deadline idleUntil = Deadline.in(idle);
        while (left > 0 && !idleUntil.hasPassed() && !console.out().checkError()) {
          Records records = reader.poll(POLL);
          if (records != null) {
            left -= print(records, left, json);
            idleUntil = Deadline.in(idle);
          }
        }
      }
    }
    return 0;
  }

  private void consume(String member, OffsetSpec start, long most, Duration idle, boolean json) {
    long left = most;
    try (BrokerChannels brokers = new BrokerChannels(options.bootstrap(), 0);
        GroupReader reader = new GroupReader(brokers, member, topic, start, options.timeout())) {
      Deadline idleUntil = Deadline.in(idle);
      while (left > 0 && !idleUntil.hasPassed() && !console.out().checkError()) {
        Records records = reader.poll(POLL);
        if (records != null) {
          long printed = print(records, left, json);
          left -= printed;
          boolean all = printed == records.getRecordsCount();
          reader.commit(
              records,
              all
                  ? records.getPosition().getOffset()
                  : records.getRecords((int) printed - 1).getOffset() + 1);
          idleUntil = Deadline.in(idle);
        }
      }
    }
  }

  private OffsetSpec start() {
    OffsetSpec.Builder spec = OffsetSpec.newBuilder();
    if (fromBeginning && from != null) {
      throw CliException.usage("--from-beginning and --from exclude each other");
    }
    if (from == null) {
      return spec.setAnchor(
              fromBeginning
                  ? OffsetAnchor.OFFSET_ANCHOR_EARLIEST
                  : OffsetAnchor.OFFSET_ANCHOR_LATEST)
          .build();
    }
    try {
      if (!from.isEmpty() && from.chars().allMatch(c -> c >= '0' && c <= '9')) {
        return spec.setOffset(Long.parseLong(from)).build();
      }
      Instant time = Times.instant(from);
      return spec.setTimestamp(
              Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()))
          .build();
    } catch (NumberFormatException e) {
      throw CliException.usage("--from: " + from + " is too large for an offset");
    } catch (IllegalArgumentException e) {
      throw CliException.usage("--from: no offset, and " + e.getMessage());
    }
  }

  private Duration idle() {
    try {
      return idleExit == null ? Duration.ofDays(3650) : Times.duration(idleExit);
    } catch (IllegalArgumentException e) {
      throw CliException.usage("--idle-exit: " + e.getMessage());
    }
  }

  /** How many were printed. */
  private long print(Records records, long most, boolean json) {
    long printed = 0;
    for (LogRecord one : records.getRecordsList()) {
      if (printed == most) {
        break;
      }
      if (json) {
        console.out().print(RecordText.json(topic, records.getPartition(), one) + "\n");
      } else {
        printValue(one);
      }
      printed++;
    }
    console.out().flush();
    return printed;
  }

  /** As it is: bytes in, bytes out. */
  private void printValue(LogRecord one) {
    if (!one.hasValue()) {
      console.out().print("null\n");
      return;
    }
    try {
      one.getValue().writeTo(console.out());
    } catch (IOException e) {
      // A PrintStream keeps its errors to itself; checkError tells.
      throw CliException.failed("cannot print: " + e.getMessage());
    }
    console.out().print("\n");
  }
}
