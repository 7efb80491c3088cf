package io.kontiki.group;

/** Why a partition went from a member that stays. */
public enum PartitionLoss {
  /** The member released it. */
  RELEASED,
  /** Its revoke timeout passed first. */
  TIMEOUT,
  /** Its topic was deleted (rule G8). */
  TOPIC_DELETED
}
