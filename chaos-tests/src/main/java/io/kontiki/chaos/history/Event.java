package io.kontiki.chaos.history;

import io.kontiki.model.Acks;
import io.kontiki.model.Durability;
import org.jspecify.annotations.Nullable;

/**
 * One thing that a client did or saw, or that was done to the cluster. The order of events in a
 * history is the order in which they happened, as far as it matters: a call is added before it is
 * made, its outcome when it is known, a fault or a request that takes records away before it is
 * carried out.
 *
 * <p>Values are unique within a partition: one is sent by one producer as one record, however often
 * that is tried.
 */
public sealed interface Event {
  /** What concerns one record that somebody sends. */
  sealed interface Send extends Event {
    /** Who sends it. */
    String producer();

    /** Grows with each send of the producer. */
    long number();

    /** Where to. */
    Log log();

    /** Of the record. */
    String value();
  }

  /**
   * A send begins, or is tried again by a producer that is not idempotent. Optional: of a send
   * without it nothing is known but that it was idempotent, with acks=all, and may have begun at
   * any time before its outcome. A send without an outcome has an unknown one.
   */
  record Sent(String producer, long number, Log log, String value, Sending sending)
      implements Send {}

  /**
   * What is promised of a send.
   *
   * @param idempotent however often it is tried, it is in the log once (P8), and in the order of
   *     the producer's numbers (P5)
   * @param key of the record, which lets a compacted log drop the ones before it; null: it has none
   */
  record Sending(Acks acks, boolean idempotent, @Nullable String key) {
    /** What a producer does if nobody says otherwise. */
    public static final Sending DEFAULT = new Sending(Acks.ALL, true, null);

    /** The same without a producer id. */
    public static final Sending WITHOUT_ID = new Sending(Acks.ALL, false, null);
  }

  /** Acknowledged at an offset. Sends with acks=none are not: their outcome is unknown. */
  record Acked(String producer, long number, Log log, String value, long offset) implements Send {}

  /** Refused with a definite error: it must never be seen (P4). */
  record Refused(String producer, long number, Log log, String value) implements Send {}

  /** It may have been appended, or may yet be. */
  record Unknown(String producer, long number, Log log, String value) implements Send {}

  /** What one consumer does in one partition; events of one consumer are in its own order. */
  sealed interface Reading extends Event {
    /** Who reads. A consumer that starts anew somewhere is another one, with a name of its own. */
    String consumer();

    /** What it reads. */
    Log log();
  }

  /**
   * Asks for what is stored from an offset on. Optional: a consumer without it began at the first
   * offset, and may have asked at any time before it was answered.
   */
  record Asked(String consumer, Log log, long offset) implements Reading {}

  /** Was given a record. */
  record Read(String consumer, Log log, String value, long offset) implements Reading {}

  /**
   * Was told that the log has no record from this offset on, in answer to what it {@link Asked}
   * last.
   */
  record EndReached(String consumer, Log log, long endOffset) implements Reading {}

  /**
   * What one member of a group does in one partition; events of one member are in its own order.
   * Members of a group share the partition: the generation, not the order of the history, says who
   * had it first.
   */
  sealed interface InGroup extends Event {
    String group();

    /** Who. One that takes the place of another is another one, with a name of its own. */
    String member();

    /** What it has. */
    Log log();
  }

  /** The partition came to the member, which begins there; its events that follow are of this. */
  record Assigned(String group, String member, Log log, int generation, long offset)
      implements InGroup {}

  /** The member was given the records from one offset up to another, the second exclusive. */
  record Delivered(String group, String member, Log log, long from, long to) implements InGroup {}

  /** The member asks that everything below the offset count as processed. */
  record CommitAsked(String group, String member, Log log, long offset) implements InGroup {}

  /** A commit that the member asked for was answered as stored. */
  record CommitStored(String group, String member, Log log, long offset) implements InGroup {}

  /** The member gave the partition up in order, with everything committed that it was given. */
  record GivenUp(String group, String member, Log log) implements InGroup {}

  /** What decides which promises hold. */
  sealed interface Circumstance extends Event {}

  /**
   * A topic was created, or its settings changed. Without it a topic is one of durability=fsync
   * with {@code min.insync.replicas} 1, without compaction.
   *
   * @param minInSync its {@code min.insync.replicas}; the lowest of all that are told counts
   */
  record TopicSet(String topic, Durability durability, int minInSync, boolean compacted)
      implements Circumstance {}

  /** Somebody asks for the deletion of a topic. */
  record TopicDeleted(String topic) implements Circumstance {}

  /** Somebody asks for the removal of all records below an offset, or retention is about to. */
  record LogStartRaised(Log log, long offset) implements Circumstance {}

  /** A leader epoch began: what only the leader before held may be gone (P3). */
  record LeaderChanged(Log log) implements Circumstance {}

  /** A replica was made leader that need not hold what was committed (R19). */
  record UncleanElection(Log log) implements Circumstance {}

  /**
   * Nodes lost what they had not synced.
   *
   * @param nodes how many, together with those that had lost something before and had not yet
   *     caught up everywhere
   */
  record LossyStop(int nodes) implements Circumstance {}

  /**
   * Nodes lost their disks.
   *
   * @param nodes how many, together with those that had lost theirs before and had not yet caught
   *     up everywhere
   */
  record DisksLost(int nodes) implements Circumstance {}
}
