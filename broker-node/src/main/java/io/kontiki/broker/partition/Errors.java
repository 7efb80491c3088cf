package io.kontiki.broker.partition;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.replication.IsrState;

/** The refusals of one partition, in words. */
final class Errors {
  private static final long RETRY_MS = 100;

  private Errors() {}

  static ApiError notLeader(PartitionAssignment p) {
    int leader = p.state().leaderId();
    if (leader == IsrState.NO_LEADER) {
      return noLeader(p);
    }
    return ApiError.definite(
            ErrorReason.NOT_LEADER,
            "this broker does not lead " + p.name() + "; " + leader + " does")
        .with("leader", leader)
        .with("leaderEpoch", p.state().leaderEpoch());
  }

  static ApiError noLeader(PartitionAssignment p) {
    return ApiError.retriable(
        ErrorReason.LEADER_UNAVAILABLE, p.name() + " has no leader at the moment", RETRY_MS);
  }

  /** Rule D8: it is elected, and cannot say yet where its log begins. */
  static ApiError beginsAnew(PartitionAssignment p) {
    return ApiError.retriable(
        ErrorReason.LEADER_UNAVAILABLE,
        "the log of the leader of " + p.name() + " begins anew, and that is not durable yet",
        RETRY_MS);
  }

  static ApiError epoch(PartitionAssignment p, int asked, int own) {
    String text = p.name() + " is led in epoch " + own + ", the request says " + asked;
    return asked < own
        ? ApiError.definite(ErrorReason.FENCED_LEADER_EPOCH, text).with("leaderEpoch", own)
        : ApiError.retriable(ErrorReason.UNKNOWN_LEADER_EPOCH, text, RETRY_MS)
            .with("leaderEpoch", own);
  }

  static ApiError noLease(PartitionAssignment p) {
    return ApiError.retriable(
        ErrorReason.LEADER_UNAVAILABLE,
        "the leader of " + p.name() + " has lost contact with the metadata quorum",
        RETRY_MS);
  }

  /** Rule D4: definite, before anything was written. */
  static ApiError diskFull(PartitionAssignment p, int brokerId) {
    return ApiError.retriable(
            ErrorReason.DISK_FULL,
            "the disk of broker "
                + brokerId
                + ", which leads "
                + p.name()
                + ", is nearly full: records are refused until there is room again",
            1_000)
        .with("brokerId", brokerId);
  }

  static ApiError notEnoughReplicas(PartitionAssignment p, int isr) {
    return ApiError.retriable(
            ErrorReason.NOT_ENOUGH_REPLICAS,
            p.name() + " has " + isr + " in-sync replicas and needs " + p.minIsr(),
            RETRY_MS)
        .with("isr", isr)
        .with("minIsr", p.minIsr());
  }

  static ApiError notEnoughReplicasAfterAppend(PartitionAssignment p, int isr) {
    return ApiError.indefinite(
            ErrorReason.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            p.name()
                + " was appended to, then had only "
                + isr
                + " in-sync replicas of "
                + p.minIsr())
        .with("isr", isr)
        .with("minIsr", p.minIsr());
  }

  static ApiError leadershipLost(PartitionAssignment p) {
    return ApiError.indefinite(
        ErrorReason.OUTCOME_UNKNOWN,
        p.name() + " lost its leader while the append waited for replicas");
  }

  static ApiError appendTimedOut(PartitionAssignment p) {
    return ApiError.indefinite(
        ErrorReason.OUTCOME_UNKNOWN,
        "the replicas of " + p.name() + " did not acknowledge the append in time");
  }

  static ApiError deletionTimedOut(PartitionAssignment p) {
    return ApiError.indefinite(
        ErrorReason.OUTCOME_UNKNOWN,
        "records of "
            + p.name()
            + " are deleted at its leader; its in-sync replicas did not all confirm it in time");
  }

  static ApiError deletionUnknown(PartitionAssignment p) {
    return ApiError.indefinite(
        ErrorReason.OUTCOME_UNKNOWN,
        p.name() + " lost its leader while the deletion waited for replicas");
  }

  static ApiError offline(PartitionAssignment p) {
    return ApiError.retriable(
        ErrorReason.LEADER_UNAVAILABLE, "the log of " + p.name() + " is offline here", 1_000);
  }

  static ApiError removed(PartitionAssignment p) {
    return ApiError.definite(
        ErrorReason.PARTITION_NOT_FOUND, p.name() + " (" + p.id() + ") is not here any more");
  }

  static ApiError stopping(PartitionAssignment p) {
    return ApiError.retriable(
        ErrorReason.BROKER_STOPPING, "the leader of " + p.name() + " is stopping", RETRY_MS);
  }

  static ApiError offlineInAppend(PartitionAssignment p) {
    return ApiError.indefinite(
        ErrorReason.OUTCOME_UNKNOWN, "the log of " + p.name() + " failed during the append");
  }

  static ApiError outOfRange(PartitionAssignment p, long offset, long start, long end) {
    return ApiError.definite(
            ErrorReason.OFFSET_OUT_OF_RANGE,
            p.name() + " has offsets from " + start + " to " + end + ", not " + offset)
        .with("topic", p.topic())
        .with("partition", p.id().partition())
        .with("offset", offset)
        .with("startOffset", start)
        .with("endOffset", end);
  }

  static ApiError notAvailable(PartitionAssignment p) {
    return ApiError.retriable(
        ErrorReason.OFFSET_NOT_AVAILABLE,
        "the new leader of " + p.name() + " does not know yet what is committed",
        RETRY_MS);
  }

  static ApiError truncated(PartitionAssignment p, int epoch, long end) {
    return ApiError.definite(
        ErrorReason.LOG_TRUNCATED,
        "what was read of " + p.name() + " is not in its log: epoch " + epoch + " ends at " + end);
  }

  static ApiError handsOver(PartitionAssignment p) {
    return ApiError.retriable(
        ErrorReason.LEADER_UNAVAILABLE,
        "the log of " + p.name() + " is damaged here; another replica takes over",
        RETRY_MS);
  }

  static ApiError corrupt(PartitionAssignment p, long offset) {
    return ApiError.definite(
        ErrorReason.CORRUPT_LOG, "the log of " + p.name() + " is damaged at offset " + offset);
  }
}
