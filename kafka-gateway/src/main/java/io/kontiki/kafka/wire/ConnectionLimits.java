package io.kontiki.kafka.wire;

import io.kontiki.config.LimitsConfig;

/**
 * Bounds on what one connection can make this broker hold (promise P18, CORRECTNESS 5.1).
 *
 * @param frameBytes of one request
 * @param inFlightBytes of the requests that are not answered yet; the one that passes it is read
 * @param requests that are not answered yet
 * @param firstRequestMs until a connection has begun to talk
 * @param frameMs from the first byte of a request to its last, and between two bytes that a client
 *     takes of an answer
 * @param idleMs without a request
 */
public record ConnectionLimits(
    int frameBytes,
    int inFlightBytes,
    int requests,
    long firstRequestMs,
    long frameMs,
    long idleMs) {
  private static final long FRAME_MS = 30_000;

  /** Longer than clients keep a connection that they do not need. */
  private static final long IDLE_MS = 15 * 60_000;

  /** The operator's. */
  public static ConnectionLimits of(LimitsConfig limits) {
    return new ConnectionLimits(
        limits.connectionInFlightBytes(),
        limits.connectionInFlightBytes(),
        limits.callsPerConnection(),
        limits.handshakeTimeoutMs(),
        FRAME_MS,
        IDLE_MS);
  }
}
