package io.kontiki.broker.coordinator;

/** The coordinator's side of a link. On the coordinator's loop. */
public interface LinkOut {
  /** Whether more can be sent without piling up. When it can again, {@link Coordinator#onReady}. */
  boolean ready();

  /** Sends; nothing happens if the link is broken. */
  void send(LinkEvent event);

  /** Ends the link after what was sent. */
  void end();
}
