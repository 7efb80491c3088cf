package io.kontiki.broker.api;

/**
 * Reads a topic without a group.
 *
 * @param partition -1: all
 * @param follow false: to the high watermark of the moment of the call
 * @param maxRecords 0: no limit
 */
public record ReadRequest(
    String topic, int partition, StartSpec start, boolean follow, long maxRecords) {}
