package io.kontiki.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ConfigTest {
  private static final String REQUIRED = "node.id = 1\ndata.dir = data\n";

  @Test
  void allDefaults() {
    NodeConfig config = NodeConfig.read(text(REQUIRED));
    assertEquals(1, config.nodeId());
    assertEquals(Path.of("data"), config.dataDir());
    assertEquals("[1@127.0.0.1:7601]", config.voters().toString());
    assertEquals("127.0.0.1:7600", config.grpc().listen().toString());
    assertEquals("127.0.0.1:7601", config.raft().listen().toString());
    assertEquals("127.0.0.1:7602", config.http().listen().toString());
    assertEquals("127.0.0.1:7604", config.replication().listen().toString());
    assertEquals(0, config.loops());
    assertEquals(1, config.defaultPartitions());
    assertEquals(0, config.defaultReplicationFactor());
    assertEquals(
        new LivenessConfig(
            200, 1500, 1200, 500, 2000, 10_000, 1000, 30_000, 5000, 10_000, true, 30_000),
        config.liveness());
    long mib = 1024 * 1024;
    assertEquals(
        new StorageConfig(
            64 * mib,
            256 * mib,
            (int) (16 * mib),
            1800,
            1024 * mib,
            5,
            16 * mib,
            300_000,
            4 * mib,
            86_400_000,
            (int) (16 * mib),
            32 * mib,
            15_000,
            86_400_000,
            10_000,
            64 * mib),
        config.storage());
    assertEquals(64 * mib, config.limits().requestMemoryBytes());
    assertEquals(100, config.limits().callsPerConnection());
    assertEquals(Map.of(), config.topicDefaults());
    assertEquals(new LogLevels("INFO", Map.of()), config.logLevels());
  }

  @Test
  void whatOtherMachinesMayReachIsKnown() {
    assertEquals(List.of(), NodeConfig.read(text(REQUIRED)).open());
    assertEquals(
        List.of("raft.listen = broker-1:7601", "http.listen = 0.0.0.0:7602"),
        NodeConfig.read(
                text(
                    REQUIRED
                        + "\ngrpc.listen = localhost:7600\nraft.listen = broker-1:7601"
                        + "\nhttp.listen = 0.0.0.0:7602\nhttp.advertise = broker-1:7602"
                        + "\nreplication.listen = [::1]:7604"))
            .open());
  }

  @Test
  void allKeysSet() {
    Map<String, String> all = new TreeMap<>();
    for (ConfigKey<?> key : NodeConfig.keys()) {
      all.put(key.name(), another(key));
    }
    NodeConfig config = NodeConfig.read(new ConfigSources(all, Map.of(), Map.of()));
    NodeConfig defaults = NodeConfig.read(text(REQUIRED));
    assertEquals(7, config.nodeId());
    assertEquals(3, config.voters().size());
    assertEquals(new Endpoint("example", 2000), config.http().advertised(1));
    assertEquals(new Endpoint("10.0.0.1", 1000), config.grpc().listen());
    assertEquals(new Endpoint("10.0.0.1", 1000), config.kafka().orElseThrow().listen());
    assertEquals(new Endpoint("example", 2000), config.kafka().orElseThrow().advertised(1));
    assertTrue(config.autoCreateTopics());
    assertEquals(new LogLevels("WARN", Map.of("a.b", "DEBUG")), config.logLevels());
    assertEquals(TopicConfig.KEYS.size(), config.topicDefaults().size());
    assertFalse(config.liveness().equals(defaults.liveness()));
    // Every component of the records differs from its default: no key is read twice or not at all.
    assertNoneEqual(config.liveness().toString(), defaults.liveness().toString());
    assertNoneEqual(config.storage().toString(), defaults.storage().toString());
    assertNoneEqual(config.limits().toString(), defaults.limits().toString());
  }

  @Test
  void theCommandLineOverridesTheEnvironmentAndThatTheFile() {
    ConfigSources sources =
        text(REQUIRED + "loops = 2\ndefault.partitions = 2\nhot.bytes = 2m")
            .withEnvironment(
                Map.of("KONTIKI_LOOPS", "3", "KONTIKI_DEFAULT_PARTITIONS", " 3 ", "PATH", "x"))
            .withOverrides(List.of("loops=4"));
    Config config = Config.read(NodeConfig.keys(), sources);
    assertEquals(4, config.get(NodeConfig.LOOPS));
    assertEquals(Config.Source.COMMAND_LINE, config.source(NodeConfig.LOOPS));
    assertEquals(3, config.get(NodeConfig.DEFAULT_PARTITIONS));
    assertEquals(Config.Source.ENVIRONMENT, config.source(NodeConfig.DEFAULT_PARTITIONS));
    assertEquals(2L * 1024 * 1024, config.get(StorageConfig.HOT));
    assertEquals(Config.Source.FILE, config.source(StorageConfig.HOT));
    assertEquals(Config.Source.DEFAULT, config.source(NodeConfig.LOG_LEVEL));
    assertEquals(List.of(), config.warnings());
  }

  @Test
  void everythingThatIsWrongIsSaidAtOnceWithTheNearestNames() {
    ConfigSources sources =
        text("node.idd = 1\ndata.dir = d\nloops = many\nraft.listen = nowhere\n")
            .withOverrides(List.of("grpc.lisen=x:1"));
    ConfigException failure = assertThrows(ConfigException.class, () -> NodeConfig.read(sources));
    List<String> lines = failure.getMessage().lines().toList();
    assertEquals(5, lines.size(), failure.getMessage());
    assertTrue(lines.get(0).contains("node.idd") && lines.get(0).contains("node.id?"));
    assertTrue(lines.get(1).contains("grpc.lisen") && lines.get(1).contains("grpc.listen"));
    assertTrue(failure.getMessage().contains("node.id must be set"));
    assertTrue(failure.getMessage().contains("'many' is not a whole number"));
    assertTrue(failure.getMessage().contains("'nowhere' is not HOST:PORT"));
  }

  @Test
  void anUnknownVariableIsAWarningAndThoseOfTheCommandLineAreNot() {
    Config config =
        Config.read(
            NodeConfig.keys(),
            text(REQUIRED)
                .withEnvironment(
                    Map.of("KONTIKI_BOOTSTRAP", "x", "KONTIKI_HTTP", "y", "KONTIKI_LOOP", "1")));
    assertEquals(1, config.warnings().size());
    assertTrue(config.warnings().get(0).contains("KONTIKI_LOOPS"), config.warnings().get(0));
  }

  @Test
  void aKeyThatIsSetTwiceIsRefused() {
    ConfigException failure =
        assertThrows(ConfigException.class, () -> text(REQUIRED + "node.id = 2"));
    assertTrue(failure.getMessage().contains("node.id"));
  }

  @Test
  void valuesThatContradictEachOtherAreRefused() {
    refused("lease.ms = 1300", "lease.ms = 1300 must be at most 0.8");
    refused("replica.silent.ms = 1400", "lease.ms = 1200 must be at most 0.8 of replica.silent.ms");
    refused("heartbeat.ms = 700", "heartbeat.ms = 700 must be at most half");
    refused("journal.bytes = 32m", "journal.bytes");
    refused("grpc.listen = 0.0.0.0:7600", "grpc.advertise must be set");
    refused("http.listen =", "http.listen must not be empty");
    refused("topic.default.max.message.bytes = 4m", "must stay 64 KiB below");
    refused("cluster.voters = 1@a:1,2@b:2", "1, 3 or 5");
    refused("cluster.voters = 1@a:1,1@b:2,3@c:3", "listed twice");
    refused("log.levels = x", "LOGGER=LEVEL");
  }

  @Test
  void durationsAndBytesTakeUnits() {
    assertEquals(1500, Parsers.durationMs(0, Long.MAX_VALUE).apply("1500"));
    assertEquals(1500, Parsers.durationMs(0, Long.MAX_VALUE).apply("1500ms"));
    assertEquals(120_000, Parsers.durationMs(0, Long.MAX_VALUE).apply("2m"));
    assertEquals(7L * 86_400_000, Parsers.durationMs(0, Long.MAX_VALUE).apply("7 d"));
    assertEquals(3L << 30, Parsers.bytes(0, Long.MAX_VALUE).apply("3G"));
    for (String wrong : List.of("", "m", "1.5s", "9223372036854775807d", "5x")) {
      assertThrows(
          IllegalArgumentException.class,
          () -> Parsers.durationMs(0, Long.MAX_VALUE).apply(wrong),
          wrong);
    }
  }

  @Test
  void theKafkaDoorIsOffUnlessItHasAnAddress() {
    assertEquals(Optional.empty(), NodeConfig.read(text(REQUIRED)).kafka());
    assertEquals(Optional.empty(), NodeConfig.read(text(REQUIRED + "kafka.listen =")).kafka());
    assertFalse(NodeConfig.read(text(REQUIRED)).autoCreateTopics());
    assertEquals(
        new Endpoint("127.0.0.1", 9092),
        NodeConfig.read(text(REQUIRED + "kafka.listen = 127.0.0.1:9092"))
            .kafka()
            .orElseThrow()
            .listen());
    refused("kafka.advertise = a:9092", "needs kafka.listen");
    refused("kafka.listen = 0.0.0.0:9092", "kafka.advertise must be set");
  }

  @Test
  void aTopicWithoutSettingsHasTheDefaults() {
    TopicConfig config = TopicConfig.DEFAULT;
    assertEquals(Durability.FSYNC, config.durability());
    assertEquals(1_048_588, config.maxMessageBytes());
    assertEquals(604_800_000L, config.retentionMs());
    assertEquals(-1, config.retentionBytes());
    assertEquals(1 << 30, config.segmentBytes());
    assertEquals(CleanupPolicy.DELETE, config.cleanupPolicy());
    assertEquals(TimestampType.CREATE_TIME, config.timestampType());
  }

  @Test
  void minInsyncFollowsTheReplicationFactorUnlessSet() {
    int[] expected = {0, 1, 2, 2, 3, 3};
    for (int factor = 1; factor <= 5; factor++) {
      assertEquals(expected[factor], TopicConfig.DEFAULT.minInsyncReplicas(factor), "rule R37");
      assertEquals(Optional.empty(), TopicConfig.DEFAULT.checkReplication(factor));
    }
    TopicConfig three = TopicConfig.of(Map.of("min.insync.replicas", "3"));
    assertEquals(OptionalInt.of(3), three.explicitMinInsync());
    assertEquals(
        ErrorReason.INVALID_CONFIG, three.checkReplication(2).orElseThrow().reason(), "rule R37");
  }

  @Test
  void everyTopicSettingCanBeSetAndComesBackAsText() {
    Map<String, String> all = new TreeMap<>();
    for (ConfigKey<?> key : TopicConfig.KEYS) {
      all.put(key.name(), another(key));
    }
    TopicConfig config = TopicConfig.of(all);
    assertEquals(config, TopicConfig.of(config.toMap(3)));
    assertNoneEqual(config.toString(), TopicConfig.DEFAULT.toString());
    Map<String, String> shown = TopicConfig.DEFAULT.toMap(3);
    assertEquals(TopicConfig.KEYS.size(), shown.size());
    assertEquals("2", shown.get("min.insync.replicas"));
  }

  @Test
  void anUnknownTopicSettingAndAWrongValueAreRefusedByName() {
    Result<TopicConfig> unknown = TopicConfig.parse(Map.of("retention.sm", "1"));
    String message = unknown.fold(ok -> "", error -> error.toString());
    assertTrue(message.contains("retention.ms"), message);
    Result<TopicConfig> wrong = TopicConfig.parse(Map.of("durability", "maybe"));
    Map<String, String> metadata = wrong.fold(ok -> Map.of(), error -> error.metadata());
    assertEquals(Map.of("key", "durability", "value", "maybe"), metadata);
    assertThrows(ConfigException.class, () -> TopicConfig.of(Map.of("segment.bytes", "10")));
  }

  @Test
  void aBrokersDefaultsGoBelowWhatIsAskedFor() {
    NodeConfig config =
        NodeConfig.read(
            text(
                REQUIRED
                    + "topic.default.durability = replicated\n"
                    + "topic.default.retention.ms = 7d\n"
                    + "topic.default.segment.bytes = 1m\n"));
    assertEquals(
        Map.of("durability", "replicated", "segment.bytes", "1m"),
        config.topicDefaults(),
        "seven days are the built-in default");
    assertEquals(
        Map.of("durability", "fsync", "segment.bytes", "1m"),
        TopicConfig.withDefaults(Map.of("durability", "fsync"), config.topicDefaults()));
  }

  @Test
  void aTopicIsCompactedOrDeletedFromOrBothInAnyOrder() {
    assertEquals(CleanupPolicy.COMPACT, policy("compact"));
    assertEquals(CleanupPolicy.DELETE, policy("delete"));
    for (String both : List.of("compact,delete", "delete, compact")) {
      assertEquals(CleanupPolicy.COMPACT_DELETE, policy(both));
      assertTrue(policy(both).compacts() && policy(both).deletes());
    }
    for (String wrong : List.of("", "compact,", "compacted", "compact delete")) {
      ApiError error =
          TopicConfig.parse(Map.of("cleanup.policy", wrong))
              .fold(config -> null, refusal -> refusal);
      assertNotNull(error, wrong);
      assertEquals(ErrorReason.INVALID_CONFIG, error.reason());
      assertEquals("cleanup.policy", error.metadata().get("key"));
    }
    refused("topic.default.min.cleanable.dirty.ratio = 1.5", "no number from 0 to 1");
  }

  @Test
  void aRecordCannotBeTooYoungAndTooOldForCompactionAtOnce() {
    Map<String, String> settings = new TreeMap<>();
    settings.put("min.compaction.lag.ms", "2h");
    settings.put("max.compaction.lag.ms", "2h");
    assertEquals(7_200_000, TopicConfig.of(settings).maxCompactionLagMs());
    settings.put("max.compaction.lag.ms", "1h");
    ApiError error = TopicConfig.parse(settings).fold(config -> null, refusal -> refusal);
    assertNotNull(error);
    assertEquals(ErrorReason.INVALID_CONFIG, error.reason());
    assertEquals("max.compaction.lag.ms", error.metadata().get("key"));
  }

  private static CleanupPolicy policy(String text) {
    return TopicConfig.of(Map.of("cleanup.policy", text)).cleanupPolicy();
  }

  /** Regenerate with {@code mvn -pl common test -Dtest=ConfigTest -Dkontiki.docs.write=true}. */
  @Test
  void theReferencePageInTheDocumentationIsUpToDate() throws IOException {
    Path page = Path.of("..", "docs", "operating", "configuration.md");
    if (Boolean.getBoolean("kontiki.docs.write")) {
      Files.writeString(page, ConfigReference.markdown());
    }
    assertEquals(
        ConfigReference.markdown(),
        Files.readString(page),
        page
            + " is stale; write it with"
            + " mvn -pl common test -Dtest=ConfigTest -Dkontiki.docs.write=true");
  }

  @Test
  void theReferencePageHasEveryKeyOnceWithItsDoc() {
    String page = ConfigReference.markdown();
    Set<String> names = new HashSet<>();
    for (ConfigKey<?> key : NodeConfig.keys()) {
      assertTrue(names.add(key.name()), key.name() + " is declared twice");
      assertTrue(page.contains("| `" + key.name() + "` |"), key.name());
      assertTrue(key.doc().endsWith("."), key.name());
    }
    assertEquals(
        NodeConfig.keys().size() + TopicConfig.KEYS.size() + 4,
        page.lines().filter(line -> line.startsWith("|")).count());
  }

  private static void refused(String line, String expected) {
    ConfigException failure =
        assertThrows(ConfigException.class, () -> NodeConfig.read(text(REQUIRED + line)), line);
    assertTrue(failure.getMessage().contains(expected), failure.getMessage());
  }

  private static ConfigSources text(String text) {
    return ConfigSources.NONE.withText(text, "test.conf");
  }

  private static void assertNoneEqual(String record, String defaults) {
    String[] parts = record.substring(0, record.length() - 1).split(", (?=[a-zA-Z]+=)");
    String[] others = defaults.substring(0, defaults.length() - 1).split(", (?=[a-zA-Z]+=)");
    assertEquals(others.length, parts.length);
    for (int i = 0; i < parts.length; i++) {
      assertFalse(parts[i].equals(others[i]), parts[i]);
    }
  }

  /** A value that is allowed and differs from the default. */
  private static String another(ConfigKey<?> key) {
    String name = key.name().replace("topic.default.", "");
    return switch (name) {
      case "node.id" -> "7";
      case "data.dir" -> "elsewhere";
      case "cluster.voters" -> "1@a:1, 2@b:2, 7@[::1]:3";
      case "grpc.listen", "raft.listen", "http.listen", "replication.listen", "kafka.listen" ->
          "10.0.0.1:1000";
      case "grpc.advertise",
          "raft.advertise",
          "http.advertise",
          "replication.advertise",
          "kafka.advertise" ->
          "example:2000";
      case "log.level" -> "WARN";
      case "log.levels" -> "a.b=DEBUG";
      case "durability" -> "replicated";
      case "min.insync.replicas" -> "1";
      case "cleanup.policy" -> "compact,delete";
      case "min.cleanable.dirty.ratio" -> "0.25";
      case "max.compaction.lag.ms" -> "1h";
      case "message.timestamp.type" -> "LogAppendTime";
      case "retention.bytes" -> "10g";
      case "segment.bytes" -> "10240";
      case "heartbeat.ms" -> "201";
      case "session.timeout.ms" -> "1501";
      case "lease.ms" -> "1199";
      case "auto.leader.rebalance.enable" -> "false";
      case "kafka.auto.create.topics" -> "true";
      default -> another(key.defaultText());
    };
  }

  private static String another(String text) {
    String digits = text.replaceAll("[a-z]", "");
    return (Long.parseLong(digits) + 1) + text.substring(digits.length());
  }
}
