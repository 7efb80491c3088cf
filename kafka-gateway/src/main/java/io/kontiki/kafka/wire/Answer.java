package io.kontiki.kafka.wire;

import org.apache.kafka.common.protocol.ApiMessage;

/** The way back. Exactly one of the methods is called, once, on the connection's loop. */
public interface Answer {
  /** Sends a message, in its turn. */
  default void send(ApiMessage message) {
    send(message, () -> {});
  }

  /**
   * Sends a message, in its turn.
   *
   * @param gone called once, when the socket has taken it all or the connection has ended
   */
  void send(ApiMessage message, Runnable gone);

  /** The client expects none. */
  void none();

  /**
   * Ends the connection, in the answer's turn.
   *
   * @param why for the log
   */
  void close(String why);
}
