package io.kontiki.log;

import io.kontiki.log.segment.SealedFile;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The proof of a clean stop (rule R3): written after all logs have been synced, itself synced,
 * removed before the logs are served again.
 *
 * <p>File {@code clean-shutdown}, sealed as {@link SealedFile} with kind "KCLN":
 *
 * <pre>
 * offset size field
 *      0    8 broker epoch
 *      8    4 count
 *     12  28n logs: 16 topic id, 4 partition, 8 log end offset
 * </pre>
 *
 * @param brokerEpoch of the process that stopped
 * @param endOffsets of its logs, sorted
 */
public record CleanMarker(long brokerEpoch, Map<PartitionId, Long> endOffsets) {
  static final String FILE = "clean-shutdown";

  private static final int ENTRY_BYTES = 28;
  private static final SealedFile FORMAT = SealedFile.of("KCLN", 1, 1 << 29);

  /** Copies. */
  public CleanMarker {
    endOffsets = Collections.unmodifiableMap(new TreeMap<>(endOffsets));
  }

  /** Durable on return. */
  void write(FileStore store) {
    ByteBuffer payload = ByteBuffer.allocate(12 + endOffsets.size() * ENTRY_BYTES);
    payload.putLong(brokerEpoch).putInt(endOffsets.size());
    endOffsets.forEach(
        (id, end) -> {
          payload.putLong(id.topicId().high()).putLong(id.topicId().low());
          payload.putInt(id.partition()).putLong(end);
        });
    FORMAT.write(store, FILE, payload.flip());
    store.syncDirectory("");
  }

  static Optional<CleanMarker> read(FileStore store) {
    return FORMAT.read(store, FILE, CleanMarker::parse);
  }

  private static CleanMarker parse(ByteBuffer payload) {
    long brokerEpoch = payload.getLong();
    int count = SealedFile.count(payload, ENTRY_BYTES);
    Map<PartitionId, Long> ends = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      ends.put(new PartitionId(TopicId.of(payload), payload.getInt()), payload.getLong());
    }
    return new CleanMarker(brokerEpoch, ends);
  }
}
