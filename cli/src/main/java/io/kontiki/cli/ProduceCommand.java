package io.kontiki.cli;

import com.google.protobuf.ByteString;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.cli.stream.BrokerChannels;
import io.kontiki.cli.stream.RecordWriter;
import io.kontiki.cli.stream.RecordsRefusedException;
import io.kontiki.v1.Acks;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.RecordPosition;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kontiki produce}. */
@Command(
    name = "produce",
    description = {
      "Append the lines of standard input to a topic, one record a line.",
      "A batch that is not acknowledged is tried again at the other brokers, never appended twice,"
          + " until --timeout has passed."
    })
final class ProduceCommand implements Callable<Integer> {
  private final Console console;
  private final GlobalOptions options;

  @Parameters(paramLabel = "TOPIC", description = "The topic's name.")
  private String topic = "";

  @Option(
      names = "--key-separator",
      paramLabel = "S",
      description =
          "What stands before the first S is the key (\\t is a tab); a line without S has none."
              + " Default: no line has a key.")
  private @Nullable String keySeparator;

  @Option(
      names = "--partition",
      paramLabel = "P",
      description = "Where to. Default: by key; without keys the broker chooses.")
  private @Nullable Integer partition;

  @Option(
      names = "--acks",
      paramLabel = "all|leader|none",
      description = "What an acknowledgement waits for. Default all.")
  private String acks = "all";

  @Option(
      names = "--print-offsets",
      description = "Print partition, tab, offset for each acknowledged record, in that order.")
  private boolean printOffsets;

  ProduceCommand(Console console, GlobalOptions options) {
    this.console = console;
    this.options = options;
  }

  @Override
  public Integer call() {
    Acks wanted = parseAcks();
    byte[] separator = parseSeparator();
    if (partition != null && partition < 0) {
      throw CliException.usage("--partition: " + partition + " is negative");
    }
    long acknowledged = 0;
    try (BrokerChannels brokers = new BrokerChannels(options.bootstrap(), 0)) {
      RecordWriter writer = new RecordWriter(brokers, topic, wanted);
      LineBatches lines = new LineBatches(console.in());
      lines.start();
      for (List<byte[]> batch = lines.take(); !batch.isEmpty(); batch = lines.take()) {
        List<LogRecord> records = new ArrayList<>(batch.size());
        batch.forEach(line -> records.add(record(line, separator)));
        try {
          print(writer.send(records, partition, Deadline.in(options.timeout())));
          acknowledged += records.size();
        } catch (RecordsRefusedException e) {
          print(e.acknowledged());
          acknowledged += e.acknowledged().size();
          throw CliException.failed(e.getMessage() + " (line " + (acknowledged + 1) + ")");
        }
      }
    } catch (CliException e) {
      throw e.withRemark("; acknowledged before: " + acknowledged);
    }
    if (!printOffsets) {
      console.remark(acknowledged + (wanted == Acks.ACKS_NONE ? " sent" : " acknowledged"));
    }
    return 0;
  }

  private Acks parseAcks() {
    Acks wanted =
        switch (acks) {
          case "all" -> Acks.ACKS_ALL;
          case "leader" -> Acks.ACKS_LEADER;
          case "none" -> Acks.ACKS_NONE;
          default -> throw CliException.usage("--acks: '" + acks + "' is not all, leader or none");
        };
    if (wanted == Acks.ACKS_NONE && printOffsets) {
      throw CliException.usage("--print-offsets: with --acks none there are no offsets to print");
    }
    return wanted;
  }

  private byte[] parseSeparator() {
    if (keySeparator == null) {
      return new byte[0];
    }
    if (keySeparator.isEmpty()) {
      throw CliException.usage("--key-separator: the separator is empty");
    }
    return keySeparator.replace("\\t", "\t").getBytes(StandardCharsets.UTF_8);
  }

  private static LogRecord record(byte[] line, byte[] separator) {
    LogRecord.Builder record = LogRecord.newBuilder();
    int keyEnd = separator.length == 0 ? -1 : indexOf(line, separator);
    if (keyEnd < 0) {
      return record.setValue(ByteString.copyFrom(line)).build();
    }
    int valueStart = keyEnd + separator.length;
    return record
        .setKey(ByteString.copyFrom(line, 0, keyEnd))
        .setValue(ByteString.copyFrom(line, valueStart, line.length - valueStart))
        .build();
  }

  private static int indexOf(byte[] line, byte[] separator) {
    for (int at = 0; at <= line.length - separator.length; at++) {
      int same = 0;
      while (same < separator.length && line[at + same] == separator[same]) {
        same++;
      }
      if (same == separator.length) {
        return at;
      }
    }
    return -1;
  }

  private void print(List<RecordPosition> positions) {
    if (printOffsets) {
      for (RecordPosition position : positions) {
        console.out().print(position.getPartition() + "\t" + position.getOffset() + "\n");
      }
      console.out().flush();
    }
  }
}
