package io.kontiki.broker.api;

import io.kontiki.model.TopicId;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.SortedMap;

/**
 * A produce request that nothing speaks against: its records as one batch per partition, none of
 * them handed out yet.
 *
 * @param partitionOf the partition of each record, in the request's order
 */
public record ProducePlan(
    ProduceRequest request,
    TopicId topicId,
    SortedMap<Integer, ByteBuffer> batches,
    List<Integer> partitionOf) {}
