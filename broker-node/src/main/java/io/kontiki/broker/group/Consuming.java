package io.kontiki.broker.group;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.TopicLookup;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.Worker;

/**
 * Consumes in groups on behalf of clients. Stateless; any loop.
 *
 * @param decoder decompresses; a session has at most one task there at a time, so its queue must
 *     take as many tasks as there may be sessions
 * @param decompressedBytes that one batch may take
 */
public record Consuming(
    Metadata metadata,
    PartitionRequests partitions,
    Groups groups,
    Worker decoder,
    int decompressedBytes) {
  TopicLookup lookup() {
    return new TopicLookup(metadata);
  }

  /** A stream has been opened; asks the sink for its first message. On the loop. */
  public ConsumeSession open(EventLoop loop, ConsumeSink sink) {
    ConsumeSession session = new ConsumeSession(loop, this, sink);
    session.start();
    return session;
  }
}
