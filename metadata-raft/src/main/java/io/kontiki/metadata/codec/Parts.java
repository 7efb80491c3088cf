package io.kontiki.metadata.codec;

import com.google.protobuf.ByteString;
import io.kontiki.internal.v1.BrokerWish;
import io.kontiki.internal.v1.ConfigRecord;
import io.kontiki.internal.v1.EndpointRecord;
import io.kontiki.internal.v1.EndpointsRecord;
import io.kontiki.internal.v1.ErrorRecord;
import io.kontiki.internal.v1.PartitionKey;
import io.kontiki.internal.v1.PartitionRecord;
import io.kontiki.internal.v1.VoterRecord;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Parts that commands, outcomes and snapshots share, those of groups too. Bad values:
 * IllegalArgumentException.
 */
public final class Parts {
  private Parts() {}

  static ByteString bytes(Uid id) {
    return ByteString.copyFrom(id.toBytes());
  }

  /** The 16 bytes. */
  public static ByteString bytes(TopicId id) {
    return ByteString.copyFrom(id.toBytes());
  }

  static ByteString bytesOrEmpty(@Nullable Uid id) {
    return id == null ? ByteString.EMPTY : bytes(id);
  }

  static Uid uid(ByteString bytes) {
    return Uid.of(sixteen(bytes).asReadOnlyByteBuffer());
  }

  static @Nullable Uid uidOrNull(ByteString bytes) {
    return bytes.isEmpty() ? null : uid(bytes);
  }

  /** Of 16 bytes. */
  public static TopicId topicId(ByteString bytes) {
    return TopicId.of(sixteen(bytes).asReadOnlyByteBuffer());
  }

  private static ByteString sixteen(ByteString bytes) {
    if (bytes.size() != 16) {
      throw new IllegalArgumentException("an id of " + bytes.size() + " bytes, not 16");
    }
    return bytes;
  }

  static BrokerWish wish(BrokerImage.Wish wish) {
    return switch (wish) {
      case NONE -> BrokerWish.BROKER_WISH_UNSPECIFIED;
      case DRAIN -> BrokerWish.BROKER_WISH_DRAIN;
      case DRAIN_REPLICAS -> BrokerWish.BROKER_WISH_DRAIN_REPLICAS;
      case FENCE -> BrokerWish.BROKER_WISH_FENCE;
      case FENCE_AND_DRAIN_REPLICAS -> BrokerWish.BROKER_WISH_FENCE_AND_DRAIN_REPLICAS;
    };
  }

  static BrokerImage.Wish wish(BrokerWish wish) {
    return switch (wish) {
      case BROKER_WISH_UNSPECIFIED -> BrokerImage.Wish.NONE;
      case BROKER_WISH_DRAIN -> BrokerImage.Wish.DRAIN;
      case BROKER_WISH_DRAIN_REPLICAS -> BrokerImage.Wish.DRAIN_REPLICAS;
      case BROKER_WISH_FENCE -> BrokerImage.Wish.FENCE;
      case BROKER_WISH_FENCE_AND_DRAIN_REPLICAS -> BrokerImage.Wish.FENCE_AND_DRAIN_REPLICAS;
      case UNRECOGNIZED -> throw new IllegalArgumentException("a broker is wished " + wish);
    };
  }

  /** A partition as a message. */
  public static PartitionKey key(PartitionId id) {
    return PartitionKey.newBuilder()
        .setTopicId(bytes(id.topicId()))
        .setPartition(id.partition())
        .build();
  }

  /** A partition from a message. */
  public static PartitionId partitionId(PartitionKey key) {
    return new PartitionId(topicId(key.getTopicId()), key.getPartition());
  }

  /** Partitions as messages. */
  public static List<PartitionKey> keys(Collection<PartitionId> ids) {
    return ids.stream().map(Parts::key).toList();
  }

  /** Partitions from messages. */
  public static List<PartitionId> partitionIds(List<PartitionKey> keys) {
    return keys.stream().map(Parts::partitionId).toList();
  }

  static EndpointRecord endpoint(Endpoint endpoint) {
    return EndpointRecord.newBuilder().setHost(endpoint.host()).setPort(endpoint.port()).build();
  }

  static Endpoint endpoint(EndpointRecord record) {
    return new Endpoint(record.getHost(), record.getPort());
  }

  static EndpointsRecord endpoints(BrokerImage.Endpoints endpoints) {
    EndpointsRecord.Builder builder =
        EndpointsRecord.newBuilder()
            .setGrpc(endpoint(endpoints.grpc()))
            .setRaft(endpoint(endpoints.raft()))
            .setHttp(endpoint(endpoints.http()))
            .setReplication(endpoint(endpoints.replication()));
    Endpoint kafka = endpoints.kafka();
    if (kafka != null) {
      builder.setKafka(endpoint(kafka));
    }
    return builder.build();
  }

  static BrokerImage.Endpoints endpoints(EndpointsRecord record) {
    return new BrokerImage.Endpoints(
        endpoint(record.getGrpc()),
        endpoint(record.getRaft()),
        endpoint(record.getHttp()),
        endpoint(record.getReplication()),
        record.hasKafka() ? endpoint(record.getKafka()) : null);
  }

  static VoterRecord voter(VoterImage voter) {
    return VoterRecord.newBuilder()
        .setId(voter.id())
        .setRaft(endpoint(voter.raft()))
        .setDirectoryId(bytesOrEmpty(voter.directoryId()))
        .build();
  }

  static VoterImage voter(VoterRecord record) {
    return new VoterImage(
        record.getId(), endpoint(record.getRaft()), uidOrNull(record.getDirectoryId()));
  }

  /** In the order of the keys, so that equal maps give equal bytes. */
  static List<ConfigRecord> settings(SortedMap<String, String> config) {
    return config.entrySet().stream()
        .map(e -> ConfigRecord.newBuilder().setKey(e.getKey()).setValue(e.getValue()).build())
        .toList();
  }

  static SortedMap<String, String> settings(List<ConfigRecord> records) {
    TreeMap<String, String> config = new TreeMap<>();
    records.forEach(record -> config.put(record.getKey(), record.getValue()));
    return config;
  }

  static SortedMap<String, String> sorted(Map<String, String> map) {
    return new TreeMap<>(map);
  }

  static PartitionRecord partition(PartitionImage image) {
    return PartitionRecord.newBuilder()
        .addAllReplicas(image.replicas())
        .setLeader(image.leader())
        .setLeaderEpoch(image.leaderEpoch())
        .setPartitionEpoch(image.partitionEpoch())
        .addAllIsr(image.isr())
        .addAllElr(image.elr())
        .addAllLastKnownElr(image.lastKnownElr())
        .addAllAdding(image.adding())
        .addAllRemoving(image.removing())
        .addAllOriginal(image.original())
        .build();
  }

  static PartitionImage partition(PartitionRecord record) {
    return new PartitionImage(
        record.getReplicasList(),
        record.getLeader(),
        record.getLeaderEpoch(),
        record.getPartitionEpoch(),
        record.getIsrList(),
        record.getElrList(),
        record.getLastKnownElrList(),
        record.getAddingList(),
        record.getRemovingList(),
        record.getOriginalList());
  }

  /** An error, for another broker. */
  public static ErrorRecord error(ApiError error) {
    return ErrorRecord.newBuilder()
        .setReason(error.reason().name())
        .setMessage(error.message())
        .setDefinite(error.definite())
        .setRetryAfterMs(error.retryAfterMs())
        .addAllMetadata(settings(sorted(error.metadata())))
        .build();
  }

  /** An error of another broker; INTERNAL for a reason that only newer software has. */
  public static ApiError error(ErrorRecord record) {
    ErrorReason reason = ErrorReason.INTERNAL;
    for (ErrorReason known : ErrorReason.values()) {
      if (known.name().equals(record.getReason())) {
        reason = known;
      }
    }
    return new ApiError(
        reason,
        record.getMessage(),
        record.getDefinite(),
        record.getRetryAfterMs(),
        settings(record.getMetadataList()));
  }
}
