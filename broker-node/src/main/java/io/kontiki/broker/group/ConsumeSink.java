package io.kontiki.broker.group;

import io.kontiki.model.ApiError;

/** The client's side of a Consume stream. All calls on the session's loop. */
public interface ConsumeSink {
  /** Whether the client takes more now; {@link ConsumeSession#onReady} tells of a change. */
  boolean ready();

  /** Sends an event; while the client is not ready only a bounded number. */
  void event(ConsumeEvent event);

  /** The session takes one more message of the client. */
  void next();

  /**
   * How long a client can have been silent at most, answers to pings included, while its stream is
   * not cancelled; in milliseconds.
   */
  long silenceMs();

  /** The stream ends with OK. Last call. */
  void end();

  /** The stream ends. Last call. */
  void failed(ApiError error);
}
