package io.kontiki.client;

/**
 * Where an acknowledged record is.
 *
 * @param offset in its partition; -1 with acks none
 * @param timestampMs that it carries: its own, or that of its append
 */
public record RecordMetadata(String topic, int partition, long offset, long timestampMs) {}
