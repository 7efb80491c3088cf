package io.kontiki.cli.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.cli.stream.MemoryLogBroker.Fault;
import io.kontiki.cli.stream.MemoryLogBroker.Log;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.system.LoopbackPorts;
import io.kontiki.v1.Acks;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.OffsetAnchor;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.RecordPosition;
import io.kontiki.v1.Records;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class RecordStreamsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Log log = new Log(2);

  private static List<LogRecord> records(String... values) {
    List<LogRecord> records = new ArrayList<>();
    for (String value : values) {
      records.add(LogRecord.newBuilder().setValue(ByteString.copyFromUtf8(value)).build());
    }
    return records;
  }

  private static Deadline soon() {
    return Deadline.in(PATIENCE);
  }

  private static Endpoint nobody() {
    return new Endpoint("127.0.0.1", LoopbackPorts.next());
  }

  @Test
  void positionsComeInTheOrderOfTheRecords() throws Exception {
    try (MemoryLogBroker broker = new MemoryLogBroker(log);
        BrokerChannels channels = new BrokerChannels(List.of(broker.address()), 0)) {
      RecordWriter writer = new RecordWriter(channels, "t", Acks.ACKS_ALL);
      writer.send(records("a"), 1, soon());
      assertEquals(
          List.of(1L, 2L),
          writer.send(records("b", "c"), 1, soon()).stream()
              .map(RecordPosition::getOffset)
              .toList());
      assertEquals(List.of("a", "b", "c"), log.values(1));
      assertEquals(List.of(0, 1), broker.sequences());
    }
  }

  @Test
  void aRequestThatBreaksIsRepeatedAtTheNextBrokerAndAppendedOnce() throws Exception {
    try (MemoryLogBroker first = new MemoryLogBroker(log, Fault.BREAK_AFTER_APPEND);
        MemoryLogBroker second = new MemoryLogBroker(log, Fault.NOT_NOW);
        BrokerChannels channels =
            new BrokerChannels(List.of(nobody(), first.address(), second.address()), 0)) {
      RecordWriter writer = new RecordWriter(channels, "t", Acks.ACKS_ALL);
      assertEquals(0, writer.send(records("a"), 0, soon()).get(0).getOffset());
      assertEquals(1, writer.send(records("b"), 0, soon()).get(0).getOffset());
      assertEquals(List.of("a", "b"), log.values(0));
      assertEquals(0, first.sequences().get(0));
      assertEquals(0, second.sequences().get(0), "I1: the repetition carries the same sequence");
    }
  }

  @Test
  void aBrokerThatIsFrozenCostsASecondAndIsNotAskedAgain() throws Exception {
    // The kernel takes the connection of a frozen process; nobody speaks there.
    try (ServerSocket frozen = new ServerSocket(0, 9, InetAddress.getByName("127.0.0.1"));
        MemoryLogBroker broker = new MemoryLogBroker(log);
        BrokerChannels channels =
            new BrokerChannels(
                List.of(new Endpoint("127.0.0.1", frozen.getLocalPort()), broker.address()), 0)) {
      RecordWriter writer = new RecordWriter(channels, "t", Acks.ACKS_ALL);
      long begin = System.nanoTime();
      for (int i = 0; i < 10; i++) {
        writer.send(records("" + i), 0, soon());
      }
      long tookMs = (System.nanoTime() - begin) / 1_000_000;
      assertTrue(tookMs >= 900 && tookMs < 2_900, tookMs + " ms");
      assertEquals(10, log.values(0).size());
    }
  }

  @Test
  void whatIsTooLargeTogetherIsSentInPieces() throws Exception {
    try (MemoryLogBroker broker = new MemoryLogBroker(log);
        BrokerChannels channels = new BrokerChannels(List.of(broker.address()), 0)) {
      RecordWriter writer = new RecordWriter(channels, "t", Acks.ACKS_ALL);
      String[] values = new String[10];
      for (int i = 0; i < values.length; i++) {
        values[i] = i + "x".repeat(300);
      }
      assertEquals(10, writer.send(records(values), 0, soon()).size());
      assertEquals(List.of(values), log.values(0));
    }
  }

  @Test
  void aRecordThatIsTooLargeAloneIsNamed() throws Exception {
    try (MemoryLogBroker broker = new MemoryLogBroker(log);
        BrokerChannels channels = new BrokerChannels(List.of(broker.address()), 0)) {
      RecordWriter writer = new RecordWriter(channels, "t", Acks.ACKS_ALL);
      RecordsRefusedException refused =
          assertThrows(
              RecordsRefusedException.class,
              () -> writer.send(records("a", "b", "x".repeat(2_000), "c"), 0, soon()));
      assertEquals(
          List.of(0L, 1L), refused.acknowledged().stream().map(RecordPosition::getOffset).toList());
      assertEquals(List.of("a", "b"), log.values(0), "those before it are acknowledged");
    }
  }

  @Test
  void aRefusalIsExitCodeOneAndSilenceIsThree() throws Exception {
    try (MemoryLogBroker broker = new MemoryLogBroker(log);
        BrokerChannels channels = new BrokerChannels(List.of(broker.address()), 0);
        BrokerChannels dead = new BrokerChannels(List.of(nobody()), 0)) {
      CliException refused =
          assertThrows(
              CliException.class,
              () -> new RecordWriter(channels, "t", Acks.ACKS_ALL).send(records("a"), 9, soon()));
      assertEquals(CliException.FAILED, refused.exitCode());
      assertTrue(String.valueOf(refused.getMessage()).startsWith("PARTITION_NOT_FOUND: "));
      CliException silent =
          assertThrows(
              CliException.class,
              () ->
                  new RecordWriter(dead, "t", Acks.ACKS_ALL)
                      .send(records("a"), 0, Deadline.in(Duration.ofMillis(300))));
      assertEquals(CliException.NO_ANSWER, silent.exitCode());
      CliException unknown =
          assertThrows(
              CliException.class,
              () -> RecordReader.offsets(channels, "x", null, earliest(), soon()));
      assertEquals(CliException.FAILED, unknown.exitCode());
    }
  }

  @Test
  void aReaderGoesOnWhereABrokenStreamLeftOff() throws Exception {
    fill(20);
    try (MemoryLogBroker first =
            new MemoryLogBroker(
                log,
                Fault.BREAK_AFTER_FIRST_MESSAGE,
                Fault.BREAK_AFTER_FIRST_MESSAGE,
                Fault.BREAK_AFTER_FIRST_MESSAGE);
        MemoryLogBroker second =
            new MemoryLogBroker(log, Fault.WHOLE_BATCH, Fault.BREAK_AFTER_FIRST_MESSAGE);
        BrokerChannels channels =
            new BrokerChannels(List.of(first.address(), nobody(), second.address()), 0)) {
      assertEquals(Map.of(0, numbers(20), 1, numbers(20)), readAll(channels));
    }
  }

  @Test
  void aFollowerSeesWhatComes() throws Exception {
    fill(4);
    try (MemoryLogBroker broker = new MemoryLogBroker(log);
        BrokerChannels channels = new BrokerChannels(List.of(broker.address()), 0)) {
      OffsetSpec latest =
          OffsetSpec.newBuilder().setAnchor(OffsetAnchor.OFFSET_ANCHOR_LATEST).build();
      Map<Integer, Long> from = RecordReader.offsets(channels, "t", 1, latest, soon());
      assertEquals(Map.of(1, 4L), from);
      try (RecordReader reader = new RecordReader(channels, "t", from, true, PATIENCE)) {
        assertEquals(null, reader.poll(Duration.ofMillis(150)));
        new RecordWriter(channels, "t", Acks.ACKS_ALL).send(records("4"), 1, soon());
        Records records = reader.poll(PATIENCE);
        assertEquals(4, records.getRecords(0).getOffset());
      }
    }
  }

  private static OffsetSpec earliest() {
    return OffsetSpec.newBuilder().setAnchor(OffsetAnchor.OFFSET_ANCHOR_EARLIEST).build();
  }

  private void fill(int count) throws Exception {
    try (MemoryLogBroker broker = new MemoryLogBroker(log);
        BrokerChannels channels = new BrokerChannels(List.of(broker.address()), 0)) {
      RecordWriter writer = new RecordWriter(channels, "t", Acks.ACKS_ALL);
      for (String value : numbers(count)) {
        writer.send(records(value), 0, soon());
        writer.send(records(value), 1, soon());
      }
    }
  }

  private static List<String> numbers(int count) {
    List<String> numbers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      numbers.add(String.valueOf(i));
    }
    return numbers;
  }

  private static Map<Integer, List<String>> readAll(BrokerChannels channels) {
    Map<Integer, List<String>> values = new TreeMap<>();
    Map<Integer, Long> from = RecordReader.offsets(channels, "t", null, earliest(), soon());
    try (RecordReader reader = new RecordReader(channels, "t", from, false, PATIENCE)) {
      while (!reader.isAtEnd()) {
        Records records = reader.poll(Duration.ofMillis(100));
        if (records != null) {
          records
              .getRecordsList()
              .forEach(
                  one ->
                      values
                          .computeIfAbsent(records.getPartition(), ignored -> new ArrayList<>())
                          .add(one.getValue().toStringUtf8()));
        }
      }
    }
    return values;
  }
}
