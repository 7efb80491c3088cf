package io.kontiki.chaos.model;

/** What can be switched off; named as in docs/correctness.md. */
enum Rule {
  /** Leader and follower must agree on the leader epoch before a fetch counts (R25). */
  EPOCH_IN_FETCH,
  /** A follower drops an answer of another leader epoch, or to another position (R27). */
  RESP_FENCE,
  /** Truncation by (epoch, end offset), never to the local high watermark (R28). */
  TRUNCATE_BY_EPOCH,
  /** A new leader enters (epoch, log end) into its cache before it serves (R29). */
  ASSIGN_EPOCH_START,
  /** The high watermark counts committed and proposed ISR (R9). */
  MAXIMAL_ISR,
  /** An unknown outcome of AlterPartition keeps the maximal ISR (R14). */
  NO_ROLLBACK_ON_TIMEOUT,
  /** A replica joins only at or past the start of the leader's epoch (R12). */
  LESO,
  /** A replica joins only at or past the high watermark (R12). */
  JOIN_AT_HW,
  /** AlterPartition is compare-and-set on the partition epoch (R13). */
  PARTITION_EPOCH_CAS,
  /** AlterPartition of an old leader epoch is refused (R13). */
  LEADER_EPOCH_CHECK,
  /** AlterPartition of an older incarnation of the leader is refused (R13). */
  LEADER_BROKER_EPOCH,
  /** AlterPartition that names an older incarnation of a member is refused (R13). */
  JOINER_BROKER_EPOCH,
  /** AlterPartition that names a fenced broker is refused (R13). */
  FENCED_NOT_IN_ISR,
  /** The high watermark stands still while ISR is below min ISR (R10). */
  HW_NEEDS_MINISR,
  /** The ELR is emptied once ISR reaches min ISR (R18). */
  ELR_CLEAR,
  /** A broker that comes back without a clean marker leaves ISR and ELR (R3). */
  UNCLEAN_LEAVES_ELR,
  /** A new registration first fences the older incarnation (R2). */
  FENCE_ON_REGISTER,
  /** A started broker plays no role before it applied its own registration (R1). */
  CATCHUP_OWN_REG,
  /** The leader ties a follower's position to its incarnation (R13). */
  FETCH_BROKER_EPOCH,
  /** Positions are void at the start of each leader epoch (R11). */
  FETCHED_IN_EPOCH,
  /** Consumers read below the high watermark only (R22). */
  READ_AT_HW,
  /** acks=all waits for the high watermark (R21). */
  ACK_AT_HW,
  /** Balanced recovery waits for every member of lastKnownElr (R19). */
  RECOVER_ALL_LASTKNOWN,
  /** A metadata record older than the known partition epoch is ignored (R16). */
  META_EPOCH_MONOTONE,
  /** A clean marker vouches for one stop only (R3). */
  CLEAN_MARKER_EPOCH,
  /** With fsync only synced entries count (R36). */
  FSYNC_BEFORE_ACK,
  /** A record with the partition epoch already known changes nothing (R16). */
  META_STRICTLY_NEWER,
  /** A definite rejection grows the partition epoch (R17). */
  REJECT_BURNS_EPOCH,
  /** A repeated AlterPartition has the joiner epochs of its decision (R15). */
  RETRY_SAME_EPOCHS,
  /** A fetch of an older incarnation of the follower is dropped (R27). */
  OLD_INCARNATION_FETCH,
  /** An answer belongs to the one request that is outstanding (R27). */
  RESP_CORRELATION,
  /** The last fetched epoch is the newest in the cache, also an empty one (R29). */
  EMPTY_EPOCH_IN_FETCH,
  /** With fsync a truncation is durable before the next fetch (D8). */
  TRUNC_DURABLE,
  /** The epoch cache drops what is not older than a new entry (R29). */
  CACHE_MONOTONE
}
