package io.kontiki.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.system.LoopbackPorts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class AdminCommandsTest {
  private static final String TOPIC =
      "{\"topic\":{\"name\":\"orders\",\"topicId\":\"AAAAAAAAAAAAAAAAAAAAAA\","
          + "\"config\":{\"retention.ms\":\"5000\"},\"partitions\":["
          + "{\"partition\":0,\"leader\":2,\"leaderEpoch\":4,\"replicas\":[2,3,1],\"isr\":[2,1],"
          + "\"elr\":[],\"adding\":[],\"removing\":[],\"startOffset\":\"0\","
          + "\"highWatermark\":\"1042\"},"
          + "{\"partition\":1,\"leaderEpoch\":1,\"replicas\":[3],\"isr\":[],\"elr\":[3],"
          + "\"adding\":[],\"removing\":[]}],\"internal\":false},\"metadataIndex\":\"17\"";

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
  void createSendsWhatWasGivenAndNothingElse() {
    broker.answer("CreateTopic", 200, TOPIC + ",\"partitionsNotReady\":[]}");
    CliRun plain = run("topic", "create", "orders");
    assertEquals(0, plain.exitCode(), plain.err());
    assertEquals(
        "created orders: partitions 2, replication factor 3, id AAAAAAAAAAAAAAAAAAAAAA\n",
        plain.out());
    run(
        "topic",
        "create",
        "orders",
        "--partitions",
        "6",
        "--replication-factor=3",
        "--config",
        "retention.ms=5000",
        "--config",
        "durability=fsync");
    assertEquals(
        List.of(
            "CreateTopic application/json {\"name\":\"orders\"}",
            "CreateTopic application/json {\"name\":\"orders\",\"partitions\":6,"
                + "\"replicationFactor\":3,\"config\":{\"retention.ms\":\"5000\","
                + "\"durability\":\"fsync\"}}"),
        broker.requests());
  }

  @Test
  void createSaysWhichPartitionsAreNotReady() {
    broker.answer("CreateTopic", 200, TOPIC + ",\"partitionsNotReady\":[1]}");
    CliRun run = run("topic", "create", "orders");
    assertEquals(0, run.exitCode());
    assertEquals("no leader serves yet for partitions 1\n", run.err());
  }

  @Test
  void alterSendsWhatIsToBeSetAndWhatIsToBeReset() {
    broker.answer(
        "AlterTopicConfig", 200, "{\"config\":{\"retention.ms\":\"7\"},\"metadataIndex\":\"9\"}");
    CliRun run =
        run("topic", "alter", "orders", "--config", "retention.ms=7", "--reset", "segment.ms");
    assertEquals(0, run.exitCode(), run.err());
    assertEquals("altered orders; what is set for it now:\n  retention.ms = 7\n", run.out());
    assertEquals(
        List.of(
            "AlterTopicConfig application/json {\"name\":\"orders\","
                + "\"config\":{\"retention.ms\":\"7\"},\"resetKeys\":[\"segment.ms\"]}"),
        broker.requests());
    assertEquals(2, run("topic", "alter", "orders").exitCode());
  }

  @Test
  void addPartitionsSaysHowManyThereAreNow() {
    broker.answer("AddPartitions", 200, TOPIC + "}");
    CliRun run = run("topic", "add-partitions", "orders", "--total", "2");
    assertEquals("orders has 2 partitions\n", run.out(), run.err());
    assertEquals(
        List.of("AddPartitions application/json {\"name\":\"orders\",\"totalPartitions\":2}"),
        broker.requests());
  }

  @Test
  void recordsAreDeletedBeforeAnOffsetATimeOrTheEnd() {
    broker.answer(
        "DeleteRecords",
        200,
        "{\"startOffsets\":[{\"topic\":\"orders\",\"partition\":1,\"offset\":\"42\"}]}");
    CliRun run = run("topic", "delete-records", "orders", "--before", "42", "--partition", "1");
    assertEquals("PARTITION  START\n1          42\n", run.out(), run.err());
    run("topic", "delete-records", "orders", "--before=2026-03-01T12:00:00+01:00");
    run("topic", "delete-records", "orders", "--before=latest");
    assertEquals(
        List.of(
            "DeleteRecords application/json {\"topic\":\"orders\",\"partitions\":[1],"
                + "\"before\":{\"offset\":\"42\"}}",
            "DeleteRecords application/json {\"topic\":\"orders\","
                + "\"before\":{\"timestamp\":\"2026-03-01T11:00:00Z\"}}",
            "DeleteRecords application/json {\"topic\":\"orders\","
                + "\"before\":{\"anchor\":\"OFFSET_ANCHOR_LATEST\"}}"),
        broker.requests());
    assertEquals(2, run("topic", "delete-records", "orders", "--before=yesterday").exitCode());
  }

  @Test
  void reassignShowsWhatMovesWhere() {
    broker.answer("DescribeTopic", 200, TOPIC + "}");
    broker.answer(
        "ReassignPartitions",
        200,
        "{\"reassignments\":[{\"partition\":{\"topic\":\"orders\",\"partition\":0},"
            + "\"replicas\":[4,3,1]},{\"partition\":{\"topic\":\"orders\",\"partition\":1},"
            + "\"replicas\":[3]}],\"metadataIndex\":\"9\"}");
    CliRun run = run("topic", "reassign", "orders");
    assertEquals(
        "PARTITION  FROM   TO\n0          2,3,1  4,3,1\n"
            + "begun; 'kontiki topic reassignments' shows what is under way\n",
        run.out(),
        run.err());
    run("topic", "reassign", "orders", "--partition", "0", "--replicas", "4,3,1", "--dry-run");
    assertEquals(
        List.of(
            "DescribeTopic application/json {\"name\":\"orders\"}",
            "ReassignPartitions application/json {\"reassignments\":["
                + "{\"partition\":{\"topic\":\"orders\",\"partition\":0}},"
                + "{\"partition\":{\"topic\":\"orders\",\"partition\":1}}]}",
            "DescribeTopic application/json {\"name\":\"orders\"}",
            "ReassignPartitions application/json {\"reassignments\":["
                + "{\"partition\":{\"topic\":\"orders\",\"partition\":0},"
                + "\"replicas\":[4,3,1]}],\"validateOnly\":true}"),
        broker.requests());
    assertEquals(2, run("topic", "reassign", "orders", "--cancel", "--dry-run").exitCode());
  }

  @Test
  void reassignmentsUnderWayAreListedAndCancelled() {
    broker.answer("DescribeTopic", 200, TOPIC + "}");
    broker.answer(
        "ListReassignments",
        200,
        "{\"reassignments\":[{\"partition\":{\"topic\":\"orders\",\"partition\":0},"
            + "\"replicas\":[4,3,1,2],\"adding\":[4],\"removing\":[2]}],"
            + "\"throttleBytesPerSecond\":\"1\",\"metadataIndex\":\"9\"}");
    broker.answer(
        "CancelReassignments",
        200,
        "{\"cancelled\":[{\"topic\":\"orders\",\"partition\":0}],\"metadataIndex\":\"9\"}");
    CliRun list = run("topic", "reassignments");
    assertEquals(
        "TOPIC   PARTITION  REPLICAS  ADDING  REMOVING  REMAINING\n"
            + "orders  0          4,3,1,2   4       2         -",
        list.out().strip(),
        list.err());
    CliRun cancel = run("topic", "reassign", "orders", "--partition", "0", "--cancel");
    assertEquals("cancelled for partitions 0 of orders\n", cancel.out(), cancel.err());
  }

  @Test
  void anUncleanElectionNeedsAReason() {
    broker.answer("ElectLeader", 200, "{\"leader\":2,\"leaderEpoch\":5,\"metadataIndex\":\"9\"}");
    CliRun preferred = run("topic", "elect-leader", "orders", "--partition", "1");
    assertEquals("broker 2 leads orders-1 in epoch 5\n", preferred.out(), preferred.err());
    String[] unclean = {"topic", "elect-leader", "orders", "--partition", "1", "--unclean"};
    assertEquals(2, run(unclean).exitCode());
    CliRun forced =
        run(
            "topic",
            "elect-leader",
            "orders",
            "--partition",
            "1",
            "--unclean",
            "--reason",
            "disks are gone");
    assertTrue(forced.err().contains("are lost"), forced.err());
    assertEquals(
        List.of(
            "ElectLeader application/json {\"partition\":{\"topic\":\"orders\",\"partition\":1}}",
            "ElectLeader application/json {\"partition\":{\"topic\":\"orders\",\"partition\":1},"
                + "\"type\":\"ELECTION_TYPE_UNCLEAN\",\"reason\":\"disks are gone\"}"),
        broker.requests());
  }

  @Test
  void brokersAreFencedAndUnfenced() {
    String answer =
        "{\"broker\":{\"brokerId\":3,\"state\":\"BROKER_STATE_STOPPING\",\"leaderCount\":0,"
            + "\"replicaCount\":7},\"metadataIndex\":\"9\"}";
    broker.answer("FenceBroker", 200, answer);
    broker.answer("UnfenceBroker", 200, answer);
    CliRun run = run("broker", "fence", "3", "--force");
    assertEquals("ID  STATE     LEADS  REPLICAS\n3   stopping  0      7\n", run.out(), run.err());
    run("broker", "unfence", "3");
    assertEquals(
        List.of(
            "FenceBroker application/json {\"brokerId\":3,\"force\":true}",
            "UnfenceBroker application/json {\"brokerId\":3}"),
        broker.requests());
  }

  @Test
  void brokersAreDrainedAndRemoved() {
    broker.answer(
        "DrainBroker",
        200,
        "{\"broker\":{\"brokerId\":3,\"state\":\"BROKER_STATE_DRAINING\",\"leaderCount\":1,"
            + "\"replicaCount\":7},\"metadataIndex\":\"9\"}");
    broker.answer("RemoveBroker", 200, "{\"metadataIndex\":\"12\"}");
    CliRun run = run("broker", "drain", "3", "--replicas", "--throttle", "1000000");
    assertEquals("ID  STATE     LEADS  REPLICAS\n3   draining  1      7\n", run.out(), run.err());
    assertEquals("broker 3 is forgotten\n", run("broker", "remove", "3").out());
    assertEquals(
        List.of(
            "DrainBroker application/json {\"brokerId\":3,\"moveReplicas\":true,"
                + "\"throttleBytesPerSecond\":1000000}",
            "RemoveBroker application/json {\"brokerId\":3}"),
        broker.requests());
  }

  @Test
  void votersAreAddedAndRemoved() {
    broker.answer("AddQuorumVoter", 200, "{\"voters\":[1,2,3,4]}");
    broker.answer("RemoveQuorumVoter", 200, "{\"voters\":[2,3,4]}");
    CliRun added = run("quorum", "add", "4");
    assertEquals("voters: 1, 2, 3, 4\n", added.out(), added.err());
    assertTrue(added.err().contains("4 voters outlive the loss of no more than 3 do"), added.err());
    CliRun removed = run("quorum", "remove", "1");
    assertEquals("voters: 2, 3, 4\n", removed.out(), removed.err());
    assertEquals("", removed.err());
    assertEquals("{\"voters\":[2,3,4]}\n", run("quorum", "remove", "1", "--output", "json").out());
    assertEquals(
        List.of(
            "AddQuorumVoter application/json {\"nodeId\":4}",
            "RemoveQuorumVoter application/json {\"nodeId\":1}",
            "RemoveQuorumVoter application/json {\"nodeId\":1}"),
        broker.requests());
  }

  @Test
  void aVoterThatIsNotAddedIsAFailureWithItsReason() {
    broker.answer(
        "AddQuorumVoter",
        400,
        "{\"code\":\"failed_precondition\",\"message\":\"of the voters [1, 2, 3] 3 is down\","
            + "\"details\":[]}");
    CliRun run = run("quorum", "add", "4");
    assertEquals(1, run.exitCode());
    assertTrue(run.err().contains("of the voters [1, 2, 3] 3 is down"), run.err());
  }

  @Test
  void describeAsJsonHasExactlyTheAgreedMembers() {
    broker.answer("DescribeTopic", 200, TOPIC + "}");
    CliRun run = run("topic", "describe", "orders", "--output", "json");
    assertEquals(0, run.exitCode(), run.err());
    assertEquals(
        "{\"name\":\"orders\",\"topicId\":\"AAAAAAAAAAAAAAAAAAAAAA\","
            + "\"config\":{\"retention.ms\":\"5000\"},\"partitions\":["
            + "{\"partition\":0,\"leader\":2,\"leaderEpoch\":4,\"replicas\":[2,3,1],\"isr\":[2,1],"
            + "\"startOffset\":0,\"highWatermark\":1042},"
            + "{\"partition\":1,\"leader\":null,\"leaderEpoch\":1,\"replicas\":[3],\"isr\":[],"
            + "\"startOffset\":null,\"highWatermark\":null}]}\n",
        run.out());
  }

  @Test
  void describeAsTable() {
    broker.answer("DescribeTopic", 200, TOPIC + "}");
    assertEquals(
        """
        topic orders  id AAAAAAAAAAAAAAAAAAAAAA
          retention.ms = 5000
        PARTITION  LEADER  EPOCH  REPLICAS  ISR  START  HIGH WATERMARK
        0          2       4      2,3,1     2,1  0      1042
        1          -       1      3         -    -      -
        """,
        run("topic", "describe", "orders").out());
  }

  @Test
  void listFollowsThePages() {
    String line =
        "{\"topics\":[{\"name\":\"%s\",\"topicId\":\"x\",\"partitionCount\":3,"
            + "\"replicationFactor\":3,\"internal\":false,\"underReplicatedPartitions\":1,"
            + "\"offlinePartitions\":0}],\"nextPageToken\":\"%s\",\"metadataIndex\":\"9\"}";
    broker.answer("ListTopics", 200, line.formatted("a", "after-a"));
    broker.answer("ListTopics", 200, line.formatted("b", ""));
    assertEquals(
        """
        NAME  PARTITIONS  REPLICATION  UNDER-REPLICATED  OFFLINE  TOPIC ID
        a     3           3            1                 0        x
        b     3           3            1                 0        x
        """,
        run("topic", "list").out());
    assertEquals(
        "ListTopics application/json {\"pageToken\":\"after-a\"}", broker.requests().get(1));
  }

  @Test
  void deleteAnswersWithTheIndexAsANumber() {
    broker.answer("DeleteTopic", 200, "{\"metadataIndex\":\"18\"}");
    assertEquals("deleted orders\n", run("topic", "delete", "orders").out());
    assertEquals(
        "{\"metadataIndex\":18}\n", run("topic", "delete", "orders", "--output=json").out());
  }

  @Test
  void aRefusalIsOneLineWithItsReason() {
    broker.refuse("DeleteTopic", 404, "not_found", "TOPIC_NOT_FOUND", "definite");
    CliRun run = run("topic", "delete", "orders");
    assertEquals(1, run.exitCode());
    assertEquals("kontiki topic delete: TOPIC_NOT_FOUND: said the broker\n", run.err());
    assertEquals("", run.out());
  }

  @Test
  void anIndefiniteChangeIsNotRepeatedAndSaysSo() {
    broker.refuse("DeleteTopic", 503, "unavailable", "OUTCOME_UNKNOWN", "indefinite");
    CliRun run = run("topic", "delete", "orders");
    assertEquals(1, run.exitCode());
    assertTrue(run.err().contains("outcome unknown: look before repeating"), run.err());
    assertEquals(1, broker.requests().size());
  }

  @Test
  void aDefiniteNotNowIsRepeated() {
    broker.refuse("DeleteTopic", 503, "unavailable", "BROKER_STARTING", "definite");
    broker.answer("DeleteTopic", 200, "{\"metadataIndex\":\"18\"}");
    assertEquals(0, run("topic", "delete", "orders").exitCode());
    assertEquals(2, broker.requests().size());
  }

  @Test
  void theExactDelayOfTheDetailsWinsOverTheHeader() {
    broker.answer(
        "DeleteTopic",
        503,
        "{\"code\":\"unavailable\",\"message\":\"m\",\"details\":[{\"type\":"
            + "\"google.rpc.RetryInfo\",\"debug\":{\"retryDelay\":\"60s\"}},{\"type\":"
            + "\"google.rpc.ErrorInfo\",\"debug\":{\"reason\":\"BUSY\",\"metadata\":"
            + "{\"outcome\":\"definite\"}}}]}");
    CliRun run = run("topic", "delete", "orders", "--timeout", "10s");
    assertEquals(1, run.exitCode());
    assertEquals("kontiki topic delete: BUSY: m\n", run.err());
    assertEquals(1, broker.requests().size(), "the delay is longer than the time");
  }

  @Test
  void aBrokerThatNobodyRunsIsExitCodeThree() throws IOException {
    int unused = LoopbackPorts.next();
    CliRun run = CliRun.of("topic", "list", "--http", "127.0.0.1:" + unused);
    assertEquals(3, run.exitCode());
    assertTrue(run.err().contains("no broker answered: 127.0.0.1:" + unused), run.err());
    // With a gRPC address, that way is tried as well.
    assertEquals(3, CliRun.of("topic", "list", "--bootstrap", "127.0.0.1:" + unused).exitCode());
  }

  @Test
  void aFrozenBrokerIsExitCodeThreeWhenTheTimeIsUp() {
    broker.answer("ListTopics", 0, "");
    broker.answer("DeleteTopic", 0, "");
    CliRun read = run("topic", "list", "--timeout", "300ms");
    assertEquals(3, read.exitCode(), read.err());
    CliRun change = run("topic", "delete", "x", "--timeout", "300ms");
    assertEquals(3, change.exitCode(), change.err());
    assertTrue(change.err().contains("outcome unknown"), change.err());
  }

  @Test
  void theNextHostIsAskedWhenOneIsDownOrSilentOrStarting() throws IOException {
    broker.answer("ListTopics", 200, "{\"topics\":[],\"nextPageToken\":\"\"}");
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
        RecordedBroker starting = new RecordedBroker()) {
      starting.refuse("ListTopics", 503, "unavailable", "BROKER_STARTING", "definite");
      String hosts =
          "127.0.0.1:"
              + LoopbackPorts.next()
              + ",127.0.0.1:"
              + silent.getLocalPort()
              + ","
              + starting.address()
              + ","
              + broker.address();
      CliRun run = CliRun.of("topic", "list", "--http", hosts, "--timeout", "8s");
      assertEquals(0, run.exitCode(), run.err());
      assertEquals(1, starting.requests().size());
    }
  }

  @Test
  void somethingElseThatSpeaksHttpIsNotKontiki() {
    CliRun run = run("cluster", "brokers");
    assertEquals(3, run.exitCode());
    assertTrue(run.err().contains("is not Kontiki (it answered with HTTP status 404)"), run.err());
  }

  @Test
  void statusIsZeroWhenAllIsWellAndOneWhenSomethingNeedsAPerson() {
    String well =
        "{\"clusterId\":\"c\",\"controllerId\":2,\"brokerCount\":3,\"fencedBrokerCount\":0,"
            + "\"topicCount\":1,\"partitionCount\":3,\"underReplicatedPartitions\":0,"
            + "\"underMinIsrPartitions\":0,\"offlinePartitions\":0,\"featureLevel\":1,"
            + "\"problems\":[],\"metadataIndex\":\"5\"}";
    broker.answer("DescribeCluster", 200, well);
    broker.answer("DescribeCluster", 200, well.replace("[]", "[\"broker 3 is gone\"]"));
    broker.answer("DescribeCluster", 200, well);
    String brokers =
        "{\"brokers\":[{\"brokerId\":2,\"state\":\"BROKER_STATE_ACTIVE\",\"version\":\"0.1\","
            + "\"stateSince\":\"2026-03-01T12:00:00Z\",\"logDirs\":[{\"path\":\"/d\","
            + "\"state\":\"LOG_DIR_STATE_ONLINE\"}]}]}";
    broker.answer("ListBrokers", 200, brokers);
    broker.answer("ListBrokers", 200, brokers);
    broker.answer("ListBrokers", 200, brokers.replace("STATE_ONLINE", "STATE_FULL"));
    CliRun good = run("cluster", "status");
    assertEquals(0, good.exitCode(), good.err());
    assertTrue(good.out().contains("2   active  2026-03-01T12:00:00Z"), good.out());
    assertTrue(good.out().contains("controller                   2\n"), good.out());
    CliRun bad = run("cluster", "status");
    assertEquals(1, bad.exitCode());
    assertTrue(bad.out().contains("problem: broker 3 is gone\n"), bad.out());
    CliRun full = run("cluster", "status");
    assertEquals(1, full.exitCode());
    assertTrue(
        full.out().contains("problem: Broker 2: its log directory /d is full.\n"), full.out());
    String json = run("cluster", "status", "--output=json").out();
    assertTrue(json.contains("\"metadataIndex\":5") && json.contains("\"brokerId\":2"), json);
  }

  @Test
  void statusWithoutAQuorumComesFromTheBrokersOwnCopyAndSaysSo() {
    broker.refuse("DescribeCluster", 503, "unavailable", "QUORUM_UNAVAILABLE", "definite");
    broker.answer("DescribeCluster", 200, "{\"clusterId\":\"c\",\"problems\":[]}");
    broker.answer("ListBrokers", 200, "{\"brokers\":[]}");
    CliRun run = run("cluster", "status");
    assertEquals(1, run.exitCode());
    assertTrue(run.err().contains("no quorum"), run.err());
    assertEquals(
        "ListBrokers application/json {\"includeLogDirs\":true,\"minMetadataIndex\":\"0\"}",
        broker.requests().get(2));
    assertEquals(
        "DescribeCluster application/json {\"minMetadataIndex\":\"0\"}", broker.requests().get(1));
  }

  @Test
  void brokersAndQuorumAsTables() {
    broker.answer(
        "ListBrokers",
        200,
        "{\"brokers\":[{\"brokerId\":1,\"grpcAddress\":\"h:7600\",\"httpAddress\":\"h:7602\","
            + "\"kafkaAddress\":\"\",\"state\":\"BROKER_STATE_ACTIVE\","
            + "\"stateSince\":\"2026-03-01T12:00:00Z\",\"brokerEpoch\":\"12\",\"version\":\"0.1\","
            + "\"voter\":true,\"leaderCount\":2,\"replicaCount\":3,\"logDirs\":[{\"path\":\"/d\","
            + "\"state\":\"LOG_DIR_STATE_ONLINE\",\"totalBytes\":\"100\","
            + "\"usableBytes\":\"10485760\",\"logBytes\":\"2097152\"}]}]}");
    broker.answer(
        "DescribeQuorum",
        200,
        "{\"groups\":[{\"name\":\"metadata\",\"leader\":1,\"term\":\"3\","
            + "\"committedIndex\":\"44\",\"members\":[{\"nodeId\":1,\"raftAddress\":\"h:7601\","
            + "\"voter\":true,\"matchIndex\":\"44\"},{\"nodeId\":4,\"raftAddress\":\"i:7601\","
            + "\"voter\":false,\"lastContact\":\"0.250s\"}]},"
            + "{\"name\":\"groups\",\"term\":\"0\",\"committedIndex\":\"0\",\"members\":[]}]}");
    assertEquals(
        """
        ID  STATE   SINCE                 GRPC    HTTP    VOTER  LEADS  REPLICAS  DISK                             VERSION
        1   active  2026-03-01T12:00:00Z  h:7600  h:7602  yes    2      3         online 2 MiB used, 10 MiB free  0.1
        """
            .replace(
                "DISK                             VERSION",
                "DISK                            VERSION"),
        run("cluster", "brokers").out());
    CliRun quorum = run("cluster", "quorum");
    assertEquals(
        """
        group metadata  leader 1  term 3  committed 44
        NODE  ROLE      ADDRESS  MATCH  LAST CONTACT
        1     leader    h:7601   44     -
        4     observer  i:7601   -      0.250s
        group groups  leader -  term 0  committed 0
        NODE  ROLE  ADDRESS  MATCH  LAST CONTACT
        """,
        quorum.out());
    assertTrue(quorum.err().contains("group groups has no leader"), quorum.err());
    assertTrue(run("cluster", "quorum", "--output=json").out().contains("\"committedIndex\":44"));
  }
}
