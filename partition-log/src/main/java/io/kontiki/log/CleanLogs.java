package io.kontiki.log;

import io.kontiki.log.segment.SealedFile;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a clean stop leaves so that the next start opens logs without touching their files: derived
 * data, which counts only beside the {@link CleanMarker} of the same stop, and of each log only if
 * the checkpoint says the same and no name in its directory has changed since.
 *
 * <p>File {@code clean-logs}, sealed as {@link SealedFile} with kind "KCLO":
 *
 * <pre>
 * offset size field
 *      0    8 broker epoch of the stop
 *      8    4 count
 *     12    … logs: 8 when its directory was changed last, in ms, and {@link CleanLog}
 * </pre>
 *
 * @param brokerEpoch of the process that stopped
 */
record CleanLogs(long brokerEpoch, Map<PartitionId, Found> logs) {
  static final String FILE = "clean-logs";

  private static final Logger LOG = LoggerFactory.getLogger(CleanLogs.class);
  private static final int MAX_BYTES = 64 << 20;
  private static final SealedFile FORMAT = SealedFile.of("KCLO", 1, MAX_BYTES);

  /** A log, and when its directory was changed last. */
  record Found(CleanLog log, long directoryMs) {}

  /** None. */
  static CleanLogs nothing() {
    return new CleanLogs(-1, Map.of());
  }

  /** Replaces the file; logs beyond its greatest size are left out. Synced, but for its name. */
  static void write(FileStore store, long brokerEpoch, Collection<CleanLog> logs) {
    int bytes = 12;
    int count = 0;
    for (CleanLog log : logs) {
      if (bytes + Long.BYTES + log.sizeBytes() > MAX_BYTES) {
        break;
      }
      bytes += Long.BYTES + log.sizeBytes();
      count++;
    }
    ByteBuffer payload = ByteBuffer.allocate(bytes).putLong(brokerEpoch).putInt(count);
    logs.stream()
        .limit(count)
        .forEach(
            log -> {
              payload.putLong(store.modifiedMs(log.id().directoryName()));
              log.encode(payload);
            });
    FORMAT.write(store, FILE, payload.flip());
  }

  /** Reads the file; nothing if there is none, or none that can be believed. */
  static CleanLogs read(FileStore store, long nowMs) {
    try {
      Optional<CleanLogs> found = FORMAT.read(store, FILE, payload -> parse(payload, nowMs));
      return found.orElseGet(CleanLogs::nothing);
    } catch (StorageException e) {
      if (e.kind() != StorageException.Kind.CORRUPT) {
        throw e;
      }
      LOG.warn("the files of all logs are read: {}", e.getMessage());
      return nothing();
    }
  }

  private static CleanLogs parse(ByteBuffer payload, long nowMs) {
    long brokerEpoch = payload.getLong();
    Map<PartitionId, Found> logs = new TreeMap<>();
    Map<TopicId, TopicId> topics = new TreeMap<>();
    for (int i = SealedFile.count(payload, Long.BYTES); i > 0; i--) {
      long directoryMs = payload.getLong();
      CleanLog log = CleanLog.decode(payload, nowMs, topics);
      if (logs.put(log.id(), new Found(log, directoryMs)) != null) {
        throw new IllegalArgumentException(log.id() + " twice");
      }
    }
    return new CleanLogs(brokerEpoch, logs);
  }
}
