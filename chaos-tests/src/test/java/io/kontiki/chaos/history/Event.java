package io.kontiki.chaos.history;

/**
 * One thing that a client saw, about one partition of one topic. Values are unique: one is sent by
 * one producer once (retries are the same send).
 */
public sealed interface Event {
  /** Number of the partition, from 0. */
  int partition();

  /** Of the record in question. */
  String value();

  /** The end of a send. */
  sealed interface Send extends Event {
    /** Who sent it; order holds within one producer and partition. */
    String producer();

    /** Grows with each send of the producer. */
    long number();
  }

  /** Acknowledged at an offset. */
  record Acked(String producer, long number, int partition, String value, long offset)
      implements Send {}

  /** Refused with a definite error: it must never be seen (P4). */
  record Refused(String producer, long number, int partition, String value) implements Send {}

  /** It may have been appended, or may yet be. */
  record Unknown(String producer, long number, int partition, String value) implements Send {}

  /** Read by a consumer; the events of one consumer are in the order in which it saw them. */
  record Read(String consumer, int partition, String value, long offset) implements Event {}
}
