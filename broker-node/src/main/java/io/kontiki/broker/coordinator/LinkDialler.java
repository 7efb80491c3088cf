package io.kontiki.broker.coordinator;

/** How a broker reaches the coordinators of shards. All on the control loop. */
public interface LinkDialler {
  /** Who leads a shard as this node knows by itself, which only voters do; else -1. */
  int leader(int shard);

  /**
   * Opens a link to a node, perhaps this one; whether it leads, the first event says.
   *
   * @param handler never called before this returns
   */
  Link dial(int shard, int nodeId, Handler handler);

  /** A link as the broker sees it. */
  interface Link {
    /** Whether more can be sent without piling up; when it can again, {@link Handler#onReady}. */
    boolean ready();

    /** Sends; nothing happens if the link is broken. */
    void send(LinkRequest request);

    /** Ends it; the handler hears nothing more. */
    void close();
  }

  /** Told of what comes on a link. */
  interface Handler {
    /** The next event. */
    void onEvent(LinkEvent event);

    /** {@link Link#ready} again. */
    void onReady();

    /** The link is broken, or was ended by the other side; last word. */
    void onEnded(String why);
  }
}
