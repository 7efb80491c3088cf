package io.kontiki.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.kontiki.cli.stream.MemoryLogBroker;
import io.kontiki.cli.stream.MemoryLogBroker.Fault;
import io.kontiki.cli.stream.MemoryLogBroker.Log;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.RecordHeader;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class RecordCommandsTest {
  private final Log log = new Log(2);

  private static CliRun run(MemoryLogBroker broker, String input, String... args) {
    return CliRun.of(Map.of("KONTIKI_BOOTSTRAP", broker.address().toString()), input, args);
  }

  @Test
  void linesBecomeRecordsAndOffsetsArePrintedInOrder() throws IOException {
    try (MemoryLogBroker broker = new MemoryLogBroker(log, Fault.BREAK_AFTER_APPEND)) {
      CliRun run = run(broker, "a\n\nc", "produce", "t", "--partition", "1", "--print-offsets");
      assertEquals(0, run.exitCode(), run.err());
      assertEquals("1\t0\n1\t1\n1\t2\n", run.out());
      assertEquals(List.of("a", "", "c"), log.values(1));
    }
  }

  @Test
  void noInputIsNoRecord() throws IOException {
    try (MemoryLogBroker broker = new MemoryLogBroker(log)) {
      CliRun run = run(broker, "", "produce", "t");
      assertEquals(0, run.exitCode());
      assertEquals("0 acknowledged\n", run.err());
    }
  }

  @Test
  void theLineThatIsTooLargeIsNamed() throws IOException {
    try (MemoryLogBroker broker = new MemoryLogBroker(log)) {
      CliRun run =
          run(broker, "a\nb\n" + "x".repeat(5_000) + "\nc\n", "produce", "t", "--print-offsets");
      assertEquals("0\t0\n0\t1\n", run.out());
      assertEquals(1, run.exitCode());
      assertTrue(run.err().startsWith("kontiki produce: RECORD_TOO_LARGE: "), run.err());
      assertTrue(run.err().endsWith(" (line 3); acknowledged before: 2\n"), run.err());
    }
  }

  @Test
  void keysAndValuesComeBackAsJson() throws IOException {
    try (MemoryLogBroker broker = new MemoryLogBroker(log)) {
      run(broker, "k\tv\nno key\n\t\n", "produce", "t", "--key-separator", "\\t");
      CliRun run =
          run(
              broker,
              "",
              "consume",
              "t",
              "--partition",
              "0",
              "--from-beginning",
              "--max",
              "3",
              "--output",
              "json");
      assertEquals(0, run.exitCode(), run.err());
      String line =
          "{\"topic\":\"t\",\"partition\":0,\"offset\":%d,\"timestamp\":null,\"key\":%s,"
              + "\"value\":%s,\"headers\":[]}\n";
      assertEquals(
          line.formatted(0, "\"k\"", "\"v\"")
              + line.formatted(1, "null", "\"no key\"")
              + line.formatted(2, "\"\"", "\"\""),
          run.out());
    }
  }

  @Test
  void consumeBeginsWhereItIsTold() throws IOException {
    try (MemoryLogBroker broker = new MemoryLogBroker(log)) {
      run(broker, "a\nb\nc\nd\n", "produce", "t", "--partition", "0");
      String[] idle = {"consume", "t", "--idle-exit", "300ms"};
      assertEquals("", run(broker, "", idle).out(), "the end is the default");
      assertEquals(
          "c\nd\n",
          run(broker, "", "consume", "t", "--from", "2", "--idle-exit", "300ms", "--partition=0")
              .out());
      assertEquals(
          "a\nb\n", run(broker, "", "consume", "t", "--from-beginning", "--max", "2").out());
    }
  }

  @Test
  void anUnknownTopicIsRefused() throws IOException {
    try (MemoryLogBroker broker = new MemoryLogBroker(log)) {
      CliRun run = run(broker, "", "consume", "nope");
      assertEquals(1, run.exitCode());
      assertEquals("kontiki consume: TOPIC_NOT_FOUND: topic 'x' does not exist\n", run.err());
    }
  }

  @Test
  void bytesThatAreNotTextAreBase64() {
    LogRecord record =
        LogRecord.newBuilder()
            .setOffset(7)
            .setKey(ByteString.copyFrom(new byte[] {(byte) 0xff, 1}))
            .setTimestamp(Timestamp.newBuilder().setSeconds(2).setNanos(5_000_000))
            .addHeaders(
                RecordHeader.newBuilder().setKey("h").setValue(ByteString.copyFromUtf8("ü")))
            .addHeaders(RecordHeader.newBuilder().setKey("h"))
            .build();
    assertEquals(
        "{\"topic\":\"t\",\"partition\":3,\"offset\":7,\"timestamp\":2005,"
            + "\"key\":{\"base64\":\"/wE=\"},\"value\":null,"
            + "\"headers\":[[\"h\",\"ü\"],[\"h\",null]]}",
        RecordText.json("t", 3, record).toString());
  }

  @Test
  void aGroupCommitsWhatIsPrintedAndGoesOnBehindIt() throws IOException {
    try (MemoryLogBroker broker = new MemoryLogBroker(log)) {
      run(broker, "a\nb\nc\nd\n", "produce", "t", "--partition", "1");
      CliRun first =
          run(broker, "", "consume", "t", "--group", "g", "--from-beginning", "--max", "2");
      assertEquals(0, first.exitCode(), first.err());
      assertEquals("a\nb\n", first.out());
      assertEquals(2, log.committed("g", 1));
      CliRun next =
          run(broker, "", "consume", "t", "--group", "g", "--from-beginning", "--max", "2");
      assertEquals("c\nd\n", next.out());
      CliRun end = run(broker, "", "consume", "t", "--group", "h", "--idle-exit", "300ms");
      assertEquals("", end.out(), "from the end where nothing is committed");
    }
  }

  @Test
  void aGroupGoesOnAtTheNextBrokerWhenItsStreamBreaks() throws IOException {
    try (MemoryLogBroker broker = new MemoryLogBroker(log, Fault.BREAK_AFTER_FIRST_MESSAGE)) {
      run(broker, "a\nb\nc\nd\n", "produce", "t", "--partition", "1");
      CliRun run =
          run(broker, "", "consume", "t", "--group", "g", "--from-beginning", "--idle-exit", "2s");
      assertEquals(0, run.exitCode(), run.err());
      assertTrue(run.out().endsWith("c\nd\n"), run.out());
      assertEquals(4, log.committed("g", 1));
    }
  }

  @Test
  void aGroupChoosesPartitionsAndOffsetsItself() throws IOException {
    try (MemoryLogBroker broker = new MemoryLogBroker(log)) {
      for (String[] bad :
          new String[][] {
            {"consume", "t", "--group", "g", "--partition", "0"},
            {"consume", "t", "--group", "g", "--from", "5"}
          }) {
        CliRun run = run(broker, "", bad);
        assertEquals(2, run.exitCode(), run.err());
        assertTrue(run.err().contains("--group"), run.err());
      }
    }
  }
}
