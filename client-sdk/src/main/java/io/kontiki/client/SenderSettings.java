package io.kontiki.client;

import io.kontiki.record.Compression;

/** What a partition's sender must know of {@link ProducerOptions}. */
record SenderSettings(
    Compression compression,
    boolean idempotent,
    long lingerNanos,
    int batchBytes,
    int maxInFlight,
    int requestTimeoutMs) {
  static SenderSettings of(ProducerOptions options) {
    return new SenderSettings(
        options.compression(),
        options.idempotent(),
        options.linger().toNanos(),
        options.batchBytes(),
        options.maxInFlight(),
        (int) options.requestTimeout().toMillis());
  }
}
