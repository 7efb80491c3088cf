package io.kontiki.config;

import static io.kontiki.config.Parsers.integer;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * All that a server is told before it starts.
 *
 * @param nodeId positive, unique in the cluster
 * @param dataDir everything that the node keeps lies below it
 * @param voters with which the cluster is formed and found (M15); never empty
 * @param grpc for clients
 * @param raft for brokers
 * @param http for people and tools
 * @param replication for brokers
 * @param kafka for clients of Apache Kafka; empty: off
 * @param autoCreateTopics a client of Apache Kafka that asks for a topic that does not exist makes
 *     it
 * @param loops event loops for data; 0: half of the cores, at least 1
 * @param defaultPartitions of a topic that does not say
 * @param defaultReplicationFactor of a topic that does not say; 0: the smaller of 3 and the number
 *     of voters in the image
 * @param groupShards Raft groups of consumer groups, of a cluster that forms
 * @param liveness times
 * @param storage of the log directory
 * @param limits bounds
 * @param topicDefaults topic settings, by name, that differ from the built-in default
 * @param logLevels for the log
 */
public record NodeConfig(
    int nodeId,
    Path dataDir,
    List<VoterAddress> voters,
    ListenerConfig grpc,
    ListenerConfig raft,
    ListenerConfig http,
    ListenerConfig replication,
    Optional<ListenerConfig> kafka,
    boolean autoCreateTopics,
    int loops,
    int defaultPartitions,
    int defaultReplicationFactor,
    int groupShards,
    LivenessConfig liveness,
    StorageConfig storage,
    LimitsConfig limits,
    Map<String, String> topicDefaults,
    LogLevels logLevels) {
  private static final String TOPIC_DEFAULT = "topic.default.";

  /** A message with a batch has other fields and frames besides (CORRECTNESS 5.1). */
  private static final int MESSAGE_OVERHEAD_BYTES = 64 * 1024;

  static final ConfigKey<Integer> NODE_ID =
      new ConfigKey<>(
          "node.id",
          "",
          true,
          "",
          "The node's number, from 1, unique in the cluster and the same at every start.",
          integer(1, Integer.MAX_VALUE));
  static final ConfigKey<Path> DATA_DIR =
      new ConfigKey<>(
          "data.dir",
          "",
          true,
          "",
          "The directory that holds everything the node keeps: raft/, log/, kontiki.pid.",
          text -> Path.of(Parsers.text(text)));
  static final ConfigKey<List<VoterAddress>> VOTERS =
      new ConfigKey<>(
          "cluster.voters",
          "",
          false,
          "",
          "The nodes that form the cluster and vote on its metadata, as ID@HOST:PORT of raft.listen,"
              + " separated by commas: 1, 3 or 5 of them, the same list on every node. Empty: this"
              + " node alone. Once formed, the cluster itself knows its voters, which 'kontiki quorum"
              + " add' and 'remove' change: then this only says where to look for it.",
          Parsers::voters);
  static final ConfigKey<Boolean> AUTO_CREATE =
      new ConfigKey<>(
          "kafka.auto.create.topics",
          "false",
          false,
          "",
          "true: a client of Apache Kafka that asks for a topic that does not exist makes it, with the"
              + " defaults.",
          Parsers::bool);
  static final ConfigKey<Integer> LOOPS =
      new ConfigKey<>(
          "loops",
          "0",
          false,
          "",
          "Event loops for data, each with a thread. 0: half of the cores, at least 1.",
          integer(0, 1024));
  static final ConfigKey<Integer> DEFAULT_PARTITIONS =
      new ConfigKey<>(
          "default.partitions",
          "1",
          false,
          "",
          "Partitions of a topic that does not say how many.",
          integer(1, 10_000));
  static final ConfigKey<Integer> DEFAULT_REPLICATION =
      new ConfigKey<>(
          "default.replication.factor",
          "0",
          false,
          "",
          "Replicas of each partition of a topic that does not say how many. 0: 3, or the number of"
              + " voters if that is less.",
          integer(0, 15));
  static final ConfigKey<Integer> GROUP_SHARDS =
      new ConfigKey<>(
          "group.shards",
          "1",
          false,
          "",
          "Raft groups that consumer groups are spread over, so that several voters coordinate. Read"
              + " when the cluster forms, and fixed from then on: each costs every voter about ten"
              + " threads.",
          integer(1, 4));
  static final ConfigKey<String> LOG_LEVEL =
      new ConfigKey<>(
          "log.level",
          "INFO",
          false,
          "",
          "ERROR, WARN, INFO, DEBUG, TRACE or OFF.",
          LogLevels::level);
  static final ConfigKey<Map<String, String>> LOG_LEVELS =
      new ConfigKey<>(
          "log.levels",
          "",
          false,
          "",
          "Exceptions to log.level, as LOGGER=LEVEL, separated by commas.",
          LogLevels::levels);

  /** Every key of a server, in the order of the reference page. */
  public static List<ConfigKey<?>> keys() {
    List<ConfigKey<?>> keys = new ArrayList<>(List.of(NODE_ID, DATA_DIR, VOTERS));
    keys.addAll(ListenerConfig.GRPC.all());
    keys.addAll(ListenerConfig.RAFT.all());
    keys.addAll(ListenerConfig.HTTP.all());
    keys.addAll(ListenerConfig.REPLICATION.all());
    keys.addAll(ListenerConfig.KAFKA.all());
    keys.add(AUTO_CREATE);
    keys.addAll(List.of(LOOPS, DEFAULT_PARTITIONS, DEFAULT_REPLICATION, GROUP_SHARDS));
    keys.addAll(List.of(LOG_LEVEL, LOG_LEVELS));
    keys.addAll(LivenessConfig.KEYS);
    keys.addAll(StorageConfig.KEYS);
    keys.addAll(LimitsConfig.KEYS);
    for (ConfigKey<?> setting : TopicConfig.KEYS) {
      keys.add(topicDefault(setting));
    }
    return Collections.unmodifiableList(keys);
  }

  /**
   * Reads all keys of a server.
   *
   * @throws ConfigException naming everything that is wrong, one line each
   */
  public static NodeConfig read(ConfigSources sources) {
    return from(Config.read(keys(), sources));
  }

  /**
   * Takes what was read by {@link #keys}.
   *
   * @throws ConfigException if values contradict each other
   */
  public static NodeConfig from(Config config) {
    List<String> errors = new ArrayList<>();
    int nodeId = config.get(NODE_ID);
    ListenerConfig raft = ListenerConfig.RAFT.from(config, errors);
    List<VoterAddress> voters = config.get(VOTERS);
    if (voters.isEmpty()) {
      voters = List.of(new VoterAddress(nodeId, raft.advertised(raft.listen().port())));
    }
    LimitsConfig limits = LimitsConfig.from(config);
    Map<String, String> topicDefaults = topicDefaults(config);
    int maxBatch = TopicConfig.of(topicDefaults).maxMessageBytes();
    if (maxBatch > limits.maxMessageBytes() - MESSAGE_OVERHEAD_BYTES) {
      errors.add(
          TOPIC_DEFAULT
              + TopicConfig.MAX_MESSAGE_BYTES.name()
              + " = "
              + maxBatch
              + " must stay 64 KiB below "
              + LimitsConfig.MESSAGE.name()
              + " = "
              + limits.maxMessageBytes());
    }
    NodeConfig read =
        new NodeConfig(
            nodeId,
            config.get(DATA_DIR),
            voters,
            ListenerConfig.GRPC.from(config, errors),
            raft,
            ListenerConfig.HTTP.from(config, errors),
            ListenerConfig.REPLICATION.from(config, errors),
            ListenerConfig.KAFKA.optionalFrom(config, errors),
            config.get(AUTO_CREATE),
            config.get(LOOPS),
            config.get(DEFAULT_PARTITIONS),
            config.get(DEFAULT_REPLICATION),
            config.get(GROUP_SHARDS),
            LivenessConfig.from(config, errors),
            StorageConfig.from(config, errors),
            limits,
            topicDefaults,
            new LogLevels(config.get(LOG_LEVEL), config.get(LOG_LEVELS)));
    if (!errors.isEmpty()) {
      throw new ConfigException(String.join("\n", errors));
    }
    return read;
  }

  /** The listeners that other machines may reach, as they stand in the configuration. */
  public List<String> open() {
    List<String> open = new ArrayList<>();
    Map<String, ListenerConfig> listeners = new LinkedHashMap<>();
    listeners.put("grpc.listen", grpc);
    listeners.put("raft.listen", raft);
    listeners.put("http.listen", http);
    listeners.put("replication.listen", replication);
    kafka.ifPresent(listener -> listeners.put("kafka.listen", listener));
    listeners.forEach(
        (key, listener) -> {
          if (!listener.listen().isLoopback()) {
            open.add(key + " = " + listener.listen());
          }
        });
    return open;
  }

  private static Map<String, String> topicDefaults(Config config) {
    Map<String, String> values = new TreeMap<>();
    for (ConfigKey<?> setting : TopicConfig.KEYS) {
      ConfigKey<?> key = topicDefault(setting);
      if (!config.get(key).equals(setting.parser().apply(setting.defaultText()))) {
        values.put(setting.name(), config.text(key));
      }
    }
    return Collections.unmodifiableMap(values);
  }

  private static <T> ConfigKey<T> topicDefault(ConfigKey<T> setting) {
    return new ConfigKey<>(
        TOPIC_DEFAULT + setting.name(),
        setting.defaultText(),
        false,
        setting.unit(),
        "Of topics that do not set " + setting.name() + ": " + setting.doc(),
        setting.parser());
  }
}
