package io.kontiki.config;

import static io.kontiki.config.Parsers.bytes;
import static io.kontiki.config.Parsers.durationMs;
import static io.kontiki.config.Parsers.intBytes;
import static io.kontiki.config.Parsers.integer;

import java.util.List;

/**
 * Bounds on what clients and peers can make a broker hold (CORRECTNESS 5.1, promise P18).
 *
 * @param requestMemoryBytes of all requests under way
 * @param connectionInFlightBytes of the requests of one connection
 * @param connections of all clients
 * @param callsPerConnection at a time
 * @param maxMessageBytes of one gRPC message of a client
 * @param maxHeaderBytes of the headers of a call
 * @param flowWindowBytes HTTP/2 window of a client's connection
 * @param handshakeTimeoutMs until a connection has begun to talk
 * @param decompressedBytes of one batch where it must be decompressed
 * @param replicationWindowBytes of a live log stream (R33)
 * @param catchUpWindowBytes of a log stream that catches up (R33)
 * @param catchUpBytesPerSecond by which backlogs of all replicas that catch up from here shrink
 *     (R33)
 * @param topics in the cluster (M19)
 * @param partitions in the cluster (M19)
 * @param reassignments partitions whose replicas are on their way at a time (R34)
 */
public record LimitsConfig(
    long requestMemoryBytes,
    int connectionInFlightBytes,
    int connections,
    int callsPerConnection,
    int maxMessageBytes,
    int maxHeaderBytes,
    int flowWindowBytes,
    long handshakeTimeoutMs,
    int decompressedBytes,
    int replicationWindowBytes,
    int catchUpWindowBytes,
    long catchUpBytesPerSecond,
    int topics,
    int partitions,
    int reassignments) {
  private static final int MIB = 1024 * 1024;

  static final ConfigKey<Long> REQUEST_MEMORY =
      new ConfigKey<>(
          "request.memory.bytes",
          "64m",
          false,
          "bytes",
          "What all requests under way may hold; beyond it they are refused (BUSY).",
          bytes(8 * MIB, 1L << 40));
  static final ConfigKey<Integer> CONNECTION_IN_FLIGHT =
      new ConfigKey<>(
          "connection.inflight.bytes",
          "16m",
          false,
          "bytes",
          "What the requests of one connection under way may hold.",
          intBytes(4 * MIB, 1 << 30));
  static final ConfigKey<Integer> CONNECTIONS =
      new ConfigKey<>(
          "connections.max",
          "10000",
          false,
          "",
          "Connections of clients at a time.",
          integer(10, 1_000_000));
  static final ConfigKey<Integer> CALLS =
      new ConfigKey<>(
          "connection.calls.max",
          "100",
          false,
          "",
          "Calls at a time on one connection of a client.",
          integer(1, 10_000));
  static final ConfigKey<Integer> MESSAGE =
      new ConfigKey<>(
          "grpc.message.max.bytes",
          "4m",
          false,
          "bytes",
          "Greatest gRPC message that a client may send. max.message.bytes of a topic must stay"
              + " 64 KiB below it.",
          intBytes(MIB, 64 * MIB));
  static final ConfigKey<Integer> HEADERS =
      new ConfigKey<>(
          "grpc.headers.max.bytes",
          "8k",
          false,
          "bytes",
          "Headers of one call of a client.",
          intBytes(1024, MIB));
  static final ConfigKey<Integer> FLOW_WINDOW =
      new ConfigKey<>(
          "grpc.window.bytes",
          "1m",
          false,
          "bytes",
          "HTTP/2 window of a client's connection.",
          intBytes(64 * 1024, 64 * MIB));
  static final ConfigKey<Long> HANDSHAKE =
      new ConfigKey<>(
          "handshake.timeout.ms",
          "10000",
          false,
          "ms",
          "A connection that has not begun to talk by then is closed.",
          durationMs(100, 600_000));
  static final ConfigKey<Integer> DECOMPRESSED =
      new ConfigKey<>(
          "decompressed.max.bytes",
          "64m",
          false,
          "bytes",
          "What the records of one batch may take where a broker must decompress it.",
          intBytes(MIB, 1 << 30));
  static final ConfigKey<Integer> REPLICATION_WINDOW =
      new ConfigKey<>(
          "replication.window.bytes",
          "1m",
          false,
          "bytes",
          "Receive window of a live log stream (R33).",
          intBytes(64 * 1024, 64 * MIB));
  static final ConfigKey<Integer> CATCH_UP_WINDOW =
      new ConfigKey<>(
          "replication.catchup.window.bytes",
          "4m",
          false,
          "bytes",
          "Receive window of a log stream that catches up (R33).",
          intBytes(64 * 1024, 64 * MIB));
  static final ConfigKey<Long> CATCH_UP_RATE =
      new ConfigKey<>(
          "replication.catchup.bytes.per.second",
          "64m",
          false,
          "bytes",
          "By so much at most this broker lets the backlogs of replicas that catch up from it"
              + " shrink, all together; by less, down to a sixteenth, while commits take longer than"
              + " they did without. What producers write meanwhile comes on top (R33).",
          bytes(64 * 1024, 1L << 40));
  static final ConfigKey<Integer> TOPICS =
      new ConfigKey<>(
          "cluster.topics.max",
          "10000",
          false,
          "",
          "More topics are refused (M19).",
          integer(1, 1_000_000));
  static final ConfigKey<Integer> PARTITIONS =
      new ConfigKey<>(
          "cluster.partitions.max",
          "100000",
          false,
          "",
          "More partitions in all topics together are refused (M19).",
          integer(1, 1_000_000));

  static final ConfigKey<Integer> REASSIGNMENTS =
      new ConfigKey<>(
          "reassignment.max.partitions",
          "500",
          false,
          "",
          "So many partitions may have replicas on their way at a time; more are refused until some"
              + " have arrived (R34).",
          integer(1, 10_000));

  static final List<ConfigKey<?>> KEYS =
      List.of(
          REQUEST_MEMORY,
          CONNECTION_IN_FLIGHT,
          CONNECTIONS,
          CALLS,
          MESSAGE,
          HEADERS,
          FLOW_WINDOW,
          HANDSHAKE,
          DECOMPRESSED,
          REPLICATION_WINDOW,
          CATCH_UP_WINDOW,
          CATCH_UP_RATE,
          TOPICS,
          PARTITIONS,
          REASSIGNMENTS);

  static LimitsConfig from(Config config) {
    return new LimitsConfig(
        config.get(REQUEST_MEMORY),
        config.get(CONNECTION_IN_FLIGHT),
        config.get(CONNECTIONS),
        config.get(CALLS),
        config.get(MESSAGE),
        config.get(HEADERS),
        config.get(FLOW_WINDOW),
        config.get(HANDSHAKE),
        config.get(DECOMPRESSED),
        config.get(REPLICATION_WINDOW),
        config.get(CATCH_UP_WINDOW),
        config.get(CATCH_UP_RATE),
        config.get(TOPICS),
        config.get(PARTITIONS),
        config.get(REASSIGNMENTS));
  }
}
