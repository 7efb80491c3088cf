package io.kontiki.broker.api;

import io.kontiki.model.ApiError;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.Worker;

/** Reads committed records without a group. Stateless; any loop. */
public final class RecordRead {
  private final TopicLookup lookup;
  private final PartitionRequests partitions;
  private final CommittedOffsets committed;
  private final Worker decoder;
  private final int decompressedBytes;

  /** Takes what was read. All calls on the session's loop. */
  public interface Sink {
    /**
     * Whether the client takes more at the moment; {@link ReadSession#onReady} tells of a change.
     */
    boolean ready();

    /** Records of one partition. */
    void records(String topic, RecordChunk chunk);

    /** Nothing came for 10 s. */
    void heartbeat();

    /** Everything asked for has been delivered. Last call. */
    void end();

    /** The read failed. Last call. */
    void failed(ApiError error);
  }

  /**
   * @param decoder decompresses; a session has at most one task there at a time, so its queue must
   *     take as many tasks as there may be sessions
   * @param decompressedBytes that one batch may take
   */
  public RecordRead(
      Metadata metadata,
      PartitionRequests partitions,
      CommittedOffsets committed,
      Worker decoder,
      int decompressedBytes) {
    this.lookup = new TopicLookup(metadata);
    this.partitions = partitions;
    this.committed = committed;
    this.decoder = decoder;
    this.decompressedBytes = decompressedBytes;
  }

  /** Begins to read. */
  public ReadSession open(EventLoop loop, ReadRequest request, Sink sink) {
    ReadSession session =
        new ReadSession(loop, request, sink, partitions, committed, decoder, decompressedBytes);
    session.start(lookup);
    return session;
  }
}
