package io.kontiki.kafka.wire;

import org.apache.kafka.common.protocol.ApiMessage;

/** The way back. Exactly one of the methods is called, once, on the connection's loop. */
public interface Answer {
  /** Sends a message, in its turn. */
  void send(ApiMessage message);

  /** The client expects none. */
  void none();

  /**
   * Ends the connection, in the answer's turn.
   *
   * @param why for the log
   */
  void close(String why);
}
