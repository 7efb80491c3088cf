package io.kontiki.broker.rpc;

import io.kontiki.config.LimitsConfig;

/**
 * Bounds on what clients can make this broker hold (promise P18, CORRECTNESS 5.1). Those that an
 * operator may change come from the configuration.
 *
 * @param requestMemoryBytes of all requests under way
 * @param streamInFlightBytes of the requests of one stream that are not answered yet
 * @param connections of clients at a time
 * @param callsPerConnection at a time
 * @param maxMessageBytes of one message of a client
 * @param maxHeaderBytes of the headers of a call
 * @param flowWindowBytes HTTP/2 window of a connection
 * @param handshakeTimeoutMs until a connection has begun to talk
 * @param streams long-lived streams (Consume, Read, WatchCluster, Fetch, Append, ProduceStream) in
 *     all
 */
public record ServerLimits(
    long requestMemoryBytes,
    int streamInFlightBytes,
    int connections,
    int callsPerConnection,
    int maxMessageBytes,
    int maxHeaderBytes,
    int flowWindowBytes,
    long handshakeTimeoutMs,
    int streams) {
  /** A message with a batch has other fields and frames besides. */
  public static final int MESSAGE_OVERHEAD_BYTES = 64 << 10;

  /** Clients may ping so often, also without calls. */
  public static final int PERMITTED_PING_SECONDS = 5;

  /** The broker pings silent clients after this. */
  public static final int PING_SECONDS = 20;

  /** And gives up on them after this. */
  public static final int PING_TIMEOUT_SECONDS = 10;

  /** Resets that a client may send (rapid reset, CVE-2023-44487). */
  public static final int RESETS_PER_WINDOW = 100;

  /** Length of the window. */
  public static final int RESET_WINDOW_SECONDS = 10;

  /** What the documentation promises unless an operator says otherwise. */
  public static final ServerLimits DEFAULT =
      new ServerLimits(64 << 20, 4 << 20, 10_000, 100, 4 << 20, 8 << 10, 1 << 20, 10_000, 5000);

  /** The operator's. */
  public static ServerLimits of(LimitsConfig limits) {
    return new ServerLimits(
        limits.requestMemoryBytes(),
        Math.min(limits.connectionInFlightBytes(), DEFAULT.streamInFlightBytes()),
        limits.connections(),
        limits.callsPerConnection(),
        limits.maxMessageBytes(),
        limits.maxHeaderBytes(),
        limits.flowWindowBytes(),
        limits.handshakeTimeoutMs(),
        DEFAULT.streams());
  }

  /** Greatest {@code max.message.bytes} that a client's message can carry. */
  public int maxBatchBytes() {
    return maxMessageBytes - MESSAGE_OVERHEAD_BYTES;
  }
}
