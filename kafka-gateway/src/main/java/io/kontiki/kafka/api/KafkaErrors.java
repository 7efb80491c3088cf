package io.kontiki.kafka.api;

import io.kontiki.model.ApiError;
import org.apache.kafka.common.protocol.Errors;

/** The broker's reasons as Kafka's error codes. */
final class KafkaErrors {
  private KafkaErrors() {}

  /** As those who ask for a change or for metadata understand it. */
  static Errors of(ApiError error) {
    return switch (error.reason()) {
      case INVALID_FIELD -> invalidField(error);
      case INVALID_CONFIG -> Errors.INVALID_CONFIG;
      case RECORD_TOO_LARGE -> Errors.MESSAGE_TOO_LARGE;
      case INVALID_BATCH ->
          error.metadata().getOrDefault("what", "").contains("CRC")
              ? Errors.CORRUPT_MESSAGE // which the client sends again
              : Errors.INVALID_RECORD;
      case INVALID_RECORD -> Errors.INVALID_RECORD;
      case UNKNOWN_PRODUCER_ID -> Errors.UNKNOWN_PRODUCER_ID;
      case TOO_FEW_PARTITIONS -> Errors.INVALID_PARTITIONS;
      case TOPIC_NOT_FOUND, PARTITION_NOT_FOUND -> Errors.UNKNOWN_TOPIC_OR_PARTITION;
      case GROUP_NOT_FOUND -> Errors.GROUP_ID_NOT_FOUND;
      case BROKER_NOT_FOUND -> Errors.INVALID_REPLICA_ASSIGNMENT;
      case TOPIC_EXISTS -> Errors.TOPIC_ALREADY_EXISTS;
      case OFFSET_OUT_OF_RANGE -> Errors.OFFSET_OUT_OF_RANGE;
      case NOT_LEADER -> Errors.NOT_LEADER_OR_FOLLOWER;
      case GROUP_ACTIVE -> Errors.NON_EMPTY_GROUP;
      case GROUP_PROTOCOL_MISMATCH -> Errors.INCONSISTENT_GROUP_PROTOCOL;
      case MEMBER_REPLACED -> Errors.FENCED_INSTANCE_ID;
      case MEMBER_FENCED -> Errors.UNKNOWN_MEMBER_ID;
      case GENERATION_FENCED, NOT_ASSIGNED -> Errors.ILLEGAL_GENERATION;
      case SEQUENCE_OUT_OF_ORDER, SEQUENCE_TOO_OLD -> Errors.OUT_OF_ORDER_SEQUENCE_NUMBER;
      case TOO_FEW_BROKERS -> Errors.INVALID_REPLICATION_FACTOR;
      case NO_ELIGIBLE_LEADER -> Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE;
      case LEADER_EXISTS -> Errors.ELECTION_NOT_NEEDED;
      case FENCED_LEADER_EPOCH -> Errors.FENCED_LEADER_EPOCH;
      case UNKNOWN_LEADER_EPOCH -> Errors.UNKNOWN_LEADER_EPOCH;
      case PRODUCER_FENCED -> Errors.INVALID_PRODUCER_EPOCH;
      case DISK_FULL -> Errors.KAFKA_STORAGE_ERROR;
      case BUSY ->
          error.retryAfterMs() >= 0 ? Errors.THROTTLING_QUOTA_EXCEEDED : Errors.POLICY_VIOLATION;
      case LEADER_UNAVAILABLE -> Errors.LEADER_NOT_AVAILABLE;
      case NOT_ENOUGH_REPLICAS -> Errors.NOT_ENOUGH_REPLICAS;
      case NOT_ENOUGH_REPLICAS_AFTER_APPEND -> Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND;
      case COORDINATOR_UNAVAILABLE -> Errors.COORDINATOR_NOT_AVAILABLE;
      case OFFSET_NOT_AVAILABLE -> Errors.OFFSET_NOT_AVAILABLE;
      case BROKER_STARTING, BROKER_STOPPING, BROKER_UNREACHABLE -> Errors.BROKER_NOT_AVAILABLE;
      case QUORUM_UNAVAILABLE, OUTCOME_UNKNOWN, PARTIALLY_APPENDED -> Errors.REQUEST_TIMED_OUT;
      case CORRUPT_LOG -> Errors.CORRUPT_MESSAGE;
      case UNIMPLEMENTED -> Errors.UNSUPPORTED_VERSION;
      default -> Errors.UNKNOWN_SERVER_ERROR;
    };
  }

  private static Errors invalidField(ApiError error) {
    return switch (error.metadata().getOrDefault("field", "")) {
      case "name", "topic" -> Errors.INVALID_TOPIC_EXCEPTION;
      case "partitions", "total_partitions" -> Errors.INVALID_PARTITIONS;
      case "replicas" -> Errors.INVALID_REPLICA_ASSIGNMENT;
      case "replication_factor" -> Errors.INVALID_REPLICATION_FACTOR;
      default -> Errors.INVALID_REQUEST;
    };
  }

  /** As those who bring records understand it: what is no fault of theirs sends them on. */
  static Errors ofAppend(ApiError error, boolean leadsHere) {
    return switch (error.reason()) {
      case LEADER_UNAVAILABLE, BROKER_STARTING, BROKER_STOPPING, BROKER_UNREACHABLE ->
          Errors.NOT_LEADER_OR_FOLLOWER;
      // Both are sent again; the former also asks who leads.
      case OUTCOME_UNKNOWN -> leadsHere ? Errors.REQUEST_TIMED_OUT : Errors.NOT_LEADER_OR_FOLLOWER;
      case FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH -> Errors.NOT_LEADER_OR_FOLLOWER;
      case BUSY -> Errors.REQUEST_TIMED_OUT;
      default -> of(error);
    };
  }

  /** As readers understand it: they take any code that they do not expect as a fault of theirs. */
  static Errors ofRead(ApiError error) {
    return switch (error.reason()) {
      case OFFSET_OUT_OF_RANGE,
          FENCED_LEADER_EPOCH,
          UNKNOWN_LEADER_EPOCH,
          OFFSET_NOT_AVAILABLE,
          TOPIC_NOT_FOUND,
          PARTITION_NOT_FOUND,
          CORRUPT_LOG ->
          of(error);
      case BUSY, INTERNAL -> Errors.UNKNOWN_SERVER_ERROR;
      default -> Errors.NOT_LEADER_OR_FOLLOWER;
    };
  }
}
