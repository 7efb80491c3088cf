package io.kontiki.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class GroupCommandsTest {
  private static final String GROUP =
      "{\"group\":{\"group\":\"billing\",\"state\":\"GROUP_STATE_REBALANCING\","
          + "\"protocol\":\"GROUP_PROTOCOL_STREAM\",\"generation\":7,\"assignor\":\"sticky\","
          + "\"coordinatorId\":2,\"members\":[{\"memberId\":\"m1\",\"memberName\":\"\","
          + "\"clientId\":\"worker\",\"host\":\"10.1.1.1\",\"brokerId\":1,"
          + "\"lastSeen\":\"2026-03-01T12:00:00.250Z\",\"generation\":7,"
          + "\"partitions\":[{\"topic\":\"orders\",\"partition\":0}]}],\"partitions\":["
          + "{\"topic\":\"orders\",\"partition\":0,\"committedOffset\":\"40\",\"metadata\":\"\","
          + "\"committedAt\":\"2026-03-01T12:00:00Z\",\"highWatermark\":\"42\",\"lag\":\"2\","
          + "\"memberId\":\"m1\"},"
          + "{\"topic\":\"orders\",\"partition\":1,\"metadata\":\"\",\"memberId\":\"\"}]}}";

  private RecordedBroker broker;

  @BeforeEach
  void start() throws IOException {
    broker = new RecordedBroker();
  }

  @AfterEach
  void stop() {
    broker.close();
  }

  private CliRun run(String... args) {
    return CliRun.of(Map.of("KONTIKI_HTTP", broker.address()), "", args);
  }

  @Test
  void listGoesThroughAllPages() {
    broker.answer(
        "ListGroups",
        200,
        "{\"groups\":[{\"group\":\"a\",\"state\":\"GROUP_STATE_EMPTY\",\"memberCount\":0,"
            + "\"protocol\":\"GROUP_PROTOCOL_UNSPECIFIED\"}],\"nextPageToken\":\"YQ\"}");
    broker.answer(
        "ListGroups",
        200,
        "{\"groups\":[{\"group\":\"b\",\"state\":\"GROUP_STATE_STABLE\",\"memberCount\":3,"
            + "\"protocol\":\"GROUP_PROTOCOL_STREAM\"}],\"nextPageToken\":\"\"}");
    CliRun run = run("group", "list");
    assertEquals(
        "GROUP  STATE   MEMBERS\na      empty   0\nb      stable  3\n", run.out(), run.err());
    assertEquals(
        List.of(
            "ListGroups application/json {}", "ListGroups application/json {\"pageToken\":\"YQ\"}"),
        broker.requests());
  }

  @Test
  void describeShowsOwnersAndLag() {
    broker.answer("DescribeGroup", 200, GROUP);
    CliRun run = run("group", "describe", "billing");
    assertEquals(
        "group billing  state rebalancing  generation 7  members 1  assignor sticky  coordinator 2\n"
            + "TOPIC   PARTITION  COMMITTED  LOG END  LAG  MEMBER  CLIENT  HOST      LAST SEEN\n"
            + "orders  0          40         42       2    m1      worker  10.1.1.1 "
            + " 2026-03-01T12:00:00.250Z\n"
            + "orders  1          -          -        -    -       -       -         -\n",
        run.out(),
        run.err());
  }

  @Test
  void theJsonOfADescriptionHasExactlyTheMembersOfTheContract() {
    broker.answer("DescribeGroup", 200, GROUP);
    assertEquals(
        "{\"group\":\"billing\",\"state\":\"rebalancing\",\"partitions\":["
            + "{\"topic\":\"orders\",\"partition\":0,\"committed\":40,\"logEnd\":42,\"lag\":2,"
            + "\"member\":\"m1\",\"clientId\":\"worker\",\"host\":\"10.1.1.1\","
            + "\"lastSeen\":\"2026-03-01T12:00:00.250Z\"},"
            + "{\"topic\":\"orders\",\"partition\":1,\"committed\":null,\"logEnd\":null,"
            + "\"lag\":null,\"member\":null,\"clientId\":null,\"host\":null,\"lastSeen\":null}]}\n",
        run("group", "describe", "billing", "--output", "json").out());
  }

  @Test
  void resetSaysWhereTo() {
    broker.answer(
        "ResetGroupOffsets",
        200,
        "{\"offsets\":[{\"topic\":\"orders\",\"partition\":1,\"offset\":\"42\",\"metadata\":\"\"}]}");
    CliRun run =
        run("group", "reset", "billing", "--topic", "orders", "--to", "42", "--partition", "1");
    assertEquals("TOPIC   PARTITION  COMMITTED\norders  1          42\n", run.out(), run.err());
    run("group", "reset", "billing", "--topic=orders", "--to=earliest");
    run("group", "reset", "billing", "--topic=orders", "--to=latest");
    run("group", "reset", "billing", "--topic=orders", "--to=2026-03-01T12:00:00+01:00");
    String begin =
        "ResetGroupOffsets application/json {\"group\":\"billing\",\"topic\":\"orders\",";
    assertEquals(
        List.of(
            begin + "\"partitions\":[1],\"to\":{\"offset\":\"42\"}}",
            begin + "\"to\":{\"anchor\":\"OFFSET_ANCHOR_EARLIEST\"}}",
            begin + "\"to\":{\"anchor\":\"OFFSET_ANCHOR_LATEST\"}}",
            begin + "\"to\":{\"timestamp\":\"2026-03-01T11:00:00Z\"}}"),
        broker.requests());
    assertEquals(2, run("group", "reset", "billing", "--topic=orders", "--to=soon").exitCode());
    assertEquals(2, run("group", "reset", "billing", "--to=latest").exitCode());
  }

  @Test
  void aRefusalIsPrintedAndExitsWithOne() {
    broker.refuse("DeleteGroup", 400, "failed_precondition", "GROUP_ACTIVE", "definite");
    CliRun run = run("group", "delete", "billing");
    assertEquals(1, run.exitCode());
    assertTrue(run.err().contains("said the broker"), run.err());
  }

  @Test
  void deleteSaysWhatIsGone() {
    broker.answer("DeleteGroup", 200, "{}");
    assertEquals("deleted billing\n", run("group", "delete", "billing").out());
    assertEquals(
        List.of("DeleteGroup application/json {\"group\":\"billing\"}"), broker.requests());
  }
}
