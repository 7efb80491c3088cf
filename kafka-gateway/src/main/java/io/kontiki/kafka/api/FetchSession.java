package io.kontiki.kafka.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchRequestData.FetchPartition;
import org.apache.kafka.common.message.FetchRequestData.FetchTopic;
import org.apache.kafka.common.message.FetchRequestData.ForgottenTopic;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.FetchMetadata;
import org.jspecify.annotations.Nullable;

/**
 * The partitions that a connection reads, so that a request names only what changes (KIP-227). A
 * connection has one session at most, so its end is that of its session. Not thread-safe.
 */
final class FetchSession {
  /** More are read without a session. */
  static final int MOST_PARTITIONS = 10_000;

  /** What identifies a partition in requests: by name before version 13, by id from then on. */
  record Key(String topic, Uuid topicId, int partition) {}

  /** A partition, and what the client was told of it last. */
  static final class Wanted {
    final Key key;
    FetchPartition request;
    long toldHighWatermark = Long.MIN_VALUE;
    long toldLogStart = Long.MIN_VALUE;
    boolean toldError;

    Wanted(Key key, FetchPartition request) {
      this.key = key;
      this.request = request;
    }
  }

  private int id;
  private int nextEpoch;
  private final Map<Key, Wanted> partitions = new LinkedHashMap<>();

  /**
   * What a request is about.
   *
   * @param sessionId of the answer; 0: none
   * @param incremental the answer names only what is new
   */
  record Plan(List<Wanted> partitions, int sessionId, boolean incremental, Errors error) {}

  /**
   * Takes a request.
   *
   * @param newId for a session that may begin, not 0
   */
  Plan take(FetchRequestData request, int newId) {
    FetchMetadata asked = new FetchMetadata(request.sessionId(), request.sessionEpoch());
    if (asked.isFull()) {
      Map<Key, Wanted> all = new LinkedHashMap<>();
      add(all, request.topics());
      if (asked.sessionId() != FetchMetadata.INVALID_SESSION_ID && asked.sessionId() == id) {
        forget();
      }
      boolean begins =
          asked.epoch() == FetchMetadata.INITIAL_EPOCH
              && !all.isEmpty()
              && all.size() <= MOST_PARTITIONS;
      if (!begins) {
        return new Plan(
            List.copyOf(all.values()), FetchMetadata.INVALID_SESSION_ID, false, Errors.NONE);
      }
      forget();
      id = newId;
      nextEpoch = 1;
      partitions.putAll(all);
      return new Plan(List.copyOf(all.values()), id, false, Errors.NONE);
    }
    Errors error =
        asked.sessionId() != id || id == FetchMetadata.INVALID_SESSION_ID
            ? Errors.FETCH_SESSION_ID_NOT_FOUND
            : asked.epoch() != nextEpoch ? Errors.INVALID_FETCH_SESSION_EPOCH : Errors.NONE;
    if (error != Errors.NONE) {
      return new Plan(List.of(), FetchMetadata.INVALID_SESSION_ID, false, error);
    }
    nextEpoch = FetchMetadata.nextEpoch(nextEpoch);
    for (ForgottenTopic topic : request.forgottenTopicsData()) {
      for (int partition : topic.partitions()) {
        partitions.remove(key(topic.topic(), topic.topicId(), partition));
      }
    }
    add(partitions, request.topics());
    if (partitions.size() > MOST_PARTITIONS) {
      forget();
      return new Plan(
          List.of(),
          FetchMetadata.INVALID_SESSION_ID,
          false,
          Errors.FETCH_SESSION_ID_NOT_FOUND); // the client begins anew
    }
    return new Plan(List.copyOf(partitions.values()), id, true, Errors.NONE);
  }

  private static void add(Map<Key, Wanted> into, List<FetchTopic> topics) {
    for (FetchTopic topic : topics) {
      for (FetchPartition partition : topic.partitions()) {
        Key key = key(topic.topic(), topic.topicId(), partition.partition());
        Wanted known = into.get(key);
        if (known == null) {
          into.put(key, new Wanted(key, partition));
        } else {
          known.request = partition;
        }
      }
    }
  }

  private static Key key(@Nullable String topic, @Nullable Uuid id, int partition) {
    return new Key(topic == null ? "" : topic, id == null ? Uuid.ZERO_UUID : id, partition);
  }

  private void forget() {
    id = FetchMetadata.INVALID_SESSION_ID;
    partitions.clear();
  }

  /** Those that were served go behind those that were not. */
  void served(Wanted wanted) {
    if (partitions.get(wanted.key) == wanted) {
      partitions.remove(wanted.key);
      partitions.put(wanted.key, wanted);
    }
  }
}
