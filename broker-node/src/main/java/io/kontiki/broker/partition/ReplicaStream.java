package io.kontiki.broker.partition;

import io.kontiki.replication.ReplicationMessage;

/** One end of an open replication stream. Used on the loop that it belongs to. */
public interface ReplicaStream {
  /** Sends; messages arrive in order, or the stream ends. Without effect after the end. */
  void send(ReplicationMessage message);

  /**
   * Ends the stream. The listener of this end hears nothing more.
   *
   * @param why for the other side's log
   */
  void close(String why);

  /** Hears the other end, on the loop; never inside {@link #send}, {@link #close} or an open. */
  interface Listener {
    /** A message came. */
    void onMessage(ReplicationMessage message);

    /** The stream is over, by the other side or by the network; nothing follows. */
    void onClosed(String why);
  }
}
